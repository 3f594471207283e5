package main

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestTheSigningKeyIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "tiershift")
	var keys [8][]byte
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() { keys[i], _ = signingKey(dir) })
	}
	group.Wait()
	for _, key := range keys {
		if len(key) < 32 || !bytes.Equal(key, keys[0]) {
			t.Errorf("processes have the keys %q and %q", key, keys[0])
		}
	}
	info, err := os.Stat(filepath.Join(dir, "request-ids.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("the directory holds %v, %v", left, err)
	}
}

func TestWithoutAPlaceTheSigningKeyIsTheProcesss(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", filepath.Join(file, "below")} {
		if key, kept := signingKey(dir); kept || len(key) < 32 {
			t.Errorf("%q: %d bytes, kept: %t", dir, len(key), kept)
		}
	}
}

func TestTheStateDirectoryIsXDGs(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/state")
	if got := stateDir(); got != "/state/tiershift" {
		t.Errorf("got %s", got)
	}
	t.Setenv("XDG_STATE_HOME", "relative")
	t.Setenv("HOME", "/srv/me")
	if got := stateDir(); got != "/srv/me/.local/state/tiershift" {
		t.Errorf("got %s", got)
	}
}
