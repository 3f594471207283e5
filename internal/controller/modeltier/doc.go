// Package modeltier answers one question of a ModelTier: which of its models can
// be routed to, and at what price? Prices are those that the compiler finds, so
// that a tier's status and a router's accounts never differ.
package modeltier
