package train

import (
	"fmt"
	"strings"
)

// The plots are drawn on a square of plotSize with a margin for the scales.
const (
	plotSize   = 420
	plotMargin = 60
)

var colours = [...]string{"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f"}

// plot draws into the unit square.
type plot struct {
	strings.Builder
	legend int
}

func newPlot(title, x, y string) *plot {
	p := &plot{}
	const all = plotSize + 2*plotMargin
	fmt.Fprintf(p, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", all+160, all)
	fmt.Fprintf(p, `<rect width="100%%" height="100%%" fill="white"/><text x="%d" y="30" font-size="15">%s</text>`+"\n", plotMargin, escape(title))
	for k := range 6 {
		v := float64(k) / 5
		p.segment(v, 0, v, 1, `stroke="#ddd"`)
		fmt.Fprintf(p, `<text x="%.1f" y="%.1f" text-anchor="middle">%.1f</text>`+"\n", px(v), py(0)+18, v)
		p.segment(0, v, 1, v, `stroke="#ddd"`)
		fmt.Fprintf(p, `<text x="%.1f" y="%.1f" text-anchor="end">%.1f</text>`+"\n", px(0)-8, py(v)+4, v)
	}
	fmt.Fprintf(p, `<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`+"\n", px(0.5), py(0)+40, escape(x))
	fmt.Fprintf(p, `<text transform="translate(18 %.1f) rotate(-90)" text-anchor="middle">%s</text>`+"\n", py(0.5), escape(y))
	p.segment(0, 0, 1, 1, `stroke="#999" stroke-dasharray="4"`)
	return p
}

// segment draws a straight line.
func (p *plot) segment(x1, y1, x2, y2 float64, style string) {
	fmt.Fprintf(p, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" %s/>`+"\n", px(x1), py(y1), px(x2), py(y2), style)
}

func px(x float64) float64 { return plotMargin + x*plotSize }

func py(y float64) float64 { return plotMargin + (1-min(max(y, -0.1), 1.1))*plotSize }

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// line draws a curve with its name in the legend.
func (p *plot) line(name string, xs, ys []float64) {
	colour := colours[p.legend%len(colours)]
	var points strings.Builder
	for i := range xs {
		fmt.Fprintf(&points, "%.1f,%.1f ", px(xs[i]), py(ys[i]))
	}
	fmt.Fprintf(p, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.TrimSpace(points.String()), colour)
	fmt.Fprintf(p, `<text x="%.1f" y="%.1f" fill="%s">%s</text>`+"\n", px(1)+14, py(1)+float64(18*p.legend), colour, escape(name))
	p.legend++
}

func (p *plot) end() []byte { return []byte(p.String() + "</svg>\n") }

// CostQualitySVG draws the curves of the report: the part of the gap between the
// cheapest and the strongest tier that is closed, over the share that the
// strongest gets. The dashed line is a router that guesses.
func (r *Report) CostQualitySVG() []byte {
	p := newPlot("Quality against calls of the strongest tier", "share of requests to the strongest tier", "part of the quality gap closed")
	for _, c := range r.Sources {
		xs := make([]float64, len(c.PGR))
		for k := range xs {
			xs[k] = float64(k) / curveSteps
		}
		p.line(fmt.Sprintf("%s (%.3f)", c.Source, c.APGR), xs, c.PGR)
	}
	return p.end()
}

// CalibrationSVG draws what came over what was predicted. The dashed line is
// perfect calibration.
func (r *Report) CalibrationSVG() []byte {
	p := newPlot("Predicted and observed quality", "predicted", "observed")
	all := r.Calibration
	if r.Labels != nil {
		all = append(all[:len(all):len(all)], r.Labels.Confidence)
	}
	for _, c := range all {
		var xs, ys []float64
		for _, b := range c.Bins {
			if b.Rows > 0 {
				xs, ys = append(xs, b.Predicted), append(ys, b.Observed)
			}
		}
		p.line(fmt.Sprintf("%s (%.3f)", c.Name, c.ECE), xs, ys)
	}
	return p.end()
}
