package embedded

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Secrets is the router's secrets directory, held in memory: a folder per
// Secret, a file per key. It may be replaced while it is read.
type Secrets struct {
	files atomic.Pointer[map[string]map[string][]byte]
}

var (
	_ fs.ReadFileFS = (*Secrets)(nil)
	_ fs.ReadDirFS  = (*Secrets)(nil)
	_ fs.StatFS     = (*Secrets)(nil)
)

// Replace puts the Secrets of a namespace in place of those before.
func (s *Secrets) Replace(namespace string, secrets []corev1.Secret) {
	files := map[string]map[string][]byte{}
	for i := range secrets {
		if secrets[i].Namespace == namespace {
			files[secrets[i].Name] = secrets[i].Data
		}
	}
	s.files.Store(&files)
}

func (s *Secrets) current() map[string]map[string][]byte {
	if files := s.files.Load(); files != nil {
		return *files
	}
	return nil
}

// ReadFile implements fs.ReadFileFS.
func (s *Secrets) ReadFile(name string) ([]byte, error) {
	dir, key, _ := strings.Cut(name, "/")
	value, ok := s.current()[dir][key]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return bytes.Clone(value), nil
}

// Stat implements fs.StatFS for key files, which a new config is held back for as
// long as one is missing.
func (s *Secrets) Stat(name string) (fs.FileInfo, error) {
	dir, key, _ := strings.Cut(name, "/")
	value, ok := s.current()[dir][key]
	if !ok {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return entry{name: key, size: int64(len(value))}, nil
}

// ReadDir implements fs.ReadDirFS.
func (s *Secrets) ReadDir(name string) ([]fs.DirEntry, error) {
	keys, ok := s.current()[name]
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	entries := make([]fs.DirEntry, 0, len(keys))
	for key, value := range keys {
		entries = append(entries, entry{name: key, size: int64(len(value))})
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// Open implements fs.FS and always fails: key files are read whole, by ReadFile.
func (s *Secrets) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.ErrUnsupported}
}

// entry is a key of a Secret as a directory lists it.
type entry struct {
	name string
	size int64
}

func (e entry) Name() string               { return e.name }
func (e entry) Size() int64                { return e.size }
func (e entry) Mode() fs.FileMode          { return 0o400 }
func (e entry) Type() fs.FileMode          { return 0 }
func (e entry) ModTime() time.Time         { return time.Time{} }
func (e entry) IsDir() bool                { return false }
func (e entry) Sys() any                   { return nil }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }
