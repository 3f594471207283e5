package http1

import (
	"net/http"
	"sync/atomic"
	"time"
)

// dateLine is the Date header of one second.
type dateLine struct {
	second int64
	line   []byte
}

var lastDate atomic.Pointer[dateLine]

// appendDate appends the Date header line.
func appendDate(dst []byte) []byte {
	t := time.Now()
	d := lastDate.Load()
	if d == nil || d.second != t.Unix() {
		d = &dateLine{second: t.Unix(), line: t.UTC().AppendFormat([]byte("Date: "), http.TimeFormat+"\r\n")}
		lastDate.Store(d)
	}
	return append(dst, d.line...)
}
