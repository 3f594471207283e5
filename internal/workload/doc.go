// Package workload renders the objects that run a policy's gateway: the
// ConfigMap with the compiled config, the Deployment of routers, and what makes
// them reachable, scalable and hard to interrupt.
//
// It is pure: the same input gives the same objects, and nothing is read. It
// must never see the value of a secret, and never put into a pod template what
// changes with each config, since that would restart the routers.
package workload
