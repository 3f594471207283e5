// Package shiftsim plays weeks of a route's life in seconds: seeded traffic whose
// true quality, cost, latency and failures are known, measured as routers measure
// them, and decided on by the very shift.Decide that moves real traffic.
//
// It must never decide anything itself, and the same seed must always give the
// same result.
package shiftsim
