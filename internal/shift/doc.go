// Package shift decides how a route's traffic is split between tiers: given what
// each tier did in the last window and what was learned before, Decide says which
// split is to be in force and why.
//
// Quality, latency and failures are means of values in [0,1] (scores; answered
// within the limit or not; answered or not), and are tested alike, by testing with
// bets:
//
//   - What a tier is proven to reach is the lower end of a confidence sequence: the
//     wealth of a gambler who bets against every lesser mean, mixed over fixed bets
//     (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables
//     by betting", https://arxiv.org/abs/2010.09686; Orabona and Jun 2023,
//     https://arxiv.org/abs/2110.14099). By Ville's inequality it holds at all times
//     at once, so looking every interval costs nothing. It assumes no distribution,
//     adapts to the variance, and needs no more state than a histogram.
//   - That something became worse is the alarm of a CUSUM of such bets, an
//     e-detector (Shin, Ramdas and Rinaldo 2023, https://arxiv.org/abs/2203.03532),
//     whose false alarms per week are bounded by construction.
//
// Cost is a ratio of two counters; its error is estimated between windows, as for
// any ratio estimate (Cochran 1977, Sampling Techniques, chapter 6).
//
// It must never read a clock, draw at random or do I/O, never keep anything
// between calls but through [State], and never move traffic for want of data.
package shift
