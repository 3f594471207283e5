//go:build !amd64

package plain

var kernel = kernelNone

func skipKernel(_ []byte, i int) (next, length int) { return i, 0 }

func copyKernel(_, _ []byte, i int) (next, wrote int) { return i, 0 }
