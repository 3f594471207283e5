package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// signingKey is the key by which ids of requests are signed. It is made once and
// kept in the user's state directory, so that a vote counts after a restart too.
// Where nothing can be kept, it lasts as long as the process; kept tells which.
func signingKey(dir string) (key []byte, kept bool) {
	fresh := []byte(rand.Text() + rand.Text()) // 260 random bits
	if dir == "" {
		return fresh, false
	}
	file := filepath.Join(dir, "request-ids.key")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fresh, false
	}
	err := createFile(file, fresh)
	if err == nil {
		return fresh, true
	}
	before, readErr := os.ReadFile(file)
	if !errors.Is(err, fs.ErrExist) || readErr != nil || len(bytes.TrimSpace(before)) == 0 {
		return fresh, false
	}
	return bytes.TrimSpace(before), true
}

// createFile writes a file that only the user can read, unless there is one. It
// appears whole: another process may start at the same moment.
func createFile(file string, data []byte) error {
	draft, err := os.CreateTemp(filepath.Dir(file), ".request-ids-*") // for the user alone
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(data)
	if err := errors.Join(err, draft.Close()); err != nil {
		return err
	}
	return os.Link(draft.Name(), file)
}

// stateDir is where the XDG base directory specification puts what a program keeps
// between its runs (https://specifications.freedesktop.org/basedir-spec/latest/);
// empty: there is no such place.
func stateDir() string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "tiershift")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "state", "tiershift")
}
