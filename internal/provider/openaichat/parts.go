package openaichat

import (
	"github.com/tiershift/tiershift/internal/provider/chat"
)

// content reads a message's content: a text, a list of parts or null.
func (d *decoder) content(at *path, v value) (parts []chat.Part) {
	switch {
	case v.IsString():
		if text := v.Text(); text != "" {
			return []chat.Part{{Kind: chat.KindText, Text: text}}
		}
		// An empty text is a text: providers take it, and the message must not vanish.
		return []chat.Part{{Kind: chat.KindText}}
	case v.IsArray():
		for i, p := range v.Elements() {
			parts = append(parts, d.part(at.Element(i), p))
		}
	case v.Given():
		d.Fail(at, "expected a text or a list of parts")
	}
	return parts
}

func (d *decoder) part(at *path, v value) (p chat.Part) {
	if v.IsString() { // as some servers take it
		return chat.Part{Kind: chat.KindText, Text: v.Text()}
	}
	if !d.Object(at, v) {
		d.Fail(at, "expected an object with type")
		return p
	}
	p.Cache = cacheMark(v)
	switch d.Required(at.Member("type"), v.Get("type")) {
	case "text":
		p.Kind, p.Text = chat.KindText, d.Text(at.Member("text"), v.Get("text"))
	case "refusal":
		p.Kind, p.Text = chat.KindRefusal, d.Text(at.Member("refusal"), v.Get("refusal"))
	case "thinking": // Mistral: a list of texts
		p.Kind, p.Text = chat.KindThinking, listText(v.Get("thinking"))
	case "image_url":
		p.Kind, p.Media = chat.KindImage, d.image(at.Member("image_url"), v.Get("image_url"))
	case "input_audio":
		p.Kind, p.Media = chat.KindAudio, d.audio(at.Member("input_audio"), v.Get("input_audio"))
	case "file":
		p.Kind, p.Media = chat.KindDocument, d.file(at.Member("file"), v.Get("file"))
	default:
		d.Fail(at.Member("type"), "unknown; expected text, image_url, input_audio, file or refusal")
	}
	return p
}

// listText joins the texts of a list of parts, or is the text itself.
func listText(v value) string {
	text := v.Text()
	for _, p := range v.Elements() {
		text += p.Get("text").Text()
	}
	return text
}

func (d *decoder) image(at *path, v value) *chat.Media {
	if v.IsString() { // Mistral's short form
		return d.ReadURL(at, v.Text())
	}
	m := d.ReadURL(at.Member("url"), d.Required(at.Member("url"), v.Get("url")))
	m.Detail = d.Text(at.Member("detail"), v.Get("detail"))
	return m
}

var audioTypes = map[string]string{"wav": "audio/wav", "mp3": "audio/mpeg"}

func (d *decoder) audio(at *path, v value) *chat.Media {
	mime, ok := audioTypes[d.Text(at.Member("format"), v.Get("format"))]
	if !ok {
		d.Fail(at.Member("format"), "unknown; expected wav or mp3")
	}
	return &chat.Media{MIMEType: mime, Data: d.Base64(at.Member("data"), d.Text(at.Member("data"), v.Get("data")))}
}

func (d *decoder) file(at *path, v value) *chat.Media {
	text := func(name string) string { return d.Text(at.Member(name), v.Get(name)) }
	return d.ReadFile(at, text("file_data"), text("file_id"), text("file_url"), text("filename"))
}
