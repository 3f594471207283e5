// Package train makes classifiers: it reads outcomes and labels, groups
// near-duplicates, fits and calibrates one logistic regression per tier and per
// class, measures them out of fold, and reports.
//
// It must never read a clock or draw a random number: the same data gives the
// same bytes, on any number of cores. It must never write a prompt into a model
// or a report.
package train
