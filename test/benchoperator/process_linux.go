package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const supported = true

// ownGroup keeps an interrupt at the terminal from the process, which the bench
// ends itself, and ends it should the bench be killed.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// processUsage reads /proc/PID/stat and /proc/PID/status (proc(5)): the time in
// user and system mode, the highest resident size so far, and the one now.
func processUsage(pid int) (cpu time.Duration, peak, now float64, err error) {
	_, _, cpu, err = readStat(pid)
	if err != nil {
		return 0, 0, 0, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, 0, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kilobytes, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch {
		case err != nil: // a line that is no amount
		case name == "VmHWM":
			peak = kilobytes * 1024
		case name == "VmRSS":
			now = kilobytes * 1024
		}
	}
	return cpu, peak, now, nil
}

// readStat returns the name, the parent and the CPU time of a process.
func readStat(pid int) (name string, parent int, cpu time.Duration, err error) {
	const tick = time.Second / 100               // USER_HZ
	const parentAt, userAt, systemAt = 1, 11, 12 // fields after the name
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0, 0, err
	}
	before, rest, _ := strings.Cut(string(stat), ") ")
	_, name, _ = strings.Cut(before, "(")
	fields := strings.Fields(rest)
	if len(fields) <= systemAt {
		return "", 0, 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	var values [3]int64
	for i, field := range []int{parentAt, userAt, systemAt} {
		if values[i], err = strconv.ParseInt(fields[field], 10, 64); err != nil {
			return "", 0, 0, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
	}
	return name, int(values[0]), time.Duration(values[1]+values[2]) * tick, nil
}

// others is the CPU time of the bench and of all its living descendants but one:
// of the control plane and of what stands in for the rest of a cluster.
func others(but int) otherCPU {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return otherCPU{}
	}
	names, parents, times := map[int]string{}, map[int]int{}, map[int]time.Duration{}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue // no process
		}
		if name, parent, cpu, err := readStat(pid); err == nil {
			names[pid], parents[pid], times[pid] = name, parent, cpu
		}
	}
	var sum otherCPU
	for pid, cpu := range times {
		for p := pid; p > 0 && p != but; p = parents[p] {
			if p == os.Getpid() {
				sum.add(names[pid], cpu)
				break
			}
		}
	}
	return sum
}

// loadAverage is how many processes want to run, over the last minute: more than
// there are processors, and what the clock says is of a crowd.
func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	first, _, _ := strings.Cut(string(data), " ")
	return first
}
