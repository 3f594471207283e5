package shifting

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/shift"
)

// maxEvidenceBytes is what the API takes of status.routes[].evidence.
const maxEvidenceBytes = 32 << 10

// statusAfter is the route's status with the decision.
func statusAfter(before *v1alpha1.RouteStatus, d *shift.Decision) v1alpha1.RouteStatus {
	after := *before.DeepCopy()
	after.Split, after.Recommended, after.Models = d.Split, d.Recommended, d.Models
	after.Reason, after.Message = string(d.Reason), d.Message
	if d.Window != nil {
		after.Window = d.Window
	}
	if d.Record != nil {
		after.Shifts = slices.Insert(after.Shifts, 0, *d.Record)
		after.Shifts = after.Shifts[:min(len(after.Shifts), v1alpha1.MaxShiftHistory)]
		after.LastShift = &after.Shifts[0]
	}
	if after.Evidence = d.State.Encode(); len(after.Evidence) > maxEvidenceBytes {
		after.Evidence = "" // what cannot be kept is learned anew
	}
	return after
}

// worthKeeping is whether the status tells more than that time has passed: it is
// not written for every interval without traffic or without a measurement.
func worthKeeping(before, after *v1alpha1.RouteStatus, d *shift.Decision) bool {
	switch {
	case d.Record != nil, before.Reason != after.Reason, !equality.Semantic.DeepEqual(before.Split, after.Split):
		return true
	case !equality.Semantic.DeepEqual(before.Recommended, after.Recommended), !equality.Semantic.DeepEqual(before.Models, after.Models):
		return true
	case d.Window == nil:
		return false
	}
	return d.Window.Requests > 0 || before.Window == nil || before.Window.Requests > 0
}
