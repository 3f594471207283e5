//go:build !linux

package main

import (
	"errors"
	"syscall"
	"time"
)

const supported = false

var errUnsupported = errors.New("the bench measures processes as Linux shows them")

func ownGroup() *syscall.SysProcAttr { return nil }

func (c *child) cpu() (time.Duration, error) { return 0, errUnsupported }

func ownCPU() (time.Duration, error) { return 0, errUnsupported }

func machineCPU() (time.Duration, error) { return 0, errUnsupported }

func (c *child) memory() (memory, error) { return memory{}, errUnsupported }

func openFiles(uint64) uint64 { return 0 }

func loadAverage() string { return "?" }
