// Package conditions builds the conditions of a status: what changed keeps its
// history, what did not keeps its time, and Ready follows from the others.
//
// It is pure, and must never hold a rule of one kind of object.
package conditions

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

// Conditions that kstatus reads, and with it kubectl wait's relatives, Flux and
// Argo CD. They are there only while they are True.
const (
	// Reconciling says that the operator is still at it, or waits for something
	// that may come.
	Reconciling = "Reconciling"
	// Stalled says that nothing will change until someone changes the object.
	Stalled = "Stalled"
)

// maxMessage keeps kubectl describe readable; an Event takes no more either.
const maxMessage = 1000

// Set is the conditions of one object as they are to be.
type Set struct {
	generation int64
	now        metav1.Time
	before     []metav1.Condition
	list       []metav1.Condition
}

// New begins with no condition. before are those of the object as it stands.
func New(generation int64, before []metav1.Condition, now time.Time) *Set {
	return &Set{generation: generation, before: before, now: metav1.NewTime(now.Truncate(time.Second))}
}

// Set sets a condition. Its time is that of the last change of its status.
func (s *Set) Set(kind string, status metav1.ConditionStatus, reason, message string) {
	condition := metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: cut(message), ObservedGeneration: s.generation, LastTransitionTime: s.now,
	}
	if old := find(s.before, kind); old != nil && old.Status == status && !old.LastTransitionTime.IsZero() {
		condition.LastTransitionTime = old.LastTransitionTime
	}
	if i := slices.IndexFunc(s.list, func(c metav1.Condition) bool { return c.Type == kind }); i >= 0 {
		s.list[i] = condition
		return
	}
	s.list = append(s.list, condition)
}

// True sets a condition to True.
func (s *Set) True(kind, reason, message string) { s.Set(kind, metav1.ConditionTrue, reason, message) }

// False sets a condition to False.
func (s *Set) False(kind, reason, message string) {
	s.Set(kind, metav1.ConditionFalse, reason, message)
}

// Unknown sets a condition to Unknown.
func (s *Set) Unknown(kind, reason, message string) {
	s.Set(kind, metav1.ConditionUnknown, reason, message)
}

// Get returns a condition, or nil when it is missing.
func (s *Set) Get(kind string) *metav1.Condition { return find(s.list, kind) }

// Ready sets Ready from the named conditions: True when each of them is.
func (s *Set) Ready(reason, message string, from ...string) {
	var missing []string
	status := metav1.ConditionTrue
	for _, kind := range from {
		c := s.Get(kind)
		switch {
		case c == nil:
			missing = append(missing, kind+" is not known yet")
			status = worse(status, metav1.ConditionUnknown)
		case c.Status != metav1.ConditionTrue:
			missing = append(missing, kind+": "+c.Message)
			status = worse(status, c.Status)
		}
	}
	if status == metav1.ConditionTrue {
		s.True(v1alpha1.ConditionReady, reason, message)
		return
	}
	s.Set(v1alpha1.ConditionReady, status, v1alpha1.ReasonNotReady, strings.Join(missing, "; "))
}

func worse(a, b metav1.ConditionStatus) metav1.ConditionStatus {
	if a == metav1.ConditionFalse || b == metav1.ConditionFalse {
		return metav1.ConditionFalse
	}
	return metav1.ConditionUnknown
}

// Progress sets Stalled or Reconciling for an object that is not Ready.
func (s *Set) Progress(stalled bool) {
	ready := s.Get(v1alpha1.ConditionReady)
	if ready == nil || ready.Status == metav1.ConditionTrue {
		return
	}
	kind := Reconciling
	if stalled {
		kind = Stalled
	}
	s.True(kind, ready.Reason, ready.Message)
}

// List is the conditions, sorted as [Sorted] does.
func (s *Set) List() []metav1.Condition { return Sorted(s.list) }

// Sorted is the conditions by type: the order of a list that several owners apply
// to is not that of any of them.
func Sorted(list []metav1.Condition) []metav1.Condition {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b metav1.Condition) int { return strings.Compare(a.Type, b.Type) })
	return sorted
}

// Changed are the conditions whose status or reason is not what it was, but those
// that only sum up others. They are what an Event is worth. That all is well, or
// was never asked, is none the first time: nobody expects it to be otherwise, and
// a thousand new objects would say it several thousand times.
func (s *Set) Changed() []metav1.Condition {
	var changed []metav1.Condition
	for _, c := range s.List() {
		if c.Type == v1alpha1.ConditionReady || c.Type == Reconciling || c.Type == Stalled {
			continue
		}
		old := find(s.before, c.Type)
		if old == nil && c.Status != metav1.ConditionFalse {
			continue
		}
		if old == nil || old.Status != c.Status || old.Reason != c.Reason {
			changed = append(changed, c)
		}
	}
	return changed
}

// IsTrue is whether the list has the condition and it is True.
func IsTrue(list []metav1.Condition, kind string) bool {
	c := find(list, kind)
	return c != nil && c.Status == metav1.ConditionTrue
}

// IsFalse is whether the list has the condition and it is False.
func IsFalse(list []metav1.Condition, kind string) bool {
	c := find(list, kind)
	return c != nil && c.Status == metav1.ConditionFalse
}

func find(list []metav1.Condition, kind string) *metav1.Condition {
	for i := range list {
		if list[i].Type == kind {
			return &list[i]
		}
	}
	return nil
}

func cut(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage-len("…")], "") + "…"
}
