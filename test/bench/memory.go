package main

import (
	"context"
	"fmt"
	"time"
)

const (
	megabyte = 1 << 20
	kilobyte = 1 << 10
	// spareFiles are what a process has open beside connections.
	spareFiles = 512
)

// measureIdle looks at processes that have just started and served nothing.
func (b *bench) measureIdle(ctx context.Context) error {
	router, err := b.startRouter(ctx)
	if err != nil {
		return err
	}
	defer router.stop()
	proxy, err := b.startProxy(ctx)
	if err != nil {
		return err
	}
	defer proxy.stop()
	if err := sleep(ctx, b.size.settle); err != nil {
		return err
	}
	ofRouter, err := router.memory()
	if err != nil {
		return err
	}
	ofProxy, err := proxy.memory()
	if err != nil {
		return err
	}
	b.addMemory(idleMemory, ofRouter.resident, ofProxy.resident, fmt.Sprintf("%.1f MB of it is the program's file", ofRouter.file/megabyte))
	return nil
}

// measureLoaded looks at the processes that all loads so far went to.
func (b *bench) measureLoaded(context.Context) error {
	ofRouter, err := b.router.memory()
	if err != nil {
		return err
	}
	ofProxy, err := b.proxy.memory()
	if err != nil {
		return err
	}
	b.addMemory(loadMemory, ofRouter.peak, ofProxy.peak, fmt.Sprintf("%.1f MB of it is the program's file", ofRouter.file/megabyte))
	return nil
}

func (b *bench) addMemory(l limit, router, proxy float64, note string) {
	unit := map[string]float64{"MB": megabyte, "KB": kilobyte}[l.Unit]
	b.add(figure{
		limit: l, RawUnit: l.Unit, Note: note,
		Router: side{spread: spreadOf([]float64{router / unit})},
		Proxy:  side{spread: spreadOf([]float64{proxy / unit})},
		Value:  spreadOf([]float64{router / unit}),
	})
}

// measureStreams holds many slow streams open at once through fresh processes.
func (b *bench) measureStreams(ctx context.Context) error {
	streams := b.size.streams
	if most := (int(b.report.OpenFiles) - spareFiles) / 2; streams > most {
		streams = most // each is two connections of the process between
	}
	if err := setGap(ctx, b.upstream, b.size.streamGap); err != nil {
		return err
	}
	router, err := b.perStream(ctx, streams, b.startRouter)
	if err != nil {
		return err
	}
	proxy, err := b.perStream(ctx, streams, b.startProxy)
	if err != nil {
		return err
	}
	b.addMemory(streamMemory, router, proxy, fmt.Sprintf("%d streams at once", streams))
	return setGap(ctx, b.upstream, 0)
}

// perStream is by how many bytes a process grows for each stream that it holds.
func (b *bench) perStream(ctx context.Context, streams int, start func(context.Context) (*target, error)) (float64, error) {
	t, err := start(ctx)
	if err != nil {
		return 0, err
	}
	defer t.stop()
	b.say("holding %d streams: %s", streams, t.name)
	if err := sleep(ctx, time.Second); err != nil {
		return 0, err
	}
	before, err := t.memory()
	if err != nil {
		return 0, err
	}
	var during memory
	err = hold(ctx, t.address, requestBytes(t.address, t.key, bodies(2<<10, true)[0]), streams, func() error {
		if err := sleep(ctx, b.size.settle); err != nil {
			return err
		}
		if during, err = t.memory(); err != nil {
			return err
		}
		return b.heapProfile(ctx, t)
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", t.name, err)
	}
	return (during.resident - before.resident) / float64(streams), nil
}

// measureColdStart starts processes and counts until each has answered.
func (b *bench) measureColdStart(ctx context.Context) error {
	times := map[string][]float64{}
	for range b.size.coldStarts {
		for _, start := range []func(context.Context) (*target, error){b.launchRouter, b.launchProxy} {
			name, took, err := b.coldStartOnce(ctx, start)
			if err != nil {
				return err
			}
			times[name] = append(times[name], milliseconds(took))
		}
	}
	router := side{spread: spreadOf(times[b.router.name]), Requests: b.size.coldStarts}
	b.add(figure{
		limit: coldStart, RawUnit: "ms", Router: router, Value: router.spread,
		Proxy: side{spread: spreadOf(times[b.proxy.name]), Requests: b.size.coldStarts},
	})
	return nil
}

func (b *bench) coldStartOnce(ctx context.Context, launch func(context.Context) (*target, error)) (name string, took time.Duration, err error) {
	begun := time.Now()
	t, err := launch(ctx)
	if err != nil {
		return "", 0, err
	}
	defer t.stop()
	c, err := t.awaitListening(ctx)
	if err != nil {
		return "", 0, err
	}
	defer c.close()
	r, err := c.exchange(requestBytes(t.address, t.key, bodies(2<<10, false)[0]))
	return t.name, r.end.Sub(begun), err
}
