package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// application asks the gateway, as long as it is told to. It never asks twice: a
// request that the gateway loses is to be seen.
type application struct {
	url, key string

	mu      sync.Mutex
	cancel  context.CancelFunc
	workers sync.WaitGroup
	counts  counts
}

// counts are what came of the requests since the load began.
type counts struct {
	Answered int `json:"answered"`
	Streamed int `json:"streamed"`
	Failed   int `json:"failed"`
	// Failures are the first of them, with when.
	Failures []string `json:"failures,omitempty"`
	// SlowestMilliseconds is how long the slowest answer took.
	SlowestMilliseconds int64 `json:"slowestMilliseconds"`
}

func newApplication(url, key string) *application { return &application{url: url, key: key} }

func (a *application) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /ask", a.answerOne)
	mux.HandleFunc("PUT /load", a.begin)
	mux.HandleFunc("GET /load", func(w http.ResponseWriter, _ *http.Request) { reply(w, a.snapshot()) })
	mux.HandleFunc("DELETE /load", func(w http.ResponseWriter, _ *http.Request) {
		a.stop()
		reply(w, a.snapshot())
	})
	return mux
}

func (a *application) client(path string) openai.Client {
	return openai.NewClient(option.WithBaseURL(a.url+path+"/v1"), option.WithAPIKey(a.key), option.WithMaxRetries(0))
}

func prompt(model, text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)}}
}

// answerOne asks once: ?path=/api/x&model=auto&prompt=… It replies with the status
// and the gateway's headers, as the SDK has them.
func (a *application) answerOne(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var response *http.Response
	client := a.client(q.Get("path"))
	answer, err := client.Chat.Completions.New(r.Context(), prompt(q.Get("model"), q.Get("prompt")), option.WithResponseInto(&response))
	said := map[string]any{}
	if response != nil {
		said["status"] = response.StatusCode
		for name := range response.Header {
			if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-tiershift-") {
				said[lower] = response.Header.Get(name)
			}
		}
	}
	if err != nil {
		said["error"] = err.Error()
	} else if len(answer.Choices) > 0 {
		said["text"] = answer.Choices[0].Message.Content
	}
	reply(w, said)
}

// begin starts to ask, with a few workers, until the load is stopped. Requests are
// of all kinds that the quickstart routes.
func (a *application) begin(http.ResponseWriter, *http.Request) {
	a.stop()
	ctx, cancel := context.WithCancel(context.Background())
	a.mu.Lock()
	a.counts, a.cancel = counts{}, cancel
	a.mu.Unlock()
	const workers = 6
	for n := range workers {
		a.workers.Go(func() { a.work(ctx, n) })
	}
}

func (a *application) stop() {
	a.mu.Lock()
	cancel := a.cancel
	a.cancel = nil
	a.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	a.workers.Wait()
}

func (a *application) snapshot() counts {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counts
}

// pause between two requests of a worker keeps the machine free for what is tested.
const pause = 25 * time.Millisecond

func (a *application) work(ctx context.Context, worker int) {
	texts := []string{"Hello", "Summarize this ticket: the parcel is late.", "What dosage is safe?", "Design a cache, step by step, and prove it."}
	chat, classify := a.client(""), a.client("/api/classify-ticket")
	for n := worker; ctx.Err() == nil; n++ {
		// What is under way when the load stops is ended all the same: a request
		// outlives the context of the loop.
		request, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		client := chat
		if n%5 == 0 {
			client = classify
		}
		streamed := n%2 == 0
		began := time.Now()
		err := ask(request, &client, prompt("auto", texts[n%len(texts)]), streamed)
		cancel()
		a.count(err, streamed, began)
		time.Sleep(pause)
	}
}

var errCut = errors.New("the stream ended without a finish reason")

// ask reads the whole answer.
func ask(ctx context.Context, client *openai.Client, params openai.ChatCompletionNewParams, streamed bool) error {
	if !streamed {
		_, err := client.Chat.Completions.New(ctx, params)
		return err
	}
	stream := client.Chat.Completions.NewStreaming(ctx, params)
	finished := false
	for stream.Next() {
		for i := range stream.Current().Choices {
			finished = finished || stream.Current().Choices[i].FinishReason != ""
		}
	}
	err := errors.Join(stream.Err(), stream.Close())
	if err == nil && !finished {
		err = errCut
	}
	return err
}

func (a *application) count(err error, streamed bool, began time.Time) {
	const kept = 10
	a.mu.Lock()
	defer a.mu.Unlock()
	c := &a.counts
	c.SlowestMilliseconds = max(c.SlowestMilliseconds, time.Since(began).Milliseconds())
	switch {
	case err != nil:
		c.Failed++
		if len(c.Failures) < kept {
			c.Failures = append(c.Failures, fmt.Sprintf("%s: %v", time.Now().UTC().Format("15:04:05.000"), err))
		}
	default:
		c.Answered++
		if streamed {
			c.Streamed++
		}
	}
}
