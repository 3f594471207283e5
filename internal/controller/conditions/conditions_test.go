package conditions

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

var (
	earlier = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now     = earlier.Add(time.Hour)
)

func TestTimeIsThatOfTheLastChangeOfStatus(t *testing.T) {
	before := []metav1.Condition{
		{Type: "Same", Status: metav1.ConditionTrue, Reason: "Old", LastTransitionTime: metav1.NewTime(earlier)},
		{Type: "Other", Status: metav1.ConditionTrue, Reason: "Old", LastTransitionTime: metav1.NewTime(earlier)},
	}
	set := New(7, before, now)
	set.True("Same", "New", "")
	set.False("Other", "New", "")
	if got := set.Get("Same"); !got.LastTransitionTime.Time.Equal(earlier) || got.ObservedGeneration != 7 {
		t.Errorf("got %+v", got)
	}
	if got := set.Get("Other").LastTransitionTime; !got.Time.Equal(now) {
		t.Errorf("got %v", got)
	}
}

func TestReadyFollowsFromTheOthers(t *testing.T) {
	for _, test := range []struct {
		name string
		a, b metav1.ConditionStatus
		want metav1.ConditionStatus
	}{
		{"all True is True", metav1.ConditionTrue, metav1.ConditionTrue, metav1.ConditionTrue},
		{"one False is False", metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionFalse},
		{"one Unknown is Unknown", metav1.ConditionTrue, metav1.ConditionUnknown, metav1.ConditionUnknown},
		{"False outweighs Unknown", metav1.ConditionFalse, metav1.ConditionUnknown, metav1.ConditionFalse},
		{"missing is Unknown", metav1.ConditionTrue, "", metav1.ConditionUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := New(1, nil, now)
			set.Set("A", test.a, "R", "a is so")
			if test.b != "" {
				set.Set("B", test.b, "R", "b is so")
			}
			set.Ready(v1alpha1.ReasonReady, "fine", "A", "B")
			got := set.Get(v1alpha1.ConditionReady)
			if got.Status != test.want {
				t.Errorf("got %s", got.Status)
			}
			if test.want != metav1.ConditionTrue && !strings.Contains(got.Message, ":") && !strings.Contains(got.Message, "not known yet") {
				t.Errorf("the message does not say why: %q", got.Message)
			}
		})
	}
}

func TestProgressIsThereOnlyWhileNotReady(t *testing.T) {
	for _, test := range []struct {
		name             string
		status           metav1.ConditionStatus
		stalled          bool
		wantKind, absent string
	}{
		{"waiting", metav1.ConditionFalse, false, Reconciling, Stalled},
		{"stuck", metav1.ConditionFalse, true, Stalled, Reconciling},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := New(1, nil, now)
			set.Set("A", test.status, "R", "m")
			set.Ready(v1alpha1.ReasonReady, "fine", "A")
			set.Progress(test.stalled)
			if !IsTrue(set.List(), test.wantKind) || set.Get(test.absent) != nil {
				t.Errorf("got %v", set.List())
			}
		})
	}
	set := New(1, nil, now)
	set.Ready(v1alpha1.ReasonReady, "fine")
	set.Progress(false)
	if len(set.List()) != 1 {
		t.Errorf("a ready object has %v", set.List())
	}
}

func TestChangedTellsOnlyWhatIsNews(t *testing.T) {
	set := New(1, []metav1.Condition{
		{Type: "Same", Status: metav1.ConditionTrue, Reason: "R"},
		{Type: "Reason", Status: metav1.ConditionFalse, Reason: "R"},
	}, now)
	set.True("Same", "R", "other words")
	set.False("Reason", "S", "")
	set.True("NewAndWell", "R", "")
	set.Unknown("NewAndUnknown", "R", "")
	set.False("New", "R", "")
	set.Ready(v1alpha1.ReasonReady, "fine", "Same", "Reason")
	set.Progress(false)
	var got []string
	for _, c := range set.Changed() {
		got = append(got, c.Type)
	}
	if strings.Join(got, " ") != "New Reason" {
		t.Errorf("got %v", got)
	}
}

func TestLongMessagesAreCutBetweenCharacters(t *testing.T) {
	set := New(1, nil, now)
	set.False("A", "R", strings.Repeat("ä", maxMessage))
	got := set.Get("A").Message
	if len(got) > maxMessage || !strings.HasSuffix(got, "ä…") {
		t.Errorf("got %d bytes, ending %q", len(got), got[len(got)-8:])
	}
}

func TestIsTrueAndIsFalse(t *testing.T) {
	list := []metav1.Condition{{Type: "A", Status: metav1.ConditionTrue}, {Type: "B", Status: metav1.ConditionUnknown}}
	if !IsTrue(list, "A") || IsFalse(list, "A") || IsTrue(list, "B") || IsFalse(list, "B") || IsTrue(list, "C") || IsFalse(list, "C") {
		t.Error("a condition is taken for what it is not")
	}
}
