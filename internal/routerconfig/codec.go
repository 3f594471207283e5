package routerconfig

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Encode stamps the config with its digest and returns its canonical encoding:
// the same config always gives the same bytes.
func Encode(c *Config) ([]byte, error) {
	stamped := *c
	digest, err := Digest(c)
	if err != nil {
		return nil, err
	}
	stamped.Digest = digest
	return marshal(&stamped)
}

// Digest is "sha256:" and the hex SHA-256 of the canonical encoding with an
// empty digest and generation zero: a new generation that compiles to the same
// routing is the same config and asks no router to change anything.
func Digest(c *Config) (string, error) {
	bare := *c
	bare.Digest = ""
	bare.Generation = 0
	data, err := marshal(&bare)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

func marshal(c *Config) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c); err != nil {
		return nil, fmt.Errorf("encode router config: %w", err)
	}
	return buf.Bytes(), nil
}

// Decode reads one document, compressed or not, strictly (an unknown field is an
// error: it is one that this router would silently not honour), checks its digest
// and validates it.
func Decode(data []byte) (*Config, error) {
	data, err := decompress(data)
	if err != nil {
		return nil, fmt.Errorf("decode router config: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var c Config
	if err := dec.Decode(&c); err != nil {
		return nil, fmt.Errorf("decode router config: %w", explain(err, data))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decode router config: data after the document")
	}
	want, err := Digest(&c)
	if err != nil {
		return nil, err
	}
	if c.Digest != want {
		return nil, fmt.Errorf("router config digest is %q, but its content has %q: the file was changed or cut", c.Digest, want)
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("router config is invalid: %w", err)
	}
	return &c, nil
}

// explain finds the cause behind the decoder's words. A document of another
// version has fields that this one does not know, and is no fault of theirs.
func explain(err error, data []byte) error {
	var head struct {
		APIVersion string `json:"apiVersion"`
	}
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the document is empty")
	case json.Unmarshal(data, &head) == nil && head.APIVersion != APIVersion:
		return &FieldError{"apiVersion", fmt.Sprintf("is %q, this router reads %q", head.APIVersion, APIVersion)}
	default:
		return err
	}
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) {
	return []byte(time.Duration(d).String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}
