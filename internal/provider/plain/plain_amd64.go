package plain

import "golang.org/x/sys/cpu"

// wide is the least length that the kernels of this processor take.
var wide = leastOf(cpu.X86.HasAVX2)

func leastOf(avx2 bool) int {
	if avx2 {
		return 33
	}
	return int(^uint(0) >> 1)
}

// indexWide is Index, but may stop before anything special when less than 32 bytes
// are left.
func indexWide(b []byte) int { return indexAVX2(&b[0], len(b)) }

// copyWide is Copy, but stops earlier.
func copyWide(dst, src []byte) (wrote, read int) {
	return copyAVX2(&dst[0], len(dst), &src[0], len(src))
}

//go:noescape
func indexAVX2(p *byte, n int) int

//go:noescape
func copyAVX2(dst *byte, room int, src *byte, n int) (wrote, read int)
