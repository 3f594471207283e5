package anthropic

// modelCreated stands for when a model was released, which a router does not know.
const modelCreated = "1970-01-01T00:00:00Z"

// AppendModelList appends the body of GET /v1/models, all on one page
// (https://platform.claude.com/docs/en/api/models-list).
func AppendModelList(dst []byte, ids []string) []byte {
	dst = append(dst, `{"data":[`...)
	for i, id := range ids {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendModel(dst, id)
	}
	dst = append(dst, `],"has_more":false,"first_id":`...)
	dst = append(appendEnd(dst, ids, 0), `,"last_id":`...)
	return append(appendEnd(dst, ids, len(ids)-1), '}')
}

func appendEnd(dst []byte, ids []string, i int) []byte {
	if i < 0 || i >= len(ids) {
		return append(dst, "null"...)
	}
	return appendString(dst, ids[i])
}

// AppendModel appends the body of GET /v1/models/{id}.
func AppendModel(dst []byte, id string) []byte {
	dst = appendString(append(dst, `{"type":"model","id":`...), id)
	dst = appendString(append(dst, `,"display_name":`...), id)
	return append(dst, `,"created_at":"`+modelCreated+`"}`...)
}
