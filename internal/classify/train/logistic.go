package train

import (
	"context"
	"math"
)

// matrix is a sparse matrix, row by row. Its columns are what was seen often
// enough to learn from.
type matrix struct {
	start   []int // of row i; one more than there are rows
	column  []int32
	value   []float32
	columns int
}

// dot is the product of row i and w.
func (m *matrix) dot(i int, w []float64) float64 {
	sum := 0.0
	for k := m.start[i]; k < m.start[i+1]; k++ {
		sum += float64(m.value[k]) * w[m.column[k]]
	}
	return sum
}

// addRow adds row i times a to w.
func (m *matrix) addRow(i int, a float64, w []float64) {
	for k := m.start[i]; k < m.start[i+1]; k++ {
		w[m.column[k]] += a * float64(m.value[k])
	}
}

// logistic is one head's problem: minimise
//
//	Σ weight·(log(1+exp z) − target·z) + penalty/2·|w|²,  z = row·w + bias
//
// the cross entropy between targets in [0,1] and sigmoid(z), with the bias not
// penalised. Rows of weight 0 do not count.
type logistic struct {
	x       *matrix
	target  []float64
	weight  []float64
	penalty float64
	// unused are columns, from the first to before the second, whose weights
	// stay zero.
	unused [2]int
}

// loss returns the objective and fills its gradient. The last element of w is
// the bias.
func (l *logistic) loss(w, gradient []float64) float64 {
	n := l.x.columns
	sum := 0.0
	clear(gradient)
	for i, weight := range l.weight {
		if weight == 0 {
			continue
		}
		z := l.x.dot(i, w) + w[n]
		sum += weight * (softplus(z) - l.target[i]*z)
		d := weight * (sigmoid(z) - l.target[i])
		l.x.addRow(i, d, gradient)
		gradient[n] += d
	}
	for j := range n {
		sum += l.penalty / 2 * w[j] * w[j]
		gradient[j] += l.penalty * w[j]
	}
	clear(gradient[l.unused[0]:l.unused[1]])
	return sum
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// softplus is log(1+exp z) without overflow.
func softplus(z float64) float64 { return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) }

// The stopping rule of the minimiser: a relative step of the objective below
// tolerance, or maxIterations.
const (
	maxIterations = 60
	tolerance     = 3e-5
	memory        = 8
)

// minimise finds the minimum by L-BFGS with a backtracking line search (Nocedal
// and Wright, Numerical Optimization, algorithms 7.4 and 3.1), from zero. When the
// context ends it stops where it is.
func (l *logistic) minimise(ctx context.Context) []float64 {
	n := l.x.columns + 1
	w, g, direction := make([]float64, n), make([]float64, n), make([]float64, n)
	next, nextG := make([]float64, n), make([]float64, n)
	value := l.loss(w, g)
	var h history
	for range maxIterations {
		h.direct(g, direction)
		slope := dot(g, direction)
		if slope >= 0 || ctx.Err() != nil { // at the minimum, but for rounding
			break
		}
		size := 1.0
		if len(h.s) == 0 {
			size = min(1, 1/math.Sqrt(-slope))
		}
		found := l.search(w, direction, value, size, slope, next, nextG)
		h.push(w, next, g, nextG)
		w, next, g, nextG = next, w, nextG, g
		if value-found <= tolerance*math.Abs(value) {
			break
		}
		value = found
	}
	return w
}

// search halves the step until the objective falls enough (Armijo's rule) and
// fills the point it found and its gradient.
func (l *logistic) search(w, direction []float64, value, size, slope float64, next, nextG []float64) float64 {
	for {
		for j := range next {
			next[j] = w[j] + size*direction[j]
		}
		found := l.loss(next, nextG)
		if found <= value+1e-4*size*slope || size < 1e-10 {
			return found
		}
		size /= 2
	}
}

// history is the last steps and changes of the gradient.
type history struct {
	s, y [][]float64
	rho  []float64
}

func (h *history) push(w, next, g, nextG []float64) {
	s, y := make([]float64, len(w)), make([]float64, len(w))
	for j := range w {
		s[j], y[j] = next[j]-w[j], nextG[j]-g[j]
	}
	curvature := dot(s, y)
	if curvature <= 1e-12 {
		return
	}
	if len(h.s) == memory {
		h.s, h.y, h.rho = h.s[1:], h.y[1:], h.rho[1:]
	}
	h.s, h.y, h.rho = append(h.s, s), append(h.y, y), append(h.rho, 1/curvature)
}

// direct fills the direction of the next step: the two-loop recursion.
func (h *history) direct(g, direction []float64) {
	for j := range g {
		direction[j] = -g[j]
	}
	k := len(h.s)
	if k == 0 {
		return
	}
	var alpha [memory]float64
	for i := k - 1; i >= 0; i-- {
		alpha[i] = h.rho[i] * dot(h.s[i], direction)
		axpy(-alpha[i], h.y[i], direction)
	}
	scale := 1 / (h.rho[k-1] * dot(h.y[k-1], h.y[k-1]))
	for j := range direction {
		direction[j] *= scale
	}
	for i := range k {
		beta := h.rho[i] * dot(h.y[i], direction)
		axpy(alpha[i]-beta, h.s[i], direction)
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func axpy(a float64, x, y []float64) {
	for i, v := range x {
		y[i] += a * v
	}
}
