package apply

import (
	"crypto/sha256"
	"encoding/json"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// settled remembers which objects were found to be as they are to be, so that an
// object is not compared field by field again before either side changes. It is an
// economy only: what it forgets is compared once more.
type settled struct {
	mu      sync.Mutex
	byOwner map[types.NamespacedName]map[string]comparison
	// taken are the names at which the owner's objects cannot be, since someone
	// else's are there: to try again would be a write that fails each time.
	taken map[types.NamespacedName]map[string]bool
}

// comparison is of one version of an object with one that is wanted. It is empty,
// and so never remembered, where there is nothing to compare.
type comparison struct {
	object  string
	uid     types.UID
	version string
	desired [sha256.Size]byte
}

// look is the comparison of live, which may be nil, with what the owner wants.
func look(owner, live, desired client.Object) comparison {
	if live == nil || live.GetResourceVersion() == "" {
		return comparison{}
	}
	document, err := encode(desired)
	if err != nil {
		return comparison{}
	}
	return comparison{
		object: nameOf(desired),
		uid:    live.GetUID(), version: live.GetResourceVersion(),
		desired: sha256.Sum256(append(document, owner.GetUID()...)),
	}
}

func nameOf(object client.Object) string {
	return object.GetObjectKind().GroupVersionKind().Kind + " " + object.GetName()
}

// encode is the object as bytes, the same for the same object. Kubernetes' own kinds
// have a fast way, which sorts what has no order.
func encode(object client.Object) ([]byte, error) {
	if fast, ok := object.(interface{ Marshal() ([]byte, error) }); ok {
		return fast.Marshal()
	}
	return json.Marshal(object)
}

func (s *settled) has(owner client.Object, c comparison) bool {
	if c.object == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byOwner[client.ObjectKeyFromObject(owner)][c.object] == c
}

func (s *settled) put(owner client.Object, c comparison) {
	if c.object == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := client.ObjectKeyFromObject(owner)
	if s.byOwner == nil {
		s.byOwner = map[types.NamespacedName]map[string]comparison{}
	}
	if s.byOwner[name] == nil {
		s.byOwner[name] = map[string]comparison{}
	}
	s.byOwner[name][c.object] = c
}

func (s *settled) isTaken(owner, object client.Object) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken[client.ObjectKeyFromObject(owner)][nameOf(object)]
}

// take remembers that the object's name is taken, or that it no longer is.
func (s *settled) take(owner, object client.Object, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := client.ObjectKeyFromObject(owner)
	if !yes {
		delete(s.taken[name], nameOf(object))
		return
	}
	if s.taken == nil {
		s.taken = map[types.NamespacedName]map[string]bool{}
	}
	if s.taken[name] == nil {
		s.taken[name] = map[string]bool{}
	}
	s.taken[name][nameOf(object)] = true
}

// Forget drops what is remembered of an owner that is gone.
func (a *Applier) Forget(owner types.NamespacedName) {
	a.settled.mu.Lock()
	defer a.settled.mu.Unlock()
	delete(a.settled.byOwner, owner)
	delete(a.settled.taken, owner)
}
