// Package apply writes what the operator decided, and only where it differs from
// what the API server has: a steady cluster costs no write.
//
// It must never take over an object that someone else made.
package apply
