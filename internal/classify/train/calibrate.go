package train

import (
	"math"
	"slices"
)

// platt maps log odds to calibrated ones: slope·z + intercept.
type platt struct{ slope, intercept float64 }

// calibrate fits the map by Newton's method to the targets, each in [0,1]: the
// logistic regression of one variable. A prior of one row with z = ±2 on either
// side keeps few rows from being taken for certainty. The slope is not negative.
func calibrate(z, target, weight []float64) platt {
	z = slices.Concat(z, []float64{2, -2})
	target = slices.Concat(target, []float64{sigmoid(2), sigmoid(-2)})
	weight = slices.Concat(weight, []float64{1, 1})
	p := platt{slope: 1}
	for range 50 {
		var ga, gb, haa, hab, hbb float64
		for i := range z {
			q := sigmoid(p.slope*z[i] + p.intercept)
			d, v := weight[i]*(q-target[i]), weight[i]*max(q*(1-q), 1e-9)
			ga, gb = ga+d*z[i], gb+d
			haa, hab, hbb = haa+v*z[i]*z[i], hab+v*z[i], hbb+v
		}
		det := haa*hbb - hab*hab
		if det < 1e-12 {
			break
		}
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		limit := max(1, math.Abs(da), math.Abs(db)) // no step may overshoot
		p.slope, p.intercept = p.slope-da/limit, p.intercept-db/limit
		if math.Abs(da)+math.Abs(db) < 1e-9 {
			break
		}
	}
	p.slope = max(p.slope, 0)
	return p
}

func (p platt) probability(z float64) float64 { return sigmoid(p.slope*z + p.intercept) }
