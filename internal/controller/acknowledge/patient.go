package acknowledge

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// grace is how long a router that has answered before may fail to before that
	// counts. What it served it serves on, unless its container started again, and a
	// router or a node that is busy for a moment is no news: a condition that flaps is
	// noise to whoever waits for it.
	grace = 15 * time.Second
	// forgetAfter is when a pod that nobody asked about is gone. One that is there is
	// asked every minute.
	forgetAfter = 10 * time.Minute
)

// Patient is an [Acknowledger] that bears with a router for a moment: in place of
// an answer that fails it gives the last one, marked as such.
type Patient struct {
	routers Acknowledger
	now     func() time.Time

	mu    sync.Mutex
	last  map[types.UID]heard
	swept time.Time
}

// heard is what a pod said last.
type heard struct {
	served Served
	// restarts is of the pod's containers then.
	restarts int32
	// failing is since when it does not answer; zero: it does.
	failing, asked time.Time
}

// NewPatient returns one in front of the routers.
func NewPatient(routers Acknowledger, now func() time.Time) *Patient {
	return &Patient{routers: routers, now: now, last: map[types.UID]heard{}}
}

// Served implements [Acknowledger].
func (p *Patient) Served(ctx context.Context, pod *corev1.Pod) (Served, error) {
	served, err := p.routers.Served(ctx, pod)
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweep(now)
	if err == nil {
		p.last[pod.UID] = heard{served: served, restarts: restarts(pod), asked: now}
		return served, nil
	}
	h, known := p.last[pod.UID]
	if !known || h.restarts != restarts(pod) {
		return Served{}, err
	}
	if h.failing.IsZero() {
		h.failing = now
	}
	h.asked = now
	p.last[pod.UID] = h
	if now.Sub(h.failing) >= grace {
		return Served{}, err
	}
	h.served.Stale = true
	return h.served, nil
}

func (p *Patient) sweep(now time.Time) {
	if now.Sub(p.swept) < forgetAfter {
		return
	}
	p.swept = now
	for uid := range p.last {
		if now.Sub(p.last[uid].asked) >= forgetAfter {
			delete(p.last, uid)
		}
	}
}

func restarts(pod *corev1.Pod) int32 {
	n := int32(0)
	for i := range pod.Status.ContainerStatuses {
		n += pod.Status.ContainerStatuses[i].RestartCount
	}
	return n
}
