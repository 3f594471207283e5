package openaiwire

import (
	"encoding/base64"
	"path"
	"strings"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

// ReadURL reads an image's or a file's URL, which may be a data URL (RFC 2397)
// in base64.
func (r *Reader) ReadURL(at *Path, url string) *chat.Media {
	rest, ok := strings.CutPrefix(url, "data:")
	if !ok {
		if !strings.Contains(url, "://") {
			r.Fail(at, "expected an https URL or a data URL in base64")
		}
		return &chat.Media{URL: url}
	}
	mime, data, ok := strings.Cut(rest, ",")
	mime, encoded := strings.CutSuffix(mime, ";base64")
	if !ok || !encoded {
		r.Fail(at, "expected a data URL in base64: data:image/png;base64,…")
		return &chat.Media{}
	}
	mime, _, _ = strings.Cut(mime, ";")
	return &chat.Media{MIMEType: mime, Data: r.Base64(at, data)}
}

// Base64 checks base64 and returns it in the standard alphabet with padding.
func (r *Reader) Base64(at *Path, data string) string {
	if data == "" {
		r.Fail(at, "is empty; expected base64")
		return ""
	}
	if !strings.ContainsAny(data, "-_\n\r") && len(data)%4 == 0 && standard(data) {
		return data
	}
	data = strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "").Replace(data)
	data = strings.TrimRight(data, "=")
	if pad := len(data) % 4; pad > 1 {
		data += "=="[:4-pad]
	}
	if len(data)%4 != 0 || !standard(data) {
		r.Fail(at, "expected valid base64")
	}
	return data
}

// inBase64 is true of the characters of the standard alphabet.
var inBase64 = func() (t [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] = true
	}
	return t
}()

func standard(data string) bool {
	body := strings.TrimRight(data, "=")
	if len(data)-len(body) > 2 || body == "" {
		return false
	}
	for i := range len(body) {
		if !inBase64[body[i]] {
			return false
		}
	}
	return true
}

// mimeTypes are those of file names that stand without one.
var mimeTypes = map[string]string{
	".pdf": "application/pdf", ".txt": "text/plain", ".md": "text/markdown", ".csv": "text/csv", ".html": "text/html",
	".json": "application/json", ".xml": "text/xml",
}

// ReadFile reads a document as both wires give it: data (a data URL, or base64
// alone), an id or a URL, and a name.
func (r *Reader) ReadFile(at *Path, data, id, url, name string) *chat.Media {
	m := &chat.Media{}
	switch {
	case data != "" && strings.HasPrefix(data, "data:"):
		m = r.ReadURL(at.Member("file_data"), data)
	case data != "":
		m.Data = r.Base64(at.Member("file_data"), data)
		if m.MIMEType = mimeTypes[strings.ToLower(path.Ext(name))]; m.MIMEType == "" {
			m.MIMEType = "application/pdf"
		}
	case url != "":
		m = r.ReadURL(at.Member("file_url"), url)
	case id != "":
		m.FileID = id
	default:
		r.Fail(at, "expected file_data, file_id or file_url")
	}
	m.Name = name
	return m
}

// DataURL is the media as a data URL.
func DataURL(m *chat.Media, otherwise string) string {
	mime := m.MIMEType
	if mime == "" {
		mime = otherwise
	}
	return "data:" + mime + ";base64," + m.Data
}

// PlainText is the text of a document that is one; false: it is of another type.
// Both wires take such documents only as text.
func PlainText(m *chat.Media) (string, bool) {
	if m.Data == "" || !strings.HasPrefix(m.MIMEType, "text/") && m.MIMEType != "application/json" {
		return "", false
	}
	text, err := base64.StdEncoding.DecodeString(m.Data)
	if err != nil {
		return "", false
	}
	s := strings.ToValidUTF8(string(text), "\uFFFD")
	if m.Name != "" {
		s = m.Name + ":\n" + s
	}
	return s, true
}
