package train

import (
	"math"

	"github.com/tiershift/tiershift/internal/classify/model"
)

// design is the matrix of all rows, and which of its columns is which bucket.
type design struct {
	matrix
	buckets []uint32 // of the columns from dense on
	dense   int      // how many columns the counted features have
}

// minRows is in how many rows a bucket has to be to be learned from: what is
// there once only says which prompt it is.
const minRows = 2

// newDesign encodes the rows as the model does.
func newDesign(rows []Row) *design {
	var features model.Features
	var encoding model.Encoding
	frequency := make([]int32, model.Buckets)
	for i := range rows {
		features.Extract([]byte(rows[i].Prompt), rows[i].Signals)
		encoding.Encode(&features)
		for _, b := range encoding.Buckets {
			frequency[b]++
		}
	}
	d := &design{dense: model.Columns()}
	column := make([]int32, model.Buckets)
	for b, n := range frequency {
		column[b] = -1
		if n >= minRows {
			column[b] = int32(d.dense + len(d.buckets))
			d.buckets = append(d.buckets, uint32(b))
		}
	}
	d.columns = d.dense + len(d.buckets)
	d.start = make([]int, 1, len(rows)+1)
	for i := range rows {
		features.Extract([]byte(rows[i].Prompt), rows[i].Signals)
		encoding.Encode(&features)
		for _, t := range encoding.Terms {
			d.put(t.Column, t.Value)
		}
		for _, b := range encoding.Buckets {
			if column[b] >= 0 {
				d.put(column[b], encoding.Value)
			}
		}
		d.start = append(d.start, len(d.column))
	}
	return d
}

func (d *design) put(column int32, value float32) {
	d.column, d.value = append(d.column, column), append(d.value, value)
}

// head turns the fitted weights into a head of a model, which has one byte per
// bucket.
func (d *design) head(t *task) model.Head {
	w := t.full
	h := model.Head{
		Name: t.name, Bias: float32(w[d.columns]), Slope: float32(t.platt.slope), Mix: float32(t.platt.mix), Intercept: float32(t.platt.intercept), Forest: t.forest,
		Weights: make([]int8, model.Buckets), Dense: make([]float32, d.dense),
	}
	for c := range h.Dense {
		h.Dense[c] = float32(w[c])
	}
	largest := 1e-9
	for k := range d.buckets {
		largest = max(largest, math.Abs(w[d.dense+k]))
	}
	h.Scale = float32(largest / 127)
	for k, b := range d.buckets {
		h.Weights[b] = int8(math.Round(w[d.dense+k] / float64(h.Scale)))
	}
	return h
}
