package expression

import (
	"reflect"
	"strings"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// headers is the CEL map over HTTP headers. A lookup, which is nearly every
// use, reads the headers as they are; only to be iterated or compared are they
// copied into a map by lower-case name.
type headers struct {
	values map[string][]string
	copied traits.Mapper
}

// Find implements traits.Mapper. Like HTTP it does not regard case.
func (h *headers) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	var buffer [64]byte
	values := h.values[string(canonical(buffer[:0], string(name)))]
	if len(values) == 0 {
		return nil, false
	}
	return types.String(values[0]), true
}

// canonical appends the name as net/http keeps it: "x-plan" becomes "X-Plan".
func canonical(to []byte, name string) []byte {
	start := true
	for _, c := range []byte(name) {
		switch {
		case start && 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		case !start && 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		to = append(to, c)
		start = c == '-'
	}
	return to
}

// all returns the headers as an ordinary CEL map.
func (h *headers) all() traits.Mapper {
	if h.copied == nil {
		first := make(map[string]string, len(h.values))
		for name, values := range h.values {
			if len(values) > 0 {
				first[strings.ToLower(name)] = values[0]
			}
		}
		h.copied = types.NewStringStringMap(types.DefaultTypeAdapter, first)
	}
	return h.copied
}

// Get implements traits.Indexer.
func (h *headers) Get(key ref.Val) ref.Val {
	if value, ok := h.Find(key); ok {
		return value
	}
	return types.ValOrErr(key, "no such key: %v", key)
}

// Contains implements traits.Container.
func (h *headers) Contains(key ref.Val) ref.Val {
	_, ok := h.Find(key)
	return types.Bool(ok)
}

// Iterator implements traits.Iterable.
func (h *headers) Iterator() traits.Iterator { return h.all().Iterator() }

// Size implements traits.Sizer.
func (h *headers) Size() ref.Val { return h.all().Size() }

// ConvertToNative implements ref.Val.
func (h *headers) ConvertToNative(kind reflect.Type) (any, error) {
	return h.all().ConvertToNative(kind)
}

// ConvertToType implements ref.Val.
func (h *headers) ConvertToType(kind ref.Type) ref.Val { return h.all().ConvertToType(kind) }

// Equal implements ref.Val.
func (h *headers) Equal(other ref.Val) ref.Val { return h.all().Equal(other) }

// Type implements ref.Val.
func (h *headers) Type() ref.Type { return types.MapType }

// Value implements ref.Val.
func (h *headers) Value() any { return h.all().Value() }
