package conformance

import "encoding/json"

// quoted reads a JSON string; "" if it is none.
func quoted(raw string) (text string) {
	_ = json.Unmarshal([]byte(raw), &text)
	return text
}

// list reads a JSON array; nil if it is none.
func list(raw string) (values []any) {
	_ = json.Unmarshal([]byte(raw), &values)
	return values
}
