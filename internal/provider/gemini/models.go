package gemini

// ModelEntry is one model of a list.
type ModelEntry struct {
	// ID is the name without its collection, such as "gemini-2.5-flash".
	ID string
	// InputTokens and OutputTokens are the model's limits; 0: unknown.
	InputTokens, OutputTokens int64
}

// AppendModelList appends the body of GET /v1beta/models
// (https://ai.google.dev/api/models#method:-models.list), all on one page.
func AppendModelList(dst []byte, models []ModelEntry) []byte {
	w := &writer{b: append(dst, `{"models":[`...)}
	for _, m := range models {
		w.comma()
		w.b = AppendModel(w.b, m)
	}
	return append(w.b, "]}"...)
}

// AppendModel appends the body of GET /v1beta/models/{id}
// (https://ai.google.dev/api/models#Model).
func AppendModel(dst []byte, m ModelEntry) []byte {
	w := &writer{b: append(dst, `{"name":`...)}
	w.b = append(appendString(w.b, "models/"+m.ID), `,"version":"1"`...)
	w.text("displayName", m.ID)
	if m.InputTokens > 0 {
		w.int("inputTokenLimit", m.InputTokens)
	}
	if m.OutputTokens > 0 {
		w.int("outputTokenLimit", m.OutputTokens)
	}
	w.texts("supportedGenerationMethods", []string{string(Generate), string(StreamGenerate)})
	return append(w.b, '}')
}
