package model

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// pack writes bytes as base64 of their deflated form: most weights are small.
func pack(data []byte) string {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestCompression) // fails for an unknown level only
	_, _ = w.Write(data)                                 // a buffer takes all
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

// unpack reads what pack wrote, of at most limit bytes.
func unpack(s string, limit int) ([]byte, error) {
	deflated, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflated)), int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, fmt.Errorf("more than %d bytes", limit)
	}
	return data, nil
}

func packBytes(values []int8) string {
	data := make([]byte, len(values))
	for i, v := range values {
		data[i] = byte(v)
	}
	return pack(data)
}

func unpackBytes(s string, limit int) ([]int8, error) {
	data, err := unpack(s, limit)
	values := make([]int8, len(data))
	for i, b := range data {
		values[i] = int8(b)
	}
	return values, err
}

// packFloats writes little-endian float32.
func packFloats(values []float32) string {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return pack(data)
}

func unpackFloats(s string, limit int) ([]float32, error) {
	data, err := unpack(s, 4*limit)
	if err == nil && len(data)%4 != 0 {
		err = errors.New("is no list of numbers")
	}
	var values []float32
	for ; err == nil && len(data) >= 4; data = data[4:] {
		values = append(values, math.Float32frombits(binary.LittleEndian.Uint32(data)))
	}
	return values, err
}

// packShort writes the upper 16 bits of numbers, the lower byte of all first:
// so they deflate better.
func packShort(values []float32) string {
	data := make([]byte, 2*len(values))
	for i, v := range values {
		bits := math.Float32bits(v) >> 16
		data[i], data[len(values)+i] = byte(bits), byte(bits>>8)
	}
	return pack(data)
}

func unpackShort(s string, limit int) ([]float32, error) {
	data, err := unpack(s, 2*limit)
	n := len(data) / 2
	values := make([]float32, n)
	for i := range values {
		values[i] = math.Float32frombits(uint32(data[i])<<16 | uint32(data[n+i])<<24)
	}
	return values, err
}

// storedHead is a head with its lists packed.
type storedHead struct {
	Head
	Weights string        `json:"weights"`
	Dense   string        `json:"dense"`
	Forest  *storedForest `json:"forest,omitempty"`
}

type storedForest struct {
	Inputs     string `json:"inputs"`
	Thresholds string `json:"thresholds"`
	Leaves     string `json:"leaves"`
}

type storedTopics struct {
	Topics
	Weights string `json:"weights"`
	Mass    string `json:"mass"`
}

func (s *storedHead) read() (h Head, err error) {
	h = s.Head
	if h.Weights, err = unpackBytes(s.Weights, Buckets); err != nil {
		return h, fmt.Errorf(".weights: %w", err)
	}
	if h.Dense, err = unpackFloats(s.Dense, Columns()); err != nil {
		return h, fmt.Errorf(".dense: %w", err)
	}
	if s.Forest != nil {
		if h.Forest, err = s.Forest.read(); err != nil {
			return h, fmt.Errorf(".forest%w", err)
		}
	}
	return h, nil
}

func (s *storedForest) read() (*Forest, error) {
	f := &Forest{}
	var err error
	if f.Inputs, err = unpack(s.Inputs, MaxTrees*TreeSplits); err != nil {
		return nil, fmt.Errorf(".inputs: %w", err)
	}
	if f.Thresholds, err = unpackShort(s.Thresholds, MaxTrees*TreeSplits); err != nil {
		return nil, fmt.Errorf(".thresholds: %w", err)
	}
	if f.Leaves, err = unpack(s.Leaves, MaxTrees*TreeLeaves); err != nil {
		return nil, fmt.Errorf(".leaves: %w", err)
	}
	return f, nil
}

func readHeads(field string, stored []storedHead) ([]Head, error) {
	if len(stored) > maxHeads {
		return nil, fmt.Errorf("model: %s: %d, at most %d are possible", field, len(stored), maxHeads)
	}
	heads := make([]Head, len(stored))
	for i := range stored {
		var err error
		if heads[i], err = stored[i].read(); err != nil {
			return nil, fmt.Errorf("model: %s[%d]%w", field, i, err)
		}
	}
	return heads, nil
}

func (s *storedTopics) read() (*Topics, error) {
	if s == nil {
		return nil, nil
	}
	t := s.Topics
	var err error
	if t.Weights, err = unpackBytes(s.Weights, TopicBuckets*TopicDims); err != nil {
		return nil, fmt.Errorf("model: topics.weights: %w", err)
	}
	if t.Mass, err = unpack(s.Mass, TopicBuckets); err != nil {
		return nil, fmt.Errorf("model: topics.mass: %w", err)
	}
	return &t, nil
}

// unpacked is read for topics that were read before.
func (s *storedTopics) unpacked() *Topics {
	t, err := s.read()
	if err != nil {
		panic("topics that were unpacked before: " + err.Error())
	}
	return t
}

func storeHeads(heads []Head) []storedHead {
	stored := make([]storedHead, len(heads))
	for i := range heads {
		h := &heads[i]
		stored[i] = storedHead{Head: *h, Weights: packBytes(h.Weights), Dense: packFloats(h.Dense)}
		if f := h.Forest; f != nil {
			stored[i].Forest = &storedForest{Inputs: pack(f.Inputs), Thresholds: packShort(f.Thresholds), Leaves: pack(f.Leaves)}
		}
	}
	return stored
}

func storeTopics(t *Topics) *storedTopics {
	if t == nil {
		return nil
	}
	return &storedTopics{Topics: *t, Weights: packBytes(t.Weights), Mass: pack(t.Mass)}
}
