package main

import (
	"io/fs"
	"os"
	"path/filepath"
)

// singleFile is a file system with one file in it, for commands that take a
// directory or a file. It is its own root directory.
type singleFile string

func (f singleFile) name() string { return filepath.Base(string(f)) }

// Open implements fs.FS.
func (f singleFile) Open(name string) (fs.File, error) {
	if name == f.name() {
		return os.Open(string(f))
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Stat implements fs.StatFS, so that the root need not be opened.
func (f singleFile) Stat(name string) (fs.FileInfo, error) {
	if name == "." {
		return os.Stat(filepath.Dir(string(f)))
	}
	return os.Stat(string(f))
}

// ReadDir implements fs.ReadDirFS.
func (f singleFile) ReadDir(string) ([]fs.DirEntry, error) {
	info, err := os.Stat(string(f))
	if err != nil {
		return nil, err
	}
	return []fs.DirEntry{fs.FileInfoToDirEntry(info)}, nil
}
