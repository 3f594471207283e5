// Package controller puts the operator together: the controllers, what they read
// through, and how much of the cluster that is. The binary and the tests are this
// with different arguments.
package controller
