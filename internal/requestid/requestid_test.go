package requestid_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/requestid"
)

var (
	key    = []byte("the key of one policy, 32 bytes.")
	answer = requestid.Answer{
		At: time.Unix(1_800_000_000, 0), Route: requestid.Hash("chat"), Tier: requestid.Hash("nano"),
		Model: requestid.Hash("gpt-5-nano"), Placed: requestid.Hash("nano"),
	}
)

func full() string {
	return requestid.Complete(requestid.New([15]byte{1, 2, 3}), &answer, "shop", key)
}

func TestAnIDCarriesItsAnswer(t *testing.T) {
	id := full()
	if len(id) != requestid.Length || strings.ToLower(id) != id {
		t.Errorf("%q has %d characters, want %d of lower case", id, len(id), requestid.Length)
	}
	got, err := requestid.Read(id, "shop", key)
	if err != nil || got != answer {
		t.Errorf("got %+v, %v; want %+v", got, err, answer)
	}
	if !strings.HasPrefix(id, requestid.New([15]byte{1, 2, 3})+".") {
		t.Errorf("%s does not begin with its short form", id)
	}
}

func TestIDsThatDoNotCount(t *testing.T) {
	id := full()
	flip := func(at int) string {
		other := byte('a')
		if id[at] == other {
			other = 'b'
		}
		return id[:at] + string(other) + id[at+1:]
	}
	tests := map[string]struct {
		id, client, key string
		want            error
	}{
		"of another policy":     {id, "shop", "the key of another policy", requestid.ErrForeign},
		"of another client":     {id, "bank", string(key), requestid.ErrForeign},
		"another random part":   {flip(6), "shop", string(key), requestid.ErrForeign},
		"another time":          {flip(requestid.ShortLength + 5), "shop", string(key), requestid.ErrForeign},
		"another tier":          {flip(requestid.ShortLength + 18), "shop", string(key), requestid.ErrForeign},
		"another signature":     {flip(requestid.Length - 5), "shop", string(key), requestid.ErrForeign},
		"another version":       {flip(requestid.ShortLength + 2), "shop", string(key), requestid.ErrForeign},
		"spelt in another way":  {id[:len(id)-1] + "b", "shop", string(key), requestid.ErrMalformed},
		"upper case":            {strings.ToUpper(id), "shop", string(key), requestid.ErrMalformed},
		"the short form":        {id[:requestid.ShortLength], "shop", string(key), requestid.ErrShort},
		"cut":                   {id[:len(id)-1], "shop", string(key), requestid.ErrMalformed},
		"lengthened":            {id + "a", "shop", string(key), requestid.ErrMalformed},
		"empty":                 {"", "shop", string(key), requestid.ErrMalformed},
		"another service's":     {"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "shop", string(key), requestid.ErrMalformed},
		"with a line feed":      {id[:10] + "\n" + id[11:], "shop", string(key), requestid.ErrMalformed},
		"line feeds in between": {id[:10] + "\n\n" + id[10:], "shop", string(key), requestid.ErrMalformed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := requestid.Read(test.id, test.client, []byte(test.key)); !errors.Is(err, test.want) || got != (requestid.Answer{}) {
				t.Errorf("got %+v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestEveryBitOfAnIDIsSigned(t *testing.T) {
	id := full()
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	for at := len("req_"); at < len(id); at++ {
		for _, c := range alphabet {
			if changed := id[:at] + string(c) + id[at+1:]; changed != id {
				if _, err := requestid.Read(changed, "shop", key); err == nil {
					t.Fatalf("character %d may be %c too", at, c)
				}
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(full())
	f.Add("req_")
	f.Fuzz(func(t *testing.T, id string) {
		if _, err := requestid.Read(id, "shop", key); err == nil && id != full() {
			t.Errorf("forged: %q", id)
		}
	})
}

func BenchmarkComplete(b *testing.B) {
	short := requestid.New([15]byte{1})
	b.ReportAllocs()
	for b.Loop() {
		requestid.Complete(short, &answer, "shop", key)
	}
}
