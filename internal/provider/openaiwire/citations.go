package openaiwire

import "encoding/json"

// Citation is what OpenAI's wires can say of a source: where it is and which
// characters of the text it stands behind.
type Citation struct {
	URL, Title string
	Start, End int64
}

// ReadCitations reads the citations of any wire that name a URL:
//
//	{"type":"url_citation","url_citation":{"url","title","start_index","end_index"}}  Chat Completions
//	{"type":"url_citation","url","title","start_index","end_index"}                   Responses
//	{"type":"web_search_result_location","url","title","cited_text"}                  Anthropic
//	{"uri","title","startIndex","endIndex"}, {"web":{"uri","title"}}                  Gemini
func ReadCitations(raw json.RawMessage) (all []Citation) {
	v, _ := Parse(raw)
	for _, element := range v.Elements() {
		var c Citation
		c.read(element, 0)
		if c.URL != "" {
			all = append(all, c)
		}
	}
	return all
}

func (c *Citation) read(v Value, depth int) {
	for name, value := range v.Members() {
		switch string(name) {
		case "url", "uri":
			c.URL = value.Text()
		case "title":
			c.Title = value.Text()
		case "start_index", "startIndex":
			c.Start, _ = value.Int()
		case "end_index", "endIndex":
			c.End, _ = value.Int()
		case "url_citation", "web":
			if depth == 0 {
				c.read(value, depth+1)
			}
		}
	}
}

// Append writes the members of a citation, which both wires name alike.
func (c Citation) Append(o *Object) {
	o.String("url", c.URL)
	o.String("title", c.Title)
	o.Int("start_index", c.Start)
	o.Int("end_index", c.End)
}
