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

// walk is what the text that Skip and Copy walked over stands for; ok is false if they
// must not have walked so far, or must have walked further.
func walk(b []byte, from, to int) (want []byte, ok bool) {
	for i := from; i < to; i++ {
		c := b[i]
		switch {
		case c == '\\' && i+1 < to && ShortEscapes[b[i+1]] != 0:
			i++
			c = ShortEscapes[b[i]]
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(b[i:to])
			if r == utf8.RuneError && size == 1 {
				return nil, false
			}
			want = append(want, b[i:i+size-1]...)
			i += size - 1
			c = b[i]
		case indexOf(b[i:i+1]) == 0:
			return nil, false
		}
		want = append(want, c)
	}
	return want, true
}

// stops is whether b[i] is what Skip and Copy may stop at.
func stops(b []byte, i int) bool {
	return indexOf(b[i:]) == 0 && (b[i] != '\\' || i+1 == len(b) || ShortEscapes[b[i+1]] == 0)
}

// seeds are texts that stop the kernels at all places of their blocks.
func seeds() [][]byte {
	var out [][]byte
	for _, special := range []string{"", `"`, `\n`, `\\`, `\"`, `\u00e9`, `\x`, `\`, "\n", "\x00", "\x1f", "é", "床", "\xff", "\x7f"} {
		for n := range 140 {
			out = append(out, []byte(strings.Repeat("a", n)+special+"bc"), []byte(strings.Repeat("z", n)+special+strings.Repeat(" ~", 70)+special),
				[]byte(strings.Repeat("é", n/2)+strings.Repeat("x", n%2)+special+strings.Repeat(`\\\t`, 40)+"床"+special+strings.Repeat("🙂", 17)))
		}
	}
	return out
}

func check(t *testing.T, b []byte, i, room int) {
	t.Helper()
	next, length := Skip(b, i)
	want, ok := walk(b, i, next)
	if !ok || length != len(want) || next < len(b) && !stops(b, next) {
		t.Fatalf("Skip(%q, %d) = %d, %d, want a length of %d", b, i, next, length, len(want))
	}
	const beyond = 0xaa
	memory := bytes.Repeat([]byte{beyond}, room+8)
	next, wrote := Copy(memory[:room:room], b, i)
	want, ok = walk(b, i, next)
	if !ok || !bytes.Equal(memory[:wrote], want) {
		t.Fatalf("Copy(%q, %d) stopped at %d and wrote %q, want %q", b, i, next, memory[:wrote], want)
	}
	if !bytes.Equal(memory[room:], bytes.Repeat([]byte{beyond}, 8)) {
		t.Fatalf("Copy(%q, %d) wrote beyond its %d bytes", b, i, room)
	}
	if next+8 < len(b) && wrote+8 <= room && !stops(b, next) {
		t.Fatalf("Copy(%q, %d) into %d stopped at %d for nothing", b, i, room, next)
	}
}

// eachKernel runs the test with every kernel that the processor can run.
func eachKernel(test func(name string)) {
	own := kernel
	for k, name := range []string{"portable", "AVX2", "AVX-512"} {
		if kernel = kernelKind(k); kernel <= own {
			test(name)
		}
	}
	kernel = own
}

func TestSkipAndCopyStopWhereTheyMust(t *testing.T) {
	eachKernel(func(name string) {
		t.Run(name, func(t *testing.T) {
			for _, b := range seeds() {
				for _, room := range []int{0, 7, 8, 31, 32, 33, 63, 64, 100, len(b), len(b) + 80} {
					check(t, b, 0, room)
					check(t, append([]byte(`:"`), b...), 2, room)
					check(t, append([]byte(`ab"`), b...), 3, room)
				}
			}
		})
	})
}

func FuzzPlain(f *testing.F) {
	for _, s := range seeds()[:40] {
		f.Add(s, 3, 64)
	}
	f.Fuzz(func(t *testing.T, b []byte, i, room int) {
		i, room = min(max(i, 0), len(b)), min(max(room, 0), 4096)
		for i > 0 && i < len(b) && b[i-1] >= utf8.RuneSelf { // strings begin behind a quote, characters are walked over whole
			i++
		}
		eachKernel(func(string) { check(t, b, i, room) })
	})
}

func BenchmarkSkip(b *testing.B) {
	src := []byte(strings.Repeat(`The quick brown fox jumps over the \"lazy\" dog while seven wizards box.\n`, 200))
	eachKernel(func(name string) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				Skip(src, 3)
			}
		})
	})
}

func BenchmarkCopy(b *testing.B) {
	src := []byte(strings.Repeat(`The quick brown fox jumps over the \"lazy\" dog while seven wizards box.\n`, 200))
	dst := make([]byte, len(src))
	eachKernel(func(name string) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				Copy(dst, src, 3)
			}
		})
	})
}
