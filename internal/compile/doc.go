// Package compile turns resources into the config of a router: one policy, the
// tiers and credentials it names, and the live traffic splits of its status.
//
// It is pure and total: any input gives a result, and the same input gives the
// same bytes. A fault in the policy itself refuses the policy as a whole; a
// fault in something it refers to costs just that part, and the rest is routed.
// Every fault is a Problem of the object that it can be mended in. The package
// must never do I/O, read a clock, or see the value of a secret.
package compile
