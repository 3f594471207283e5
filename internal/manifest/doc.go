// Package manifest reads Tiershift's resources from files as the API server
// would take them from kubectl: the same reading of YAML, the same schema, the
// same defaults, the same CEL rules, from the very CRDs that are installed. Every
// fault carries its file and line.
//
// It must never take a field that it does not know, and never print the value
// of a Secret.
package manifest
