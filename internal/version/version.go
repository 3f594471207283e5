// Package version says which build this is. It must never import anything but
// the standard library.
package version

import "runtime/debug"

// version is set by the linker: -X …/internal/version.version=v1.2.3.
var version string

// String is the released version, or else the module version or the commit that
// the Go tool stamped.
func String() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel " + s.Value[:min(len(s.Value), 12)]
		}
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	return "devel"
}
