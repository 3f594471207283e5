package shift

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// State is what was learned up to the last decision. Whoever calls Decide keeps it
// until the next call. If it is lost, the split stays where it is, nothing moves
// down before it is proven again, and failures are found as ever; cooldowns and
// retries do not depend on it, for they follow from the status' shifts.
type State struct {
	// Through is the end of the last window that was counted, and the Start of
	// the next to measure. Zero: none was.
	Through time.Time
	// Tiers are sorted by name.
	Tiers []TierState
	// Route watches the whole route, a detector for each measure.
	Route [measures]Detector
	// MaxLatency is the limit, in seconds, that latencies were held against.
	MaxLatency float64
}

// TierState is what was learned of a tier.
type TierState struct {
	Name     string
	Revision string
	Cost     Cost
	// Costed is when the tier last had a cost.
	Costed time.Time
	Tracks [measures]Track
	// Models are sorted.
	Models []ModelState
}

// Track is what was learned of one measure at one tier.
type Track struct {
	// Until is when the evidence is too old and collected anew.
	Until time.Time
	// Evidence is what was measured since it was last begun anew.
	Evidence Evidence
	// Lower is the mean that the first Proven values prove. It was true of them,
	// and so is of all: a confidence sequence holds at all times at once.
	Lower, Proven float64
	// Base is the greatest mean that was proven since there were enough values:
	// what a drop is a drop from. 0: none yet.
	Base float64
	// Detector watches for a drop below Base.
	Detector Detector
}

const (
	// lifetime of evidence of quality, which is dear and changes seldom.
	qualityLifetime = 7 * 24 * time.Hour
	// trafficLifetime is that of latency and failures, which are cheap to
	// measure and change with the hour.
	trafficLifetime = 24 * time.Hour
	// reseededLifetime is that of evidence which began with a drop.
	reseededLifetime = 24 * time.Hour
)

func (m measure) lifetime() time.Duration {
	if m == answered || m == prompt {
		return trafficLifetime
	}
	return qualityLifetime
}

// enough holds when the track has so many values.
func (t *Track) enough(minSamples int32) bool { return t.Evidence.count() >= float64(minSamples)-0.5 }

// refresh begins anew when the evidence is too old; Base remains.
func (t *Track) refresh(m measure, now time.Time) {
	if now.Before(t.Until) && !now.Before(t.Until.Add(-m.lifetime())) {
		return
	}
	*t = Track{Until: now.Add(m.lifetime()), Base: t.Base, Detector: t.Detector}
}

// reseed forgets what was before the drop that the detector found.
func (t *Track) reseed(now time.Time, strictness float64) {
	seed := t.Detector.since()
	*t = Track{Until: now.Add(reseededLifetime), Evidence: seed}
	t.prove(strictness)
}

// worthProving is how much evidence must have grown before its bound is computed
// again.
const worthProving = 1.05

// prove brings Lower up to date, if there is enough that is new.
func (t *Track) prove(strictness float64) {
	if n := t.Evidence.count(); n >= worthProving*t.Proven {
		t.Lower, t.Proven = t.Evidence.lower(strictness), n
	}
}

// maxStateBytes bounds what DecodeState reads: 16 tiers with long names take less.
const maxStateBytes = 64 << 10

// maxStateTiers is the most tiers that a policy has.
const maxStateTiers = 16

// wire is how a State is written: short names, and nothing that is zero.
type wire struct {
	Version    int                            `json:"v"`
	Through    int64                          `json:"at,omitempty"`
	MaxLatency float64                        `json:"ms,omitempty"`
	Tiers      []wireTier                     `json:"tiers,omitempty"`
	Route      [measures][detectorLen]float64 `json:"route,omitzero"`
}

type wireTier struct {
	Name     string              `json:"name"`
	Revision string              `json:"rev,omitempty"`
	Cost     [6]float64          `json:"cost,omitzero"`
	Costed   int64               `json:"costed,omitempty"`
	Tracks   [measures]wireTrack `json:"is"`
	Models   []wireModel         `json:"models,omitempty"`
}

type wireModel struct {
	Name     string  `json:"name"`
	Provider string  `json:"of,omitempty"`
	N        float64 `json:"n"`
	Within   float64 `json:"in"`
}

type wireTrack struct {
	Until    int64                `json:"to,omitempty"`
	Evidence []float64            `json:"e,omitempty"` // pairs of a grid point and its mass
	Bounds   [3]float64           `json:"b,omitzero"`
	Detector [detectorLen]float64 `json:"d,omitzero"`
}

const (
	wireVersion = 1
	detectorLen = len(drops) + 2
)

func (d *Detector) flat() (out [detectorLen]float64) {
	copy(out[:], d.Log[:])
	out[detectorLen-2], out[detectorLen-1] = d.N, d.Sum
	return out
}

func detectorOf(flat [detectorLen]float64) (d Detector) {
	copy(d.Log[:], flat[:])
	d.N, d.Sum = flat[detectorLen-2], flat[detectorLen-1]
	return d
}

func (t *Track) wire() wireTrack {
	w := wireTrack{Until: unix(t.Until), Bounds: [...]float64{t.Lower, t.Base, t.Proven}, Detector: t.Detector.flat()}
	for i, mass := range t.Evidence {
		if mass > 0 {
			w.Evidence = append(w.Evidence, float64(i), mass)
		}
	}
	return w
}

func (w *wireTrack) track() (Track, error) {
	t := Track{Until: fromUnix(w.Until), Lower: w.Bounds[0], Base: w.Bounds[1], Proven: w.Bounds[2], Detector: detectorOf(w.Detector)}
	if len(w.Evidence)%2 != 0 {
		return t, errors.New("has evidence that cannot be")
	}
	for i := 0; i < len(w.Evidence); i += 2 {
		at := w.Evidence[i]
		if !(at >= 0 && at < gridPoints) || at != math.Trunc(at) {
			return t, errors.New("has evidence that cannot be")
		}
		t.Evidence[int(at)] = w.Evidence[i+1]
	}
	return t, nil
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromUnix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// Encode writes the state as printable text, a third of a kilobyte for each tier
// in use, with five significant digits.
func (s State) Encode() string {
	s.Tiers = slices.Clone(s.Tiers)
	s.eachNumber(func(v *float64) {
		*v, _ = strconv.ParseFloat(strconv.FormatFloat(*v, 'g', 5, 64), 64) // its own format
	})
	w := wire{Version: wireVersion, Through: unix(s.Through), MaxLatency: s.MaxLatency}
	for m := range s.Route {
		w.Route[m] = s.Route[m].flat()
	}
	for i := range s.Tiers {
		t := &s.Tiers[i]
		tier := wireTier{Name: t.Name, Revision: t.Revision, Cost: t.Cost.flat(), Costed: unix(t.Costed)}
		for m := range t.Tracks {
			tier.Tracks[m] = t.Tracks[m].wire()
		}
		for _, m := range t.Models {
			tier.Models = append(tier.Models, wireModel{m.Name, m.Provider, m.N, m.Within})
		}
		w.Tiers = append(w.Tiers, tier)
	}
	data, err := json.Marshal(w)
	if err != nil {
		return "" // a number that is none; nothing is read as having learned nothing
	}
	return string(data)
}

// DecodeState reads what Encode wrote. The empty text is the zero State. An error
// means that nothing can be made of the text; go on with the zero State.
func DecodeState(text string) (State, error) {
	if text == "" {
		return State{}, nil
	}
	if len(text) > maxStateBytes {
		return State{}, fmt.Errorf("is %d bytes long, more than %d", len(text), maxStateBytes)
	}
	var w wire
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&w); err != nil {
		return State{}, fmt.Errorf("is not what Encode writes: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return State{}, errors.New("has something behind its end")
	}
	s, err := w.state()
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return State{}, err
	}
	return s, nil
}

func (w *wire) state() (State, error) {
	s := State{Through: fromUnix(w.Through), MaxLatency: w.MaxLatency}
	if w.Version != wireVersion {
		return s, fmt.Errorf("is of version %d, not %d", w.Version, wireVersion)
	}
	for m := range w.Route {
		s.Route[m] = detectorOf(w.Route[m])
	}
	for i := range w.Tiers {
		t := TierState{Name: w.Tiers[i].Name, Revision: w.Tiers[i].Revision, Cost: costOf(w.Tiers[i].Cost), Costed: fromUnix(w.Tiers[i].Costed)}
		for m := range t.Tracks {
			var err error
			if t.Tracks[m], err = w.Tiers[i].Tracks[m].track(); err != nil {
				return s, fmt.Errorf("tier %q %w", t.Name, err)
			}
		}
		for _, m := range w.Tiers[i].Models {
			t.Models = append(t.Models, ModelState{Model{m.Name, m.Provider}, m.N, m.Within})
		}
		s.Tiers = append(s.Tiers, t)
	}
	return s, nil
}

func (s *State) check() error {
	if len(s.Tiers) > maxStateTiers {
		return fmt.Errorf("has %d tiers, more than %d", len(s.Tiers), maxStateTiers)
	}
	for i := 1; i < len(s.Tiers); i++ {
		if s.Tiers[i-1].Name >= s.Tiers[i].Name {
			return fmt.Errorf("has tier %q out of order", s.Tiers[i].Name)
		}
	}
	if !s.finite() {
		return errNotFinite
	}
	for i := range s.Tiers {
		if err := s.Tiers[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// finite is that no number is beyond what any observation could have made of it.
func (s *State) finite() bool {
	finite := true
	s.eachNumber(func(v *float64) {
		finite = finite && math.Abs(*v) <= 1e15 // which NaN is not
	})
	return finite
}

func (t *TierState) check() error {
	if !saneModels(t.Models) {
		return fmt.Errorf("tier %q has models that cannot be", t.Name)
	}
	for m := range t.Tracks {
		if !t.Tracks[m].sane() {
			return fmt.Errorf("tier %q has evidence that cannot be", t.Name)
		}
	}
	return nil
}

func (t *Track) sane() bool {
	for _, mass := range t.Evidence {
		if mass < 0 {
			return false
		}
	}
	return t.Lower >= 0 && t.Lower <= 1 && t.Base >= 0 && t.Base <= 1 && t.Detector.N >= 0 && t.Detector.Sum >= 0
}

// eachNumber visits all numbers.
func (s *State) eachNumber(visit func(*float64)) {
	visit(&s.MaxLatency)
	for m := range s.Route {
		s.Route[m].eachNumber(visit)
	}
	for i := range s.Tiers {
		t := &s.Tiers[i]
		cost := t.Cost.flat()
		for j := range cost {
			visit(&cost[j])
		}
		t.Cost = costOf(cost)
		t.Models = slices.Clone(t.Models)
		for j := range t.Models {
			visit(&t.Models[j].N)
			visit(&t.Models[j].Within)
		}
		for m := range t.Tracks {
			track := &t.Tracks[m]
			visit(&track.Lower)
			visit(&track.Base)
			visit(&track.Proven)
			for j := range track.Evidence {
				visit(&track.Evidence[j])
			}
			track.Detector.eachNumber(visit)
		}
	}
}

func (d *Detector) eachNumber(visit func(*float64)) {
	visit(&d.N)
	visit(&d.Sum)
	for k := range d.Log {
		visit(&d.Log[k])
	}
}

// tier finds the state of a tier, or begins one. What was learned of another
// revision of it is forgotten.
func (s *State) tier(t Tier) *TierState {
	i, found := slices.BinarySearchFunc(s.Tiers, t.Name, func(s TierState, name string) int { return strings.Compare(s.Name, name) })
	if !found {
		s.Tiers = slices.Insert(s.Tiers, i, TierState{Name: t.Name, Revision: t.Revision})
	}
	if s.Tiers[i].Revision != t.Revision {
		s.Tiers[i] = TierState{Name: t.Name, Revision: t.Revision}
	}
	return &s.Tiers[i]
}

// fit keeps the states of these tiers, of none else, and makes the missing.
func (s *State) fit(tiers []Tier) {
	s.Tiers = slices.DeleteFunc(slices.Clone(s.Tiers), func(state TierState) bool {
		return !slices.ContainsFunc(tiers, func(t Tier) bool { return t.Name == state.Name })
	})
	for _, t := range tiers {
		s.tier(t)
	}
}
