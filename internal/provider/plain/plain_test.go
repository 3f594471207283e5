package plain

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// indexOf is Index, byte by byte.
func indexOf(b []byte) int {
	for i, c := range b {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return i
		}
	}
	return len(b)
}

// copyOf is what Copy may have written once it has read so much; ok is false if it
// must not have read that much.
func copyOf(src []byte, read int) (want []byte, ok bool) {
	for i := 0; i < read; i++ {
		c := src[i]
		switch {
		case c == '\\' && i+1 < read && ShortEscapes[src[i+1]] != 0:
			i++
			c = ShortEscapes[src[i]]
		case indexOf(src[i:i+1]) == 0:
			return nil, false
		}
		want = append(want, c)
	}
	return want, true
}

// seeds are texts that stop the kernels at all places of their blocks.
func seeds() [][]byte {
	var out [][]byte
	for _, special := range []string{"", `"`, `\n`, `\\`, `\"`, `\u00e9`, `\x`, `\`, "\n", "\x00", "\x1f", "é", "床", "\xff", "\x7f"} {
		for n := range 70 {
			out = append(out, []byte(strings.Repeat("a", n)+special+"bc"), []byte(strings.Repeat("z", n)+special+strings.Repeat(" ~", 40)+special))
		}
	}
	return out
}

func checkIndex(t *testing.T, b []byte) {
	t.Helper()
	if got, want := Index(b), indexOf(b); got != want {
		t.Fatalf("Index(%q) = %d, want %d", b, got, want)
	}
}

// checkCopy also says that Copy gets as far as it is worth: to what stops it, or to
// the last word of what it has.
func checkCopy(t *testing.T, src []byte, room int) {
	t.Helper()
	const beyond = 0xaa
	memory := bytes.Repeat([]byte{beyond}, room+8)
	wrote, read := Copy(memory[:room:room], src)
	want, ok := copyOf(src, read)
	if !ok || !bytes.Equal(memory[:wrote], want) {
		t.Fatalf("Copy(%q) read %d and wrote %q, want %q", src, read, memory[:wrote], want)
	}
	if !bytes.Equal(memory[room:], bytes.Repeat([]byte{beyond}, 8)) {
		t.Fatalf("Copy(%q) wrote beyond its %d bytes", src, room)
	}
	stopped := read+1 < len(src) && indexOf(src[read:]) == 0 && (src[read] != '\\' || ShortEscapes[src[read+1]] == 0)
	if !stopped && read+8 < len(src) && wrote+8 <= room {
		t.Fatalf("Copy(%q) into %d stopped at %d for nothing", src, room, read)
	}
}

// eachKernel runs the test with and without the processor's own kernels.
func eachKernel(t *testing.T, test func(*testing.T)) {
	t.Helper()
	own := wide
	t.Run("kernel", test)
	wide = int(^uint(0) >> 1)
	t.Run("portable", test)
	wide = own
}

func TestIndexAndCopyStopWhereTheyMust(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for _, src := range seeds() {
			checkIndex(t, src)
			for _, room := range []int{0, 7, 8, 31, 32, 33, 40, len(src), len(src) + 40} {
				checkCopy(t, src, room)
			}
		}
	})
}

func FuzzPlain(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s, 64)
	}
	f.Fuzz(func(t *testing.T, src []byte, room int) {
		checkIndex(t, src)
		checkCopy(t, src, min(max(room, 0), 4096))
	})
}

func BenchmarkCopy(b *testing.B) {
	src := []byte(strings.Repeat(`The quick brown fox jumps over the \"lazy\" dog while seven wizards box.\n`, 200))
	dst := make([]byte, len(src))
	own := wide
	for _, kernel := range []struct {
		name string
		wide int
	}{{"kernel", own}, {"portable", int(^uint(0) >> 1)}} {
		b.Run(kernel.name, func(b *testing.B) {
			wide = kernel.wide
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				Copy(dst, src)
			}
		})
	}
	wide = own
}
