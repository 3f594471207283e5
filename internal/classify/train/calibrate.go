package train

import "math"

// platt maps the log odds z of the regression and f of the forest to calibrated
// ones: slope·z + mix·f + intercept.
type platt struct{ slope, mix, intercept float64 }

// calibrate fits the map by Newton's method to the targets, each in [0,1]: the
// logistic regression of two variables. A prior of one row at ±2 on either side
// keeps few rows from being taken for certainty. Neither slope nor mix is
// negative: what would have a negative share has none. f may be nil.
func calibrate(z, f, target, weight []float64) platt {
	p := newton(z, f, target, weight, f != nil)
	switch {
	case f != nil && p.mix < 0:
		p = newton(z, nil, target, weight, false)
	case f != nil && p.slope < 0:
		p = newton(f, nil, target, weight, false)
		p.slope, p.mix = 0, p.slope
	}
	p.slope, p.mix = max(p.slope, 0), max(p.mix, 0)
	return p
}

func newton(z, f, target, weight []float64, both bool) platt {
	p := platt{slope: 1}
	at := func(i int) (a, b, y, w float64) {
		switch i {
		case len(z):
			a, b, y, w = 2, 2, sigmoid(2), 1
		case len(z) + 1:
			a, b, y, w = -2, -2, sigmoid(-2), 1
		default:
			a, y, w = z[i], target[i], weight[i]
			if both {
				b = f[i]
			}
		}
		if !both {
			b = 0
		}
		return a, b, y, w
	}
	for range 50 {
		var g [3]float64
		h := [3][3]float64{{}, {1: 1e-6}, {}}
		for i := range len(z) + 2 {
			a, b, y, w := at(i)
			q := sigmoid(p.slope*a + p.mix*b + p.intercept)
			d, v := w*(q-y), w*max(q*(1-q), 1e-9)
			x := [3]float64{a, b, 1}
			for r := range x {
				g[r] += d * x[r]
				for c := range x {
					h[r][c] += v * x[r] * x[c]
				}
			}
		}
		step, ok := solve(h, g)
		if !ok {
			break
		}
		limit := max(1, math.Abs(step[0]), math.Abs(step[1]), math.Abs(step[2])) // no step may overshoot
		p.slope, p.mix, p.intercept = p.slope-step[0]/limit, p.mix-step[1]/limit, p.intercept-step[2]/limit
		if math.Abs(step[0])+math.Abs(step[1])+math.Abs(step[2]) < 1e-9 {
			break
		}
	}
	return p
}

// solve solves h·x = g by elimination; h is symmetric and not negative.
func solve(h [3][3]float64, g [3]float64) (x [3]float64, ok bool) {
	for k := range 3 {
		if h[k][k] < 1e-12 {
			return x, false
		}
		for r := k + 1; r < 3; r++ {
			m := h[r][k] / h[k][k]
			for c := k; c < 3; c++ {
				h[r][c] -= m * h[k][c]
			}
			g[r] -= m * g[k]
		}
	}
	for k := 2; k >= 0; k-- {
		x[k] = g[k]
		for c := k + 1; c < 3; c++ {
			x[k] -= h[k][c] * x[c]
		}
		x[k] /= h[k][k]
	}
	return x, true
}

func (p platt) probability(z, f float64) float64 {
	return sigmoid(p.slope*z + p.mix*f + p.intercept)
}
