// Package testenv gives integration tests a real control plane: a kube-apiserver
// and an etcd of the version that hack/k8s pins, with Tiershift's CRDs installed.
// There are no controllers and no nodes in it: nothing runs a pod, fills a
// Deployment's status, or empties a namespace that is deleted.
//
// [Start] returns the control plane that the tests of one binary share; [Run]
// starts one of its own for suites that are not driven by package testing.
//
// A child process owns each control plane, and stops it as soon as the test
// process is gone. A test that panics, times out or is killed therefore leaves
// nothing running. The child is the test binary itself: importing this package
// makes every binary able to play that part, see [ownerVariable].
//
// The package must never be imported by anything but tests, never talk to a
// cluster it did not start, and never skip: a control plane that cannot start is
// a failed test.
package testenv
