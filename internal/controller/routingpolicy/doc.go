// Package routingpolicy brings a RoutingPolicy into service and says truly
// whether it is: gather, compile, render, apply, ask the routers, status.
//
// It must never write to a user's spec or metadata, never touch an object that
// it did not make, and never take the word of anyone but a router for what that
// router serves.
package routingpolicy
