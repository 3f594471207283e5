// Package metricsource measures what each tier of each route did in a window, by
// scraping the routers or by asking a Prometheus that does, for package shift to
// decide on.
//
// What cannot be trusted is a window with a fault, never one without traffic: a
// router that does not answer has not stopped serving. It must never decide
// anything.
package metricsource
