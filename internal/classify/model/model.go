package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
)

// Format names the file format. A file of another is refused.
const Format = "tiershift-classifier/v2"

// Limits of a model file.
const (
	// MaxFileSize fits a ConfigMap, which may hold 1 MiB in all.
	MaxFileSize = 800 << 10
	// MaxTiers is how many tiers a model may tell apart.
	MaxTiers    = 5
	maxHeads    = MaxTiers + 3
	stride      = maxHeads // bytes of weights per bucket in memory
	weightBias  = 0x80
	maxNameSize = 253
)

// Classes are the classes from least to most demanding: the names of the class heads.
var Classes = [...]string{"SIMPLE", "MODERATE", "COMPLEX"}

// Head is one logistic regression, and perhaps a forest beside it.
type Head struct {
	// Name is that of a tier or of a class.
	Name string `json:"name"`
	// Bias is in log odds, as are the weights.
	Bias float32 `json:"bias"`
	// Scale is what one unit of a bucket's weight stands for.
	Scale float32 `json:"scale"`
	// Slope, Mix and Intercept calibrate the log odds z of the regression and f of
	// the forest: sigmoid(Slope·z+Mix·f+Intercept). Platt, Probabilistic Outputs
	// for Support Vector Machines, 1999; Wolpert, Stacked Generalization, 1992.
	Slope     float32 `json:"slope"`
	Mix       float32 `json:"mix,omitempty"`
	Intercept float32 `json:"intercept"`
	// Weights are those of the buckets, one byte each; Dense those of the
	// counted features.
	Weights []int8    `json:"-"`
	Dense   []float32 `json:"-"`
	// Forest is nil for none.
	Forest *Forest `json:"-"`
}

// Model predicts from the text of a prompt how likely each tier answers it well,
// and how demanding it is. It is immutable and safe for concurrent use.
type Model struct {
	card    Card
	tiers   []Head // from the cheapest to the strongest
	classes []Head // none, or those of Classes
	// topics of a model that was loaded are unpacked when they are first asked for: they
	// take more memory than all else, and only trees look at them. Nil: there are none.
	topics func() *Topics
	// weights and dense are those of all heads side by side, tiers first; the heads have
	// none of their own. Of weights each has weightBias added, so that sum can add up all
	// of a bucket at once.
	weights []byte
	dense   []float32
}

// file is a model as it is stored.
type file struct {
	Format string `json:"format"`
	// Features is the fingerprint of the features it was trained for.
	Features string        `json:"features"`
	Card     Card          `json:"card"`
	Topics   *storedTopics `json:"topics,omitempty"`
	Tiers    []storedHead  `json:"tiers"`
	Classes  []storedHead  `json:"classes,omitempty"`
}

// Fingerprint identifies the features: a model only fits those it was trained
// for.
func Fingerprint() string {
	h := sha256.New()
	fmt.Fprintln(h, DenseNames(), basis.knots, bucketBits, kinds, hashedScale, denseScale, headSize, tailSize, topicBits, TopicDims)
	for i := range concepts {
		fmt.Fprintln(h, concepts[i].name, strings.Fields(concepts[i].words))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// New puts a model together from its heads: those of tiers from the cheapest to
// the strongest, and none or three of classes in the order of [Classes]. Topics
// may be nil.
func New(card Card, topics *Topics, tiers, classes []Head) (*Model, error) {
	m := &Model{card: card, tiers: slices.Clone(tiers), classes: slices.Clone(classes), topics: func() *Topics { return topics }}
	if err := m.check(); err != nil {
		return nil, err
	}
	m.weights = bytes.Repeat([]byte{weightBias}, Buckets*stride)
	m.dense = make([]float32, Columns()*stride)
	for h, head := range m.heads() {
		for b, w := range head.Weights {
			m.weights[b*stride+h] = byte(w) ^ weightBias
		}
		for c, w := range head.Dense {
			m.dense[c*stride+h] = w
		}
		head.Weights, head.Dense = nil, nil
	}
	return m, nil
}

// heads are those of the tiers, then those of the classes.
func (m *Model) heads() []*Head {
	heads := make([]*Head, 0, maxHeads)
	for i := range m.tiers {
		heads = append(heads, &m.tiers[i])
	}
	for i := range m.classes {
		heads = append(heads, &m.classes[i])
	}
	return heads
}

// whole returns heads, of which the first is the model's number h, with their
// weights.
func (m *Model) whole(heads []Head, h int) []Head {
	heads = slices.Clone(heads)
	for i := range heads {
		head := &heads[i]
		head.Weights, head.Dense = make([]int8, Buckets), make([]float32, Columns())
		for b := range head.Weights {
			head.Weights[b] = int8(m.weights[b*stride+h+i] ^ weightBias)
		}
		for c := range head.Dense {
			head.Dense[c] = m.dense[c*stride+h+i]
		}
	}
	return heads
}

func (m *Model) check() error {
	if len(m.tiers)+len(m.classes) == 0 {
		return errors.New("tiers: a model needs tiers or classes")
	}
	if err := m.topics().check(); err != nil {
		return fmt.Errorf("topics%w", err)
	}
	if len(m.tiers) > MaxTiers {
		return fmt.Errorf("tiers: %d, at most %d are possible", len(m.tiers), MaxTiers)
	}
	if len(m.classes) != 0 && len(m.classes) != len(Classes) {
		return fmt.Errorf("classes: %d, must be none or %d", len(m.classes), len(Classes))
	}
	return m.checkHeads()
}

func (m *Model) checkHeads() error {
	seen := map[string]bool{}
	for i := range m.tiers {
		if err := m.tiers[i].check(); err != nil {
			return fmt.Errorf("tiers[%d]%w", i, err)
		}
		if seen[m.tiers[i].Name] {
			return fmt.Errorf("tiers[%d].name: %q is there twice", i, m.tiers[i].Name)
		}
		seen[m.tiers[i].Name] = true
	}
	for i := range m.classes {
		if err := m.classes[i].check(); err != nil {
			return fmt.Errorf("classes[%d]%w", i, err)
		}
		if m.classes[i].Name != Classes[i] {
			return fmt.Errorf("classes[%d].name: %q, must be %q", i, m.classes[i].Name, Classes[i])
		}
	}
	return nil
}

func (h *Head) check() error {
	switch {
	case h.Name == "" || len(h.Name) > maxNameSize:
		return fmt.Errorf(".name: must have 1 to %d bytes", maxNameSize)
	case len(h.Weights) != Buckets:
		return fmt.Errorf(".weights: %d, must be %d", len(h.Weights), Buckets)
	case len(h.Dense) != Columns():
		return fmt.Errorf(".dense: %d, must be %d", len(h.Dense), Columns())
	case h.Slope < 0:
		return errors.New(".slope: is negative")
	case h.Mix < 0:
		return errors.New(".mix: is negative")
	}
	if err := within(append([]float32{h.Bias, h.Scale, h.Slope, h.Mix, h.Intercept}, h.Dense...)); err != nil {
		return err
	}
	if h.Forest != nil {
		if err := h.Forest.check(); err != nil {
			return fmt.Errorf(".forest%w", err)
		}
	}
	return nil
}

func within(values []float32) error {
	for _, v := range values {
		if !(math.Abs(float64(v)) < maxWeight) { // not so for NaN either
			return fmt.Errorf(": a number is not within ±%g", maxWeight)
		}
	}
	return nil
}

func (f *Forest) check() error {
	trees := f.Trees()
	if trees > MaxTrees || len(f.Leaves) != trees*TreeLeaves || len(f.Inputs) != trees*TreeSplits || len(f.Thresholds) != trees*TreeSplits {
		return fmt.Errorf(": must be of at most %d trees of %d splits and %d leaves", MaxTrees, TreeSplits, TreeLeaves)
	}
	for _, i := range f.Inputs {
		if int(i) >= NumInputs {
			return fmt.Errorf(".inputs: %d, must be below %d", i, NumInputs)
		}
	}
	if err := within(f.Thresholds); err != nil {
		return fmt.Errorf(".thresholds%w", err)
	}
	return nil
}

func (t *Topics) check() error {
	switch {
	case t == nil:
		return nil
	case len(t.Weights) != TopicBuckets*TopicDims:
		return fmt.Errorf(".weights: %d, must be %d", len(t.Weights), TopicBuckets*TopicDims)
	case len(t.Mass) != TopicBuckets:
		return fmt.Errorf(".mass: %d, must be %d", len(t.Mass), TopicBuckets)
	case !(t.MassScale > 0):
		return errors.New(".massScale: must be above 0")
	case len(t.Scale) != TopicDims:
		return fmt.Errorf(".scale: %d, must be %d", len(t.Scale), TopicDims)
	}
	return within(append([]float32{t.MassScale}, t.Scale...))
}

const maxWeight = 1e6

// Load reads a model file. It refuses what it does not know, and a model that
// was trained for other features.
func Load(data []byte) (*Model, error) {
	if len(data) > MaxFileSize {
		return nil, fmt.Errorf("model: %d bytes, at most %d are allowed", len(data), MaxFileSize)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var f file
	if err := decoder.Decode(&f); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("model: something follows the document")
	}
	if f.Format != Format {
		return nil, fmt.Errorf("model: format is %q, must be %q", f.Format, Format)
	}
	if want := Fingerprint(); f.Features != want {
		return nil, fmt.Errorf("model: it was trained for features %q, this version has %q: train it again", f.Features, want)
	}
	topics, err := f.Topics.read()
	if err != nil {
		return nil, err
	}
	tiers, err := readHeads("tiers", f.Tiers)
	if err != nil {
		return nil, err
	}
	classes, err := readHeads("classes", f.Classes)
	if err != nil {
		return nil, err
	}
	m, err := New(f.Card, topics, tiers, classes)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	m.topics = sync.OnceValue(f.Topics.unpacked)
	return m, nil
}

// Marshal returns the model as a file: the same model, the same bytes.
func (m *Model) Marshal() ([]byte, error) {
	data, err := json.MarshalIndent(file{
		Format: Format, Features: Fingerprint(), Card: m.card, Topics: storeTopics(m.topics()),
		Tiers: storeHeads(m.whole(m.tiers, 0)), Classes: storeHeads(m.ClassHeads()),
	}, "", " ")
	if err != nil {
		return nil, err
	}
	if data = append(data, '\n'); len(data) > MaxFileSize {
		return nil, fmt.Errorf("the model has %d bytes, at most %d are allowed: train it for fewer tiers", len(data), MaxFileSize)
	}
	return data, nil
}

// Card returns the model's card.
func (m *Model) Card() Card { return m.card }

// Tiers names the tiers that the model predicts for, from the cheapest to the
// strongest.
func (m *Model) Tiers() []string {
	names := make([]string, len(m.tiers))
	for i := range m.tiers {
		names[i] = m.tiers[i].Name
	}
	return names
}

// Topics returns the topics, for a model that is trained on few texts to take
// over; nil if it has none.
func (m *Model) Topics() *Topics { return m.topics() }

// HasClasses is whether the model tells how demanding a request is.
func (m *Model) HasClasses() bool { return len(m.classes) > 0 }

// ClassHeads returns the heads of the classes, for a model that was trained
// without labels to take over; none if it has none.
func (m *Model) ClassHeads() []Head { return m.whole(m.classes, len(m.tiers)) }
