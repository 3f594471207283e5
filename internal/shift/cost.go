package shift

import "math"

// Cost is what a tier's requests cost, the latest windows weighing most: prices
// and prompts change, and no safety hangs on it.
type Cost struct {
	// Windows, Requests and USD are sums over windows.
	Windows, Requests, USD float64
	// The sums of squares and products, for the error between windows.
	RequestsSquared, RequestsUSD, USDSquared float64
}

// costDecay is the weight of a window beside the next: half of it is left after
// eleven.
const costDecay = 0.94

func (c *Cost) observe(requests, usd float64) {
	*c = Cost{
		Windows: costDecay*c.Windows + 1, Requests: costDecay*c.Requests + requests, USD: costDecay*c.USD + usd,
		RequestsSquared: costDecay*c.RequestsSquared + requests*requests,
		RequestsUSD:     costDecay*c.RequestsUSD + requests*usd,
		USDSquared:      costDecay*c.USDSquared + usd*usd,
	}
}

// known holds when there are enough windows to speak of an error.
func (c *Cost) known() bool { return c.Windows >= 2.5 && c.Requests > 0 }

// perRequest is the mean cost of a request in USD.
func (c *Cost) perRequest() float64 { return c.USD / c.Requests }

// standardError is that of perRequest, by the spread between windows (Cochran
// 1977, Sampling Techniques, equation 6.13). Since each window is weighed, its
// variance is by the square of the weight: of weights 1, d, d², … the sum of squares
// is the sum times (1+d^n)/(1+d).
func (c *Cost) standardError() float64 {
	mean := c.perRequest()
	squares := c.USDSquared - 2*mean*c.RequestsUSD + mean*mean*c.RequestsSquared
	weights := (2 - c.Windows*(1-costDecay)) / (1 + costDecay)
	return math.Sqrt(max(squares*weights, 0)*c.Windows/(c.Windows-1)) / c.Requests
}

func (c *Cost) flat() [6]float64 {
	return [...]float64{c.Windows, c.Requests, c.USD, c.RequestsSquared, c.RequestsUSD, c.USDSquared}
}

func costOf(flat [6]float64) Cost { return Cost{flat[0], flat[1], flat[2], flat[3], flat[4], flat[5]} }
