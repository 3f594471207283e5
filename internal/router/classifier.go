package router

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/classify/chain"
	trainedmodel "github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// trained is the trained classifier of an engine: that of a file or, as long as
// the file cannot be used, the embedded one.
type trained struct {
	files fs.FS
	file  string // "": the embedded one is meant
	tiers []string
	// embedded is decoded when it is first asked for.
	embedded func() *chain.Classifier
	current  atomic.Pointer[chain.Classifier] // of the file; nil: none could be used yet

	mu      sync.Mutex
	version string // of the file that was tried last
	tried   bool
	fault   error
}

// newTrained loads the classifier's file, if one is named. The embedded one is
// decoded meanwhile, so that the first request need not wait for it and the start
// does not either.
func newTrained(files fs.FS, spec *routerconfig.ClassifierModel, tiers []string) *trained {
	t := &trained{files: files, file: spec.File, tiers: tiers}
	t.embedded = sync.OnceValue(func() *chain.Classifier {
		m := trainedmodel.Default()
		fit, err := trainedmodel.FitTiers(m.Tiers(), tiers)
		if err != nil { // its tiers fit any policy: see Generic of package model
			fit = trainedmodel.Fit{}
		}
		return &chain.Classifier{Model: m, Fit: fit}
	})
	if t.file != "" {
		t.refresh()
	}
	if t.current.Load() == nil {
		go func() {
			t.embedded()
			returnMemory()
		}()
	}
	return t
}

// returnMemory gives back what the start and decoding the embedded classifier have
// left behind, several times its size, which an idle router would keep. Not at
// once: the first requests have more need of the processor.
var returnMemory = sync.OnceFunc(func() { time.AfterFunc(time.Second, debug.FreeOSMemory) })

// classifier is the one to ask now.
func (t *trained) classifier() *chain.Classifier {
	if c := t.current.Load(); c != nil {
		return c
	}
	return t.embedded()
}

// refresh loads the file if it has changed, and reports whether it has. A file
// that cannot be used leaves the classifier before in place.
func (t *trained) refresh() (changed bool) {
	if t.file == "" {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	version := ""
	if info, err := t.stat(); err == nil {
		version = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
	}
	if t.tried && version == t.version {
		return false
	}
	t.tried, t.version = true, version
	loaded, err := t.load()
	if t.fault = err; err == nil {
		t.current.Store(loaded)
	}
	return true
}

var errNoClassifiers = errors.New("this router was given no directory of classifiers")

func (t *trained) stat() (fs.FileInfo, error) {
	if t.files == nil {
		return nil, errNoClassifiers
	}
	return fs.Stat(t.files, t.file)
}

func (t *trained) load() (*chain.Classifier, error) {
	info, err := t.stat()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the classifier's file %s is not there", t.file)
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > trainedmodel.MaxFileSize {
		return nil, fmt.Errorf("the classifier's file %s has %d bytes, at most %d are allowed", t.file, info.Size(), trainedmodel.MaxFileSize)
	}
	data, err := fs.ReadFile(t.files, t.file)
	if err != nil {
		return nil, err
	}
	m, err := trainedmodel.Load(data)
	if err != nil {
		return nil, fmt.Errorf("the classifier's file %s cannot be used: %w", t.file, err)
	}
	fit, err := trainedmodel.FitTiers(m.Tiers(), t.tiers)
	if err != nil {
		return nil, fmt.Errorf("the classifier of %s does not fit this policy: %w", t.file, err)
	}
	return &chain.Classifier{Model: m, Fit: fit}, nil
}

// err says why the file cannot be used; nil: it can, or none is named.
func (t *trained) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fault
}

// name says which classifier is asked.
func (t *trained) name() string {
	if t.current.Load() != nil {
		return t.file
	}
	return "embedded"
}

// addChain prepares the classification.
func (e *Engine) addChain(files fs.FS) {
	options := chain.Options{Tiers: len(e.tiers), Classification: &e.config.Classification, Cost: e.tierCost}
	if spec := e.config.Classification.Model; spec != nil {
		names := make([]string, len(e.tiers))
		for i, t := range e.tiers {
			names[i] = t.Name
		}
		e.trained = newTrained(files, spec, names)
		options.Classifier = e.trained.classifier
	}
	e.chain = chain.New(options)
}

// tierCost is what a request costs on a tier, in USD: on its first model.
func (e *Engine) tierCost(tier int, input, output int64) float64 {
	return e.tiers[tier].models[0].rates.Cost(pricing.Usage{InputTokens: input, OutputTokens: output}).Float64()
}

// RefreshClassifier reads the classifier's file again and reports whether it has
// changed. The error says why the file cannot be used: then the one before, or the
// embedded one, is asked on.
func (e *Engine) RefreshClassifier() (changed bool, err error) {
	if e.trained == nil {
		return false, nil
	}
	changed = e.trained.refresh()
	return changed, e.trained.err()
}

// ClassifierFault says why the classifier's file cannot be used; nil: it can, or
// none is named.
func (e *Engine) ClassifierFault() error {
	if e.trained == nil {
		return nil
	}
	return e.trained.err()
}

// chainRequest is what classification looks at.
func (x *exchange) chainRequest(in *classify.Input) chain.Request {
	return chain.Request{Analysis: x.analysis, Input: in, MaxOutput: x.request.MaxOutputTokens()}
}

// expectedOutput is what is assumed of the answer's length: a medium one, or where
// that matters, to the LowestCost selection or an explanation, what the prompt
// says of it; no more than the request asks for.
func (x *exchange) expectedOutput() int64 {
	if x.explaining || x.engine.estimatesOutput {
		return chain.OutputTokens(&x.classification)
	}
	if limit := x.request.MaxOutputTokens(); limit > 0 {
		return min(limit, classify.MediumOutput)
	}
	return classify.MediumOutput
}
