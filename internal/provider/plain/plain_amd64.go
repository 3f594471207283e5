package plain

import "golang.org/x/sys/cpu"

// kernel is the way to walk that the processor has; variable, so that tests can take
// the others too.
var kernel = func() kernelKind {
	x := &cpu.X86
	switch {
	case x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VBMI && x.HasAVX512VBMI2 && x.HasBMI1 && x.HasBMI2 && x.HasPOPCNT:
		return kernelAVX512
	case x.HasAVX2:
		return kernelAVX2
	}
	return kernelNone
}()

// skipKernel is Skip, but may stop earlier.
func skipKernel(b []byte, i int) (next, length int) {
	switch left := len(b) - i; {
	case kernel == kernelAVX512 && left >= 64 && i >= lookBehind:
		read, wrote := skipAVX512(&b[i], left)
		return i + read, wrote
	case kernel != kernelNone && left > 32:
		read, wrote := skipAVX2(&b[i], left)
		return i + read, wrote
	}
	return i, 0
}

// copyKernel is Copy, but may stop earlier.
func copyKernel(dst, b []byte, i int) (next, wrote int) {
	switch left := len(b) - i; {
	case kernel == kernelAVX512 && left >= 64 && len(dst) >= 64 && i >= lookBehind:
		wrote, read := copyAVX512(&dst[0], len(dst), &b[i], left)
		return i + read, wrote
	case kernel != kernelNone && left > 32 && len(dst) >= 32:
		wrote, read := copyAVX2(&dst[0], len(dst), &b[i], left)
		return i + read, wrote
	}
	return i, 0
}

// lookBehind is how many bytes before the first the AVX-512 kernels look at, to find
// the character that it belongs to.
const lookBehind = 3

//go:noescape
func skipAVX2(p *byte, n int) (read, wrote int)

//go:noescape
func copyAVX2(dst *byte, room int, src *byte, n int) (wrote, read int)

//go:noescape
func skipAVX512(p *byte, n int) (read, wrote int)

//go:noescape
func copyAVX512(dst *byte, room int, p *byte, n int) (wrote, read int)
