// Package routerconfig is the boundary between the control plane and the
// router: the one document that the compiler writes and the router reads.
//
// It holds plain structs, their strict decoder, their complete validation, a
// canonical encoding and its digest. It must never import Kubernetes types,
// never do I/O, and never hold a secret: keys are named by the path of the
// file that holds them.
package routerconfig
