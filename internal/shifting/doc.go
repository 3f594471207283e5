// Package shifting keeps the splits of a policy's routes: it gathers what
// shift.Decide depends on, measures, and turns decisions into the policy's status.
// The operator and the embedded mode differ only in where policy, config and
// routers come from, and where the status goes.
//
// It must never decide anything itself, never write anywhere, and never count what
// was measured as used before the status that was made of it is kept.
package shifting
