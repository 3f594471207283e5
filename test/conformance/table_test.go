package conformance

import (
	"fmt"
	"strings"
)

// table is what one client may ask of all providers.
type table struct {
	client    string
	upstreams []*upstream
	rows      []string
	cells     map[string]map[string]verdict
}

func newTable(client string, upstreams []*upstream) *table {
	return &table{client: client, upstreams: upstreams, cells: map[string]map[string]verdict{}}
}

func (t *table) put(row string, u *upstream, v verdict) {
	if t.cells[row] == nil {
		t.rows = append(t.rows, row)
		t.cells[row] = map[string]verdict{}
	}
	t.cells[row][u.name] = v
}

// notes numbers reasons, each once.
type notes struct {
	list  []string
	index map[string]int
}

func (n *notes) of(reason string) int {
	if i, ok := n.index[reason]; ok {
		return i
	}
	n.list = append(n.list, reason)
	n.index[reason] = len(n.list)
	return len(n.list)
}

func (t *table) render(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Clients of %s\n\n|", t.client)
	for _, u := range t.upstreams {
		fmt.Fprintf(b, " | %s", u.title)
	}
	b.WriteString(" |\n|---" + strings.Repeat("|:---:", len(t.upstreams)) + "|\n")
	n := &notes{index: map[string]int{}}
	for _, row := range t.rows {
		fmt.Fprintf(b, "| %s", row)
		for _, u := range t.upstreams {
			fmt.Fprintf(b, " | %s", t.cells[row][u.name].cell(n))
		}
		b.WriteString(" |\n")
	}
	b.WriteByte('\n')
	for i, note := range n.list {
		fmt.Fprintf(b, "%d. %s\n", i+1, note)
	}
}

// cell is the verdict as the table has it.
func (v verdict) cell(n *notes) string {
	switch v.kind {
	case passes:
		return "✓"
	case absent:
		return fmt.Sprintf("– %d", n.of("no: "+v.reason))
	case drops:
		return fmt.Sprintf("✓ %d", n.of("dropped: `"+v.reason+"`"))
	case refused:
		return fmt.Sprintf("✗ %d", n.of("refused: "+v.reason))
	}
	return "FAILS"
}

const preamble = `# What is carried, and what is not

<!-- Written by make conformance, which proves what it says. Do not edit. -->

Each row is a feature, each column a kind of provider, and each table an official SDK that asks for it through the
router: openai-go for Chat Completions and Responses, anthropic-sdk-go for Messages, google.golang.org/genai for
generateContent. Each cell was asked for as a document and as a stream, of a simulated provider that the vendor's own SDK
accepts. In each, the SDK could read the answer, the provider was sent what the client said, and the cost that the router
booked is to the picodollar what the provider charged.

| | |
|:---:|---|
| ✓ | it works |
| ✓ *n* | it works without what note *n* names, which the header ` + "`x-tiershift-dropped`" + ` tells |
| ✗ *n* | it is refused with a 400, before anything is sent: an answer without it would not be what was asked |
| – *n* | there is nothing to carry: the client's API has no words for it, or the provider does not have it |

The column Responses is of providers that are asked through OpenAI Responses, as clients of that API are
wherever the provider has it (OpenAI, Azure's v1 API, xAI).
`

func render(tables []*table) string {
	var b strings.Builder
	b.WriteString(preamble)
	for _, t := range tables {
		t.render(&b)
	}
	return b.String()
}
