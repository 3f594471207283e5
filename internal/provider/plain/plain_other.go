//go:build !amd64

package plain

// wide is more than any slice has: there are no kernels for this processor.
const wide = int(^uint(0) >> 1)

func indexWide([]byte) int { return 0 }

func copyWide(_, _ []byte) (wrote, read int) { return 0, 0 }
