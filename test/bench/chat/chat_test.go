package chat

import (
	"encoding/json"
	"testing"
)

func TestBodiesAreRequestsOfTheSizeAskedFor(t *testing.T) {
	for _, size := range []int{2 << 10, 20 << 10, 200 << 10} {
		for variant := range Variants {
			body := Body(size, variant, true)
			if off := len(body) - size; off < -100 || off > 100 {
				t.Errorf("size %d, variant %d: %d bytes", size, variant, len(body))
			}
			var r request
			if err := json.Unmarshal(body, &r); err != nil {
				t.Fatalf("size %d, variant %d: %v", size, variant, err)
			}
			last := r.Messages[len(r.Messages)-1]
			if !r.Stream || r.Model != "auto" || len(r.Tools) == 0 || last.Role != "user" || len(r.Messages) < 4 {
				t.Errorf("size %d, variant %d: no conversation: %.200s", size, variant, body)
			}
			if string(body) != string(Body(size, variant, true)) {
				t.Errorf("size %d, variant %d: not the same twice", size, variant)
			}
		}
	}
}

func TestVariantsDiffer(t *testing.T) {
	seen := map[string]int{}
	for variant := range Variants {
		body := string(Body(2<<10, variant, false))
		if other, ok := seen[body]; ok {
			t.Errorf("variants %d and %d are the same", variant, other)
		}
		seen[body] = variant
	}
}
