// Package credential answers one question of a ProviderCredential: can its
// account be used? It looks whether the Secrets hold the keys that the spec
// names and, when the spec asks for it, whether the provider accepts them.
//
// It must never let a key leave for anywhere but the provider's own endpoint.
package credential
