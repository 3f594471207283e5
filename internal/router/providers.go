package router

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/router/upstream"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Upstreams holds one client per endpoint. It outlives engines, so that a new
// config does not throw away warm connections.
type Upstreams struct {
	mu      sync.Mutex
	clients map[string]*upstream.Client
	options upstream.Options
}

// NewUpstreams returns an empty set whose clients are made with the options; the
// base URL in them is ignored.
func NewUpstreams(options upstream.Options) *Upstreams {
	return &Upstreams{clients: map[string]*upstream.Client{}, options: options}
}

func (u *Upstreams) client(baseURL string) (*upstream.Client, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if c, ok := u.clients[baseURL]; ok {
		return c, nil
	}
	options := u.options
	options.BaseURL = baseURL
	c, err := upstream.New(options)
	if err != nil {
		return nil, err
	}
	u.clients[baseURL] = c
	return c, nil
}

// Retire drops the clients of endpoints that the config no longer names. Requests
// in flight keep their connections until they are done.
func (u *Upstreams) Retire(config *routerconfig.Config) {
	u.mu.Lock()
	defer u.mu.Unlock()
	used := map[string]bool{}
	for i := range config.Providers {
		used[config.Providers[i].BaseURL] = true
	}
	for baseURL, c := range u.clients {
		if !used[baseURL] {
			delete(u.clients, baseURL)
			c.Close()
		}
	}
}

// provider is one account at work.
type provider struct {
	*routerconfig.Provider
	dialect
	// chatCodec writes Chat Completions in the dialect.
	chatCodec chat.Codec
	client    *upstream.Client
	// head is the part of the request head that no request changes.
	head   []byte
	header []string
	// rejected is the key that the provider last refused, if any.
	rejected atomic.Pointer[string]
}

func newProviders(config *routerconfig.Config, upstreams *Upstreams) (map[string]*provider, error) {
	providers := map[string]*provider{}
	for i := range config.Providers {
		spec := &config.Providers[i]
		client, err := upstreams.client(spec.BaseURL)
		if err != nil {
			return nil, fmt.Errorf("providers[%d].baseURL: %w", i, err)
		}
		head := []byte("Content-Type: application/json\r\n")
		if spec.Wire == routerconfig.WireAnthropic && !hasHeader(spec, "anthropic-version") {
			head = append(head, "anthropic-version: "+anthropicVersion+"\r\n"...)
		}
		for _, h := range spec.Headers {
			head = append(append(append(append(head, h.Name...), ": "...), h.Value...), "\r\n"...)
		}
		if err := upstream.CheckHead(head); err != nil {
			return nil, fmt.Errorf("providers[%d].headers: %w", i, err)
		}
		providers[spec.Name] = &provider{
			Provider: spec, dialect: dialects[spec.Kind], chatCodec: chatCodecOf(dialects[spec.Kind]),
			client: client, head: head, header: []string{spec.Kind},
		}
	}
	return providers, nil
}

// anthropicVersion is the version of the API that package anthropic speaks
// (https://platform.claude.com/docs/en/api/versioning).
const anthropicVersion = "2023-06-01"

func hasHeader(p *routerconfig.Provider, name string) bool {
	return slices.ContainsFunc(p.Headers, func(h routerconfig.KeyValue) bool { return strings.EqualFold(h.Name, name) })
}

// key returns the key to use: the current one, or the next once the provider
// has refused the current one. ok is false when a key is needed and none can be
// read.
func (p *provider) key(k *keyring) (key string, ok bool) {
	if p.KeyFile == "" {
		return "", true
	}
	files := k.current.Load().files
	key, ok = files[p.KeyFile]
	next, hasNext := files[p.NextKeyFile]
	rejected := p.rejected.Load()
	if hasNext && (!ok || rejected != nil && *rejected == key) {
		return next, true
	}
	return key, ok
}

// refused records that the provider rejected the key, and reports whether
// another one stands ready to be tried.
func (p *provider) refused(k *keyring, key string) bool {
	p.rejected.Store(&key)
	other, ok := p.key(k)
	return ok && other != key
}

// dialect is where a provider's Chat Completions differ from what a client that
// was written for OpenAI sends.
type dialect struct {
	// maxTokens is the name by which the provider knows the output cap; a cap
	// under the other name is renamed. Empty: it knows both.
	maxTokens string
	// noStreamOptions is true where stream_options is refused and usage comes
	// unasked.
	noStreamOptions bool
}

// OpenAI deprecates max_tokens and refuses it for reasoning models
// (https://platform.openai.com/docs/api-reference/chat/create). DeepSeek, Mistral
// and many compatible servers document only max_tokens, and some ignore the newer
// name, so that a cap would be lost. Mistral answers 422 to fields it does not know.
var dialects = map[string]dialect{
	"OpenAI":           {maxTokens: "max_completion_tokens"},
	"AzureOpenAI":      {maxTokens: "max_completion_tokens"},
	"DeepSeek":         {maxTokens: "max_tokens"},
	"Mistral":          {maxTokens: "max_tokens", noStreamOptions: true},
	"OpenAICompatible": {maxTokens: "max_tokens"},
}

// edits are what the provider's dialect and the router's books require.
func (p *provider) edits(model string, streamed bool, outputCap int64) patch.Edits {
	return patch.Edits{
		Model:             model,
		IncludeUsage:      streamed && !p.noStreamOptions,
		DropStreamOptions: p.noStreamOptions,
		MaxOutputTokens:   outputCap,
		MaxTokensField:    p.maxTokens,
		RenameMaxTokens:   p.maxTokens != "",
	}
}
