package message

import (
	"slices"
	"strings"
	"testing"
)

// TestChunksEndWhereTheyEnd splits a body, with something behind it, at every pair
// of places.
func TestChunksEndWhereTheyEnd(t *testing.T) {
	const body = "5;a=\"b\" \r\nhello\r\n06\r\n world\r\n000\r\nX: y\r\nZ:\r\n\r\n"
	const all = body + "GET / HTTP/1.1\r\n"
	for i := range len(all) {
		for j := i; j <= len(all); j++ {
			var c Chunks
			content, end := "", 0
			for _, part := range []string{all[:i], all[i:j], all[j:]} {
				p := []byte(part)
				n, consumed, fault := c.Decode(p)
				if fault != "" {
					t.Fatalf("split at %d and %d: %s", i, j, fault)
				}
				content += string(p[:n])
				end += consumed
			}
			if content != "hello world" || end != len(body) || !c.Done {
				t.Fatalf("split at %d and %d: %q, %d bytes of %d, done %t", i, j, content, end, len(body), c.Done)
			}
		}
	}
}

func TestRemainingIsContentOnly(t *testing.T) {
	var c Chunks
	for _, step := range []struct {
		read string
		want int64
	}{{"", 0}, {"1", 0}, {"0\r", 0}, {"\n", 16}, {"abc", 13}, {strings.Repeat("x", 13), 0}, {"\r\n0\r\n", 0}, {"\r\n", 0}} {
		if _, _, fault := c.Decode([]byte(step.read)); fault != "" {
			t.Fatal(fault)
		}
		if got := c.Remaining(); got != step.want {
			t.Errorf("after %q: %d, want %d", step.read, got, step.want)
		}
	}
}

func TestNextField(t *testing.T) {
	tests := []struct{ lines, name, value, rest, reason string }{
		{"A: b\r\nC: d\r\n", "A", "b", "C: d\r\n", ""},
		{"A:\t b c \t\r\n", "A", "b c", "", ""},
		{"A:\r\n", "A", "", "", ""},
		{"A: b: c\r\n", "A", "b: c", "", ""},
		{"A: b\n", "", "", "", "a header line does not end in CRLF"},
		{"A: b", "", "", "", "a header line does not end in CRLF"},
		{"\n", "", "", "", "a header line does not end in CRLF"},
		{"\r\n", "", "", "", "a header line has no colon"},
		{" A: b\r\n", "", "", "", "a header line is folded"},
		{"A : b\r\n", "", "", "", "a header name is not a token"},
		{": b\r\n", "", "", "", "a header name is not a token"},
		{"A: b\rc\r\n", "A", "", "", "a header value holds a control character"},
	}
	for _, test := range tests {
		name, value, rest, reason := NextField(test.lines)
		if name != test.name || value != test.value || rest != test.rest || reason != test.reason {
			t.Errorf("%q: %q, %q, %q, %q", test.lines, name, value, rest, reason)
		}
		inBytes, _, _, reasonInBytes := NextField([]byte(test.lines))
		if string(inBytes) != name || reasonInBytes != reason {
			t.Errorf("%q in bytes: %q, %q", test.lines, inBytes, reasonInBytes)
		}
	}
}

func TestDecimal(t *testing.T) {
	for s, want := range map[string]int64{"0": 0, "007": 7, "9223372036854775799": 9223372036854775799} {
		if n, ok := Decimal(s); n != want || !ok {
			t.Errorf("%q: %d, %t", s, n, ok)
		}
	}
	for _, s := range []string{"", "-1", "+1", " 1", "1 ", "0x1", "1_0", "９", "9223372036854775808", "99999999999999999999"} {
		if n, ok := Decimal(s); ok {
			t.Errorf("%q: %d", s, n)
		}
	}
}

func TestEachElement(t *testing.T) {
	var got []string
	EachElement(" a,b ,\t, c d", func(e string) { got = append(got, e) })
	if want := []string{"a", "b", "", "c d"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestSameName(t *testing.T) {
	for _, same := range []string{"content-length", "Content-Length", "CONTENT-LENGTH"} {
		if !SameName(same, "Content-Length") {
			t.Errorf("%q differs", same)
		}
	}
	for _, other := range []string{"content_length", "content-lengt", "content-length ", "content\rlength"} {
		if SameName(other, "Content-Length") {
			t.Errorf("%q is the same", other)
		}
	}
}
