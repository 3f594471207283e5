package patch

import (
	"fmt"
	"math/rand"
	"strings"
)

// generator makes up requests, most of them acceptable, in all the disguises
// that JSON has: spaces, escapes, order, repetition.
type generator struct{ *rand.Rand }

func (g generator) pick(of ...string) string { return of[g.Intn(len(of))] }

func (g generator) space() string { return g.pick("", "", "", " ", "\n\t", "  \r\n") }

// str writes a string, each character perhaps as an escape.
func (g generator) str(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r < ' ' || g.Intn(20) == 0 && r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		case g.Intn(30) == 0 && r >= 0x10000:
			fmt.Fprintf(&out, `\u%04X\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			out.WriteRune(r)
		}
	}
	if g.Intn(40) == 0 {
		out.WriteString(`\ud800`)
	}
	return out.String() + `"`
}

func (g generator) word() string {
	return g.pick("", "a", "gpt-4o", "hello \"world\"", "línea\ncon acentos", "漢字かな交じり文", "😀😀", "stop,", "{[:]}", prose(90), "\x01\x7f\u2028", "none", "text", "json_schema")
}

func (g generator) object(members ...string) string {
	g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return g.join("{", members, "}")
}

func (g generator) member(key, value string) string {
	return g.str(key) + g.space() + ":" + g.space() + value
}

func (g generator) list(n int, of func() string) string {
	var values []string
	for range g.Intn(n + 1) {
		values = append(values, of())
	}
	return g.join("[", values, "]")
}

func (g generator) join(opening string, values []string, closing string) string {
	return opening + g.space() + strings.Join(values, g.space()+","+g.space()) + g.space() + closing
}

func (g generator) value(depth int) string {
	switch n := g.Intn(9); {
	case n < 3 && depth > 0:
		return g.list(3, func() string { return g.value(depth - 1) })
	case n < 5 && depth > 0:
		var members []string
		for range g.Intn(4) {
			members = append(members, g.member(g.word(), g.value(depth-1)))
		}
		return g.object(members...)
	case n < 6:
		return g.str(g.word())
	}
	return g.pick("null", "true", "false", "0", "-1", "12.50", "1e9", "-0.0E-2", "18446744073709551616")
}

// odd is now and then another value than the one that should be there.
func (g generator) odd(value string) string {
	if g.Intn(60) == 0 {
		return g.value(1)
	}
	return value
}

func (g generator) message() string {
	var members []string
	maybe := func(n int, key, value string) {
		if g.Intn(n) > 0 {
			members = append(members, g.member(key, g.odd(value)))
		}
	}
	maybe(20, "role", g.str(g.pick("user", "user", "assistant", "system", "tool", "developer", "function", "oracle")))
	maybe(10, "content", g.content())
	if g.Intn(4) == 0 {
		maybe(2, "tool_calls", g.value(2))
		maybe(2, "name", g.value(0))
		maybe(3, g.word(), g.value(2))
		maybe(30, "role", `"user"`)
	}
	return g.object(members...)
}

func (g generator) content() string {
	switch g.Intn(3) {
	case 0:
		return g.list(3, g.part)
	case 1:
		return g.pick("null", g.str(g.word()))
	}
	return g.str(g.word())
}

func (g generator) part() string {
	if g.Intn(10) == 0 {
		return g.str(g.word())
	}
	kind := g.pick("text", "text", "input_text", "image_url", "input_audio", "file", "refusal", "hologram")
	members := []string{g.member("type", g.odd(g.str(kind)))}
	if g.Intn(5) > 0 {
		members = append(members, g.member("text", g.odd(g.str(g.word()))))
	}
	if g.Intn(3) == 0 {
		members = append(members, g.member("image_url", g.value(2)))
	}
	return g.object(members...)
}

func (g generator) options() string {
	var members []string
	if g.Intn(2) > 0 {
		members = append(members, g.member("include_usage", g.odd(g.pick("true", "false", "null"))))
	}
	if g.Intn(2) > 0 {
		members = append(members, g.member("include_obfuscation", "false"))
	}
	return g.pick("null", g.object(members...), g.object(members...))
}

// request makes up a request body.
func (g generator) request() []byte {
	members := []string{
		g.member("model", g.odd(g.str(g.pick("gpt-4o", "m", "línea", "a/b")))),
		g.member("messages", g.odd(g.join("[", append([]string{g.message()}, g.message(), g.message())[:1+g.Intn(3)], "]"))),
	}
	maybe := func(n int, key, value string) {
		if g.Intn(n) == 0 {
			members = append(members, g.member(key, g.odd(value)))
		}
	}
	maybe(2, "stream", g.pick("true", "false", "null", "true"))
	maybe(2, "stream_options", g.options())
	maybe(3, "max_tokens", g.pick("10", "0", "1000", "null", "-1", "5e2", "99.5"))
	maybe(3, "max_completion_tokens", g.pick("10", "0", "1000", "null", "1e30"))
	maybe(5, "n", g.pick("1", "2", "null"))
	maybe(4, "tools", g.list(3, func() string { return g.value(3) }))
	maybe(9, "functions", g.list(2, func() string { return g.value(1) }))
	maybe(5, "response_format", g.object(g.member("type", g.str(g.pick("text", "json_schema", "json_object")))))
	maybe(5, "metadata", g.object(g.member(g.word(), g.str(g.word())), g.member("k", g.value(1)), g.member("k", g.str(g.word()))))
	maybe(5, "reasoning_effort", g.str(g.pick("none", "low", "high")))
	maybe(5, "user", g.str(g.word()))
	maybe(9, "modalities", g.pick(`["text"]`, `["text","audio"]`))
	maybe(9, "audio", g.pick("null", `{"voice":"x"}`))
	maybe(3, "temperature", "0.7")
	maybe(3, g.word(), g.value(4))
	maybe(60, "model", `"twice"`)
	maybe(60, g.pick("Model", "STREAM", "maxTokens", "max_to\u212aens"), "null")
	return []byte(g.space() + g.object(members...) + g.space())
}
