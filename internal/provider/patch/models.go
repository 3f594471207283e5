package patch

import "strconv"

// ModelEntry is one model of a list.
type ModelEntry struct {
	ID      string
	OwnedBy string
	// Created is in Unix seconds.
	Created int64
}

// AppendModelList appends the body of GET /v1/models.
func AppendModelList(dst []byte, models []ModelEntry) []byte {
	dst = append(dst, `{"object":"list","data":[`...)
	for i, m := range models {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendModel(dst, m)
	}
	return append(dst, `]}`...)
}

// AppendModel appends the body of GET /v1/models/{id}.
func AppendModel(dst []byte, m ModelEntry) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, m.ID)
	dst = append(dst, `,"object":"model","created":`...)
	dst = strconv.AppendInt(dst, m.Created, 10)
	dst = append(dst, `,"owned_by":`...)
	dst = appendString(dst, m.OwnedBy)
	return append(dst, '}')
}
