package chain

import (
	"sync"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// room is the memory of one prediction. It is only held while one is made, so
// that requests that wait for their answers hold none.
type room struct {
	prediction model.Prediction
	qualities  []float32
	costs      []float64
}

var rooms = sync.Pool{New: func() any { return new(room) }}

// askModel asks the classifier.
func (c *Chain) askModel(r *Request, j *judgement) {
	classifier := c.classifier()
	if classifier == nil {
		return
	}
	room := rooms.Get().(*room)
	defer rooms.Put(room)
	if c.wantsQuality(classifier) {
		c.predict(classifier, r, room)
	} else {
		classifier.Model.Classify(r.Input.Text, signals(r.Input), &room.prediction)
		room.qualities = room.qualities[:0]
	}
	c.read(r, room, &j.model)
}

// wantsQuality is whether the tier is found by predicted quality, rather than by
// the class.
func (c *Chain) wantsQuality(classifier *Classifier) bool {
	return c.target > 0 || c.byLength || !classifier.Model.HasClasses()
}

func signals(in *classify.Input) model.Signals {
	return model.Signals{Tokens: in.Tokens, Turns: in.Turns, Tools: in.Tools, Images: in.Images, JSONSchema: in.JSONSchema}
}

// predict fills the room with what the model says of the request.
func (c *Chain) predict(classifier *Classifier, r *Request, room *room) {
	classifier.Model.Predict(r.Input.Text, signals(r.Input), &room.prediction)
	room.qualities = room.qualities[:0]
	if classifier.Fit.KnowsTiers() {
		room.qualities = classifier.Fit.Qualities(room.qualities, room.prediction.Quality)
	}
}

// read draws the verdict from a prediction.
func (c *Chain) read(r *Request, room *room, m *modelVerdict) {
	p := &room.prediction
	*m = modelVerdict{asked: true, class: routerconfig.Class(p.Class), confidence: float64(p.Confidence)}
	m.sure = p.Class != "" && m.confidence >= c.minConfidence
	wantsQuality := c.target > 0 || c.byLength || p.Class == ""
	if !wantsQuality || len(room.qualities) == 0 {
		return
	}
	m.byQuality = true
	m.tier = c.choose(r, room)
	m.quality = float64(room.qualities[m.tier])
	if c.target > 0 || m.class == "" {
		m.sure = m.quality >= c.minConfidence || c.target > 0 && m.quality >= c.target
	}
	if m.class == "" {
		m.class = classOf(m.tier, c.tiers)
	}
}

// choose finds the tier by predicted quality.
func (c *Chain) choose(r *Request, room *room) int {
	switch {
	case c.target > 0 && c.byLength:
		return cheapest(room.qualities, c.costs(r, room), float32(c.target))
	case c.target > 0:
		return model.Cheapest(room.qualities, float32(c.target))
	}
	return model.BestValue(room.qualities, c.costs(r, room), model.DefaultPrice)
}

// costs are those of the request on each tier. With the length of the answer
// considered they are relative to an answer of medium length on the highest tier,
// so that a long answer makes all tiers dearer and quality has to be worth it.
func (c *Chain) costs(r *Request, room *room) []float64 {
	output := int64(classify.MediumOutput)
	top := c.cost(c.tiers-1, r.Input.Tokens, output)
	if c.byLength {
		output = OutputTokens(r)
	}
	room.costs = room.costs[:0]
	for tier := range c.tiers {
		cost := 0.0
		if top > 0 {
			cost = c.cost(tier, r.Input.Tokens, output) / top
		}
		room.costs = append(room.costs, cost)
	}
	return room.costs
}

// OutputTokens is how long the answer is expected to be.
func OutputTokens(r *Request) int64 {
	output := classify.ExpectedOutput(r.Input.Text)
	if r.Input.JSONSchema {
		output = min(output, classify.MediumOutput)
	}
	if r.MaxOutput > 0 {
		output = min(output, r.MaxOutput)
	}
	return output
}

// cheapest is [model.Cheapest] where a higher tier may cost less.
func cheapest(quality []float32, costs []float64, target float32) int {
	found := model.Cheapest(quality, target)
	floor := min(target, quality[found])
	for i, q := range quality {
		if q >= floor && costs[i] < costs[found] {
			found = i
		}
	}
	return found
}

// classOf is the class that goes to a tier.
func classOf(tier, tiers int) routerconfig.Class {
	switch tier {
	case 0:
		return routerconfig.ClassSimple
	case tiers - 1:
		return routerconfig.ClassComplex
	}
	return routerconfig.ClassModerate
}
