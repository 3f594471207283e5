//go:build !linux

package upstream

// rush writes nothing here: it cannot be done without waiting.
func (c *conn) rush() (written int64, err error) { return 0, nil }
