package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/tiershift/tiershift/internal/embedded"
	"github.com/tiershift/tiershift/internal/replay"
	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/router/process"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

type runFlags struct {
	manifestFlags
	listen, adminListen string
	requireAuth         bool
	simulate            bool
	replay              int
	seed                uint64
	logLevel            slog.Level
}

func newRun() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run -f DIR",
		Short: "Serve a policy from manifests, without a cluster",
		Long: `Serve a policy from the manifests in a directory: the same compiler and the same
router as in a cluster, with files in place of the API server. Changed files are taken
into service as they are saved; while they are faulty, the last good config serves. Routes
that shift do so by what this router counts, and begin anew with every run.

Keys are taken from OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, DEEPSEEK_API_KEY,
MISTRAL_API_KEY, XAI_API_KEY and AZURE_OPENAI_API_KEY where set, otherwise from the
Secrets among the manifests. With --simulate, providers without a key are simulated.

The router binds to loopback and asks clients for no key, unless --require-auth is set.`,
		Example: `  tiershift run -f config/samples/quickstart --simulate --replay 400
  OPENAI_API_KEY=… tiershift run -f policies/`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd.Context(), &flags, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVar(&flags.listen, "listen", "127.0.0.1:8080", "address of the traffic port")
	f.StringVar(&flags.adminListen, "admin-listen", "127.0.0.1:8081", "address of /metrics, /healthz, /readyz and /config")
	f.BoolVar(&flags.requireAuth, "require-auth", false, "ask clients for a key as the policy says")
	f.BoolVar(&flags.simulate, "simulate", false, "simulate providers that have no key")
	f.IntVar(&flags.replay, "replay", 0, "send so many requests of a mixed workload first, and show what they cost")
	f.Uint64Var(&flags.seed, "seed", 1, "seed of the workload and of simulated providers")
	f.TextVar(&flags.logLevel, "log-level", slog.LevelWarn, "debug, info, warn or error")
	return cmd
}

// replayWithKeys is the most requests that are replayed when providers are
// real: the newcomer's money is not ours to spend.
const replayWithKeys = 20

// check says what is wrong with the flags.
func (f *runFlags) check() error {
	if f.replay < 0 {
		return fmt.Errorf("--replay must be 0 or more, not %d", f.replay)
	}
	for name, address := range map[string]string{"--listen": f.listen, "--admin-listen": f.adminListen} {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("%s must be HOST:PORT, such as 127.0.0.1:8080: %w", name, err)
		}
	}
	if !f.requireAuth && !isLoopback(f.listen) {
		return fmt.Errorf("--listen %s is reachable from other machines: add --require-auth, so that not everybody can spend your money, or listen on 127.0.0.1", f.listen)
	}
	return nil
}

// drainTimeout is how long requests in flight are waited for at the end.
const drainTimeout = 10 * time.Second

func run(ctx context.Context, flags *runFlags, out, errOut io.Writer) error {
	if err := flags.check(); err != nil {
		return err
	}
	files, err := flags.files()
	if err != nil {
		return err
	}
	defer collectOften(startTime)()
	log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: flags.logLevel}))
	providers := &providers{seed: flags.seed, simulate: flags.simulate}
	defer providers.close()
	key, kept := signingKey(stateDir())
	if !kept {
		log.Info("feedback on requests of this run is taken only while it lasts: there is no state directory to keep a key in")
	}
	source := embedded.NewSource(files, embedded.Options{
		RequestIDKey: key,
		Policy:       flags.policy, RequireAuth: flags.requireAuth, Prepare: providers.prepare, Now: time.Now, Report: flags.warnTo(errOut),
	})
	board := newBoard(providers, source.Routes)
	ready := make(chan struct{})
	metrics, refused := "", false
	p, err := process.New(process.Options{
		Source: source, Secrets: source.Secrets(), Classifiers: source.Classifiers(), Listen: flags.listen, Admin: flags.adminListen,
		ReloadInterval: 500 * time.Millisecond, DrainTimeout: drainTimeout, Log: log,
		Router: router.Options{Observe: board.observe},
		Ready: func(listen, admin net.Addr) {
			board.baseURL = "http://" + listen.String()
			metrics = "http://" + admin.String() + "/metrics"
			close(ready)
		},
		Reloaded: func(err error) {
			if err != nil {
				refused = true
				fmt.Fprintf(errOut, "error: the last good config serves on: %v\n", flags.explainFaults(err))
				return
			}
			shifted := board.shifted()
			fmt.Fprint(out, shifted)
			if shifted == "" || refused {
				fmt.Fprintf(out, "%s: a new config is in service\n", flags.dir)
			}
			refused = false
		},
	})
	if err != nil {
		return flags.explainFaults(err)
	}
	board.config = func() *routerconfig.Config { return p.Server().Engine().Config() }
	shift := func(ctx context.Context) { embedded.NewShifter(source, metrics, log).Run(ctx) }
	return serve(ctx, flags, p, ready, shift, board, out)
}

// startTime is about how long it takes until everything was read that is read once.
const startTime = 10 * time.Second

// collectOften keeps memory low for so long: starting leaves several times as much
// behind as stays, which a laptop need not hold. end ends it.
func collectOften(d time.Duration) (end func()) {
	const often = 40
	usual := debug.SetGCPercent(often)
	restore := sync.OnceFunc(func() { debug.SetGCPercent(usual) })
	timer := time.AfterFunc(d, restore)
	return func() {
		timer.Stop()
		restore()
	}
}

// serve runs the router, shifting and the replay beside it, and prints the summary
// at the end.
func serve(ctx context.Context, flags *runFlags, p *process.Process, ready <-chan struct{}, shift func(context.Context), board *board, out io.Writer) error {
	served := make(chan error, 1)
	go func() { served <- p.Run(ctx) }()
	select {
	case err := <-served:
		return listenError(err)
	case <-ready:
	}
	go shift(ctx)
	board.header(out)
	if flags.replay > 0 {
		replayInto(ctx, flags, board, out)
	}
	if ctx.Err() == nil {
		board.footer(out)
	}
	err := drained(ctx, p, served, out)
	board.summary(out)
	return err
}

// drained waits until the router has ended, and says for what.
func drained(ctx context.Context, p *process.Process, served <-chan error, out io.Writer) error {
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	if n := p.Server().InFlight(); n > 0 {
		fmt.Fprintf(out, "\nWaiting up to %s for %s in flight; interrupt again to end at once.\n", drainTimeout, count(int(n), "request", "requests"))
	}
	return <-served
}

func replayInto(ctx context.Context, flags *runFlags, board *board, out io.Writer) {
	n := flags.replay
	if len(board.providers.real) > 0 && n > replayWithKeys {
		n = replayWithKeys
		fmt.Fprintf(out, "Real providers are in use: only %d requests are replayed.\n", n)
	}
	const concurrency = 8
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
	defer client.CloseIdleConnections()
	stop := board.live(out, n)
	defer stop()
	replay.Run(ctx, client, board.baseURL, replay.Mixed(flags.seed, n), concurrency, board.answered)
}

// listenError adds what to do when the port is taken.
func listenError(err error) error {
	if err != nil && strings.Contains(err.Error(), "address already in use") {
		return fmt.Errorf("%w: choose another with --listen and --admin-listen", err)
	}
	return err
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func joinOr(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.Join(list, ", ")
}
