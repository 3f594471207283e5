// Package v1alpha1 holds the three kinds of Tiershift: ProviderCredential (how
// to reach one provider account), ModelTier (a capability level and the models
// that provide it) and RoutingPolicy (which request goes where).
//
// It holds types, schema markers, condition and reason constants, and the values
// that stand in for what a manifest leaves out. It must never do I/O, decide
// anything, or import more of Kubernetes than apimachinery and the core types it
// refers to.
//
// Defaults below list items (TierModel, Route, …) are applied by the readers
// of these types, through the Default constants, and never written by the API
// server: a GitOps tool compares lists as a whole, and would report a field that
// it did not write as drift for ever.
//
// +kubebuilder:object:generate=true
// +groupName=tiershift.dev
package v1alpha1
