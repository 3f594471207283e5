package routerconfig

import (
	"bytes"
	"compress/gzip"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func compressed(t *testing.T, document []byte) []byte {
	t.Helper()
	data, err := Compress(document)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestACompressedDocumentDecodesToWhatWasEncoded(t *testing.T) {
	document := encode(t, sample())
	plain, err := Decode(document)
	if err != nil {
		t.Fatal(err)
	}
	packed := compressed(t, document)
	got, err := Decode(packed)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, plain) {
		t.Errorf("got %+v\nwant %+v", got, plain)
	}
	if !bytes.Equal(packed, compressed(t, document)) {
		t.Error("the same document compressed to other bytes")
	}
}

func TestDecodeRefusesABadCompressedFile(t *testing.T) {
	whole := compressed(t, encode(t, sample()))
	changed := bytes.Clone(whole)
	changed[len(changed)-5] ^= 1 // in the length and checksum at the end
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"cut in its header":  {whole[:5], "the file was cut"},
		"cut in its body":    {whole[:len(whole)/2], "the file was changed or cut"},
		"changed":            {changed, "the file was changed or cut"},
		"of nothing":         {compressed(t, nil), "the document is empty"},
		"of no JSON":         {compressed(t, []byte("hello")), "decode router config"},
		"compressed twice":   {compressed(t, whole), "decode router config"},
		"a bomb":             {bomb(t), "takes more than 8388608 bytes"},
		"plain and too long": {bytes.Repeat([]byte(" "), MaxDocumentBytes+1), "takes more than 8388608 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Decode(test.data); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
		})
	}
}

// A bomb costs what the limit allows, not what it holds.
func TestABombCostsNoMoreThanTheLimit(t *testing.T) {
	data := bomb(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _ = Decode(data) // refused, see above
	runtime.ReadMemStats(&after)
	// io.ReadAll grows by steps, and copies at each.
	if spent, most := after.TotalAlloc-before.TotalAlloc, uint64(8*MaxDocumentBytes); spent > most {
		t.Errorf("refusing %d bytes allocates %d, want at most %d", len(data), spent, most)
	}
}

// bomb is a gzip file of 256 MiB of spaces.
func bomb(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	writer := gzip.NewWriter(&buf)
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	for range 256 {
		if _, err := writer.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
