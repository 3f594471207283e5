package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const supported = true

func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// cpu is the time that all threads of the process have run so far, in user and
// system mode together. The clock of a process counts nanoseconds, where
// /proc/PID/stat counts ticks (clock_getcpuclockid(3)).
func (c *child) cpu() (time.Duration, error) {
	const scheduler = 2 // CPUCLOCK_SCHED of linux/posix-timers.h
	t, err := clock(int32(^c.pid<<3 | scheduler))
	if err != nil {
		return 0, fmt.Errorf("CPU time of %s: %w; it says: %s", c.name, err, c.logs.String())
	}
	return t, nil
}

func clock(id int32) (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(id, &t)
	return time.Duration(t.Nano()), err
}

// ownCPU is the CPU time of the bench itself.
func ownCPU() (time.Duration, error) { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

// machineCPU is the CPU time of everything that the machine has run, from the
// first line of /proc/stat.
func machineCPU() (time.Duration, error) {
	const idle, waiting, ticks = 4, 5, 8 // fields after the name; what follows is counted among the others already
	const tick = time.Second / 100       // USER_HZ
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	line, _, _ := strings.Cut(string(data), "\n")
	for i, word := range strings.Fields(line) {
		if i == 0 || i == idle || i == waiting || i > ticks {
			continue
		}
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// memory reads /proc/PID/status.
func (c *child) memory() (memory, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid))
	if err != nil {
		return memory{}, fmt.Errorf("memory of %s: %w; it says: %s", c.name, err, c.logs.String())
	}
	var m memory
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(line, ":")
		n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		if err != nil {
			continue // a line that is no amount
		}
		switch name {
		case "VmRSS":
			m.resident = n * 1024
		case "RssFile":
			m.file = n * 1024
		case "VmHWM":
			m.peak = n * 1024
		}
	}
	return m, nil
}

// openFiles raises the limit of open files as far as it goes, for the bench and
// its children, and returns it.
func openFiles(want uint64) uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	if limit.Max < want { // only root may
		higher := unix.Rlimit{Cur: want, Max: want}
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &higher) == nil {
			return want
		}
	}
	limit.Cur = limit.Max
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) // the soft limit may always be raised so far
	return limit.Max
}

// loadAverage is how many processes want to run, over the last minute: more
// than there are processors, and the figures of times are those of a crowd.
func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	first, _, _ := strings.Cut(string(data), " ")
	return first
}
