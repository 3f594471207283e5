package replay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Result is what came of one item.
type Result struct {
	Item *Item
	// Tier is where the router sent it; empty: it did not say.
	Tier string
	// Answer is the text of the answer.
	Answer string
	// Err is set when there was no whole answer.
	Err error
}

// Run sends the items to the router at baseURL, at most concurrency at a time,
// until all are sent or the context ends. It calls done for each that was sent,
// one call at a time.
func Run(ctx context.Context, client *http.Client, baseURL string, items []Item, concurrency int, done func(Result)) {
	work := make(chan *Item)
	var group sync.WaitGroup
	var mu sync.Mutex
	for range concurrency {
		group.Go(func() {
			for item := range work {
				result := send(ctx, client, baseURL, item)
				mu.Lock()
				done(result)
				mu.Unlock()
			}
		})
	}
	for i := range items {
		select {
		case work <- &items[i]:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(work)
	group.Wait()
}

type chatRequest struct {
	Model     string    `json:"model"`
	Messages  []message `json:"messages"`
	MaxTokens int       `json:"max_completion_tokens,omitempty"`
	Stream    bool      `json:"stream,omitempty"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func send(ctx context.Context, client *http.Client, baseURL string, item *Item) Result {
	result := Result{Item: item}
	body, err := json.Marshal(chatRequest{
		Model: item.Model, MaxTokens: item.MaxTokens, Stream: item.Stream,
		Messages: []message{{Role: "user", Content: item.Prompt}},
	})
	if err != nil {
		result.Err = err
		return result
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, baseURL+item.Path+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		result.Err = err
		return result
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		result.Err = err
		return result
	}
	defer response.Body.Close()
	result.Tier = response.Header.Get("X-Tiershift-Tier")
	switch {
	case response.StatusCode != http.StatusOK:
		text, _ := io.ReadAll(io.LimitReader(response.Body, 4096)) // as much of the error as there is
		result.Err = fmt.Errorf("%s: %s", response.Status, text)
	case item.Stream:
		result.Answer, result.Err = readStream(response.Body)
	default:
		result.Answer, result.Err = readJSON(response.Body)
	}
	return result
}

type completion struct {
	Choices []struct {
		Message message `json:"message"`
		Delta   message `json:"delta"`
	} `json:"choices"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
}

func readJSON(r io.Reader) (string, error) {
	var c completion
	if err := json.NewDecoder(r).Decode(&c); err != nil {
		return "", err
	}
	if len(c.Choices) == 0 {
		return "", fmt.Errorf("an answer without choices")
	}
	return c.Choices[0].Message.Content, nil
}

func readStream(r io.Reader) (string, error) {
	var answer strings.Builder
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			return answer.String(), nil
		}
		var c completion
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			return answer.String(), err
		}
		if c.Error != nil {
			return answer.String(), fmt.Errorf("the stream failed: %s", c.Error.Message)
		}
		if len(c.Choices) > 0 {
			answer.WriteString(c.Choices[0].Delta.Content)
		}
	}
	if err := lines.Err(); err != nil {
		return answer.String(), err
	}
	return answer.String(), io.ErrUnexpectedEOF
}
