package audit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
)

// lineReader reads lines up to a limit, and past longer ones without keeping
// them.
type lineReader struct {
	buffered *bufio.Reader
	limit    int
	// number is that of the line read last, from 1.
	number int
}

// newLineReader reads gzip when the data is gzip.
func newLineReader(r io.Reader, limit int) (*lineReader, error) {
	const readAhead = 256 << 10
	buffered := bufio.NewReaderSize(r, readAhead)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, err
		}
		buffered = bufio.NewReaderSize(unzipped, readAhead)
	}
	return &lineReader{buffered: buffered, limit: limit}, nil
}

// next appends the next line to dst, without its end. whole is false for one over
// the limit, of which nothing is kept. The error is io.EOF after the last line.
func (l *lineReader) next(dst []byte) (line []byte, whole bool, err error) {
	start, size := len(dst), 0
	for {
		part, err := l.buffered.ReadSlice('\n')
		if size += len(part); size <= l.limit {
			dst = append(dst, part...)
		} else {
			dst = dst[:start]
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (size == 0 || !errors.Is(err, io.EOF)) {
			return dst[:start], false, err
		}
		l.number++
		return dst, size <= l.limit, nil
	}
}
