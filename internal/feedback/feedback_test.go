package feedback_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/feedback"
)

func TestVotes(t *testing.T) {
	for _, test := range []struct {
		body  string
		score float64
		field string
		says  string
	}{
		{`{"request_id":"r","score":0}`, 0, "", ""},
		{`{"request_id":"r","score":1}`, 1, "", ""},
		{`{"request_id":"r","score":0.25,"comment":"fine","user":"x"}`, 0.25, "", ""},
		{`{"request_id":"r","thumbs":"up"}`, 1, "", ""},
		{`{"request_id":"r","thumbs":"down","score":null}`, 0, "", ""},
		{`{"request_id":"r","score":1.01}`, 0, "score", "from 0"},
		{`{"request_id":"r","score":-0.1}`, 0, "score", "from 0"},
		{`{"request_id":"r","score":1e400}`, 0, "score", "number"},
		{`{"request_id":"r","score":"0.5"}`, 0, "score", "number"},
		{`{"request_id":"r","score":NaN}`, 0, "", "no JSON"},
		{`{"request_id":"r","thumbs":"sideways"}`, 0, "thumbs", "up"},
		{`{"request_id":"r","thumbs":1}`, 0, "thumbs", "a string"},
		{`{"request_id":"r","thumbs":"up","score":1}`, 0, "thumbs", "not both"},
		{`{"request_id":"r"}`, 0, "score", "missing"},
		{`{"score":1}`, 0, "request_id", "missing"},
		{`{"request_id":"","score":1}`, 0, "request_id", "missing"},
		{`{"request_id":7,"score":1}`, 0, "request_id", "a string"},
		{`{"request_id":"r","score":1,"comment":"` + strings.Repeat("ä", feedback.MaxComment+1) + `"}`, 0, "comment", "4096"},
		{`{"request_id":"r","score":1,"comment":"` + strings.Repeat("ä", feedback.MaxComment) + `"}`, 1, "", ""},
		{`[1]`, 0, "", "JSON object"},
		{`null`, 0, "request_id", "missing"},
		{``, 0, "", "no JSON"},
	} {
		vote, err := feedback.Parse([]byte(test.body))
		if test.says == "" {
			if err != nil || vote != (feedback.Vote{RequestID: "r", Score: test.score}) {
				t.Errorf("%.60s: got %+v, %v", test.body, vote, err)
			}
			continue
		}
		var field *feedback.FieldError
		if !errors.As(err, &field) || field.Field != test.field || !strings.Contains(field.Problem, test.says) {
			t.Errorf("%.60s: got %v, want %s: … %s", test.body, err, test.field, test.says)
		}
	}
}

func TestARequestIsVotedOnOnce(t *testing.T) {
	var b feedback.Ballot
	const votes = 200_000
	for i := range votes {
		if !b.Cast(fmt.Sprint(i)) {
			t.Fatalf("vote %d did not count", i)
		}
	}
	for i := votes - 32_768; i < votes; i++ {
		if b.Cast(fmt.Sprint(i)) {
			t.Fatalf("vote %d counted twice", i)
		}
	}
}

func TestAFloodOfOneClientIsItsOwn(t *testing.T) {
	var l feedback.Limiter
	now := time.Unix(1_800_000_000, 0)
	allowed := 0
	for range 1000 {
		if _, ok := l.Allow("flood", now); ok {
			allowed++
		}
	}
	if allowed != 100 {
		t.Errorf("%d votes at once were taken", allowed)
	}
	if _, ok := l.Allow("other", now); !ok {
		t.Error("another client is held up")
	}
	wait, ok := l.Allow("flood", now)
	if ok || wait <= 0 || wait > 100*time.Millisecond {
		t.Errorf("told to wait %s, %t", wait, ok)
	}
	if _, ok := l.Allow("flood", now.Add(wait)); !ok {
		t.Error("refused after the wait")
	}
	if _, ok := l.Allow("flood", now.Add(-time.Hour)); ok {
		t.Error("a clock that ran back gave tokens")
	}
}

func TestManyClientsTakeBoundedMemory(t *testing.T) {
	var l feedback.Limiter
	now := time.Unix(1_800_000_000, 0)
	refused := 0
	for i := range 10_000 {
		if _, ok := l.Allow(fmt.Sprint(i), now); !ok {
			refused++
		}
	}
	if refused != 10_000-4096 {
		t.Errorf("%d of 10,000 new clients were refused", refused)
	}
	if _, ok := l.Allow("late", now.Add(time.Minute)); !ok {
		t.Error("those that are quiet again still take the room")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"request_id":"r","score":0.5,"comment":""}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		vote, err := feedback.Parse(body)
		if err == nil && !(vote.Score >= 0 && vote.Score <= 1 && vote.RequestID != "") {
			t.Errorf("took %+v", vote)
		}
	})
}
