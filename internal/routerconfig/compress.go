package routerconfig

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
)

// MaxDocumentBytes is the most that a document may take once it is decompressed.
// A router reads no more than that of one, whatever a small compressed file
// claims to hold; its parsed form takes a few times as much.
const MaxDocumentBytes = 8 << 20

// gzipMagic begins every gzip file (RFC 1952, section 2.3.1). No JSON document
// begins so.
var gzipMagic = []byte{0x1f, 0x8b}

// Compress returns the encoded document as a gzip file, which [Decode] reads as it
// reads the document. The same document always gives the same bytes: no time and
// no name goes in.
func Compress(document []byte) ([]byte, error) {
	var buf bytes.Buffer
	writer, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(document); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// decompress returns the document in data, compressed or not.
func decompress(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, gzipMagic) {
		return data, checkSize(len(data))
	}
	reader, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w: the file was cut", err)
	}
	document, err := io.ReadAll(io.LimitReader(reader, MaxDocumentBytes+1))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w: the file was changed or cut", err)
	}
	return document, checkSize(len(document))
}

func checkSize(size int) error {
	if size > MaxDocumentBytes {
		return fmt.Errorf("the document takes more than %d bytes", MaxDocumentBytes)
	}
	return nil
}
