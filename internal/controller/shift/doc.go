// Package shift decides where each route's traffic goes: gather, measure, decide,
// status. The routingpolicy controller turns the splits of the status into config.
//
// It must never write anything but status.routes, nor more than once for each
// interval of a policy unless the policy changes, and never let one policy's
// measurements or faults touch another.
package shift
