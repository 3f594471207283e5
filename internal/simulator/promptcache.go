package simulator

import (
	"container/list"
	"sync"
)

// OpenAI caches prompts from 1,024 tokens on, in steps of 128 tokens.
const (
	cacheFrom = 1024
	cacheStep = 128
)

// promptCount counts a prompt's tokens and hashes its cacheable prefixes.
type promptCount struct {
	tokens   int
	chain    uint64
	prefixes []uint64 // of cacheFrom + i*cacheStep tokens
}

// countPrompt counts a prompt as OpenAI documents it for its chat models: three
// tokens to frame each message, one for its role, its text, and three that
// begin the answer. Tools count as the text they are declared in.
func countPrompt(model string, r *request) promptCount {
	c := promptCount{chain: hashText(model)}
	for _, t := range r.Tools {
		c.add(t.Function.Name)
		c.add(t.Function.Description)
		c.add(string(t.Function.Parameters))
	}
	for _, m := range r.Messages {
		c.addTokens(4, hashText(m.Role, m.ToolCallID))
		c.add(m.Content.text)
		c.addTokens(m.Content.imageTokens, 0)
		for _, call := range m.ToolCalls {
			c.add(call.Function.Name)
			c.add(call.Function.Arguments)
		}
	}
	c.addTokens(3, 0)
	return c
}

func (c *promptCount) add(text string) {
	for text != "" {
		n := pieceLen(text)
		c.addTokens(1, hashText(text[:n]))
		text = text[n:]
	}
}

func (c *promptCount) addTokens(n int, hash uint64) {
	for range n {
		c.chain = mix(c.chain, hash)
		c.tokens++
		if c.tokens >= cacheFrom && (c.tokens-cacheFrom)%cacheStep == 0 {
			c.prefixes = append(c.prefixes, c.chain)
		}
	}
}

// promptCache remembers the prefixes seen, the least recently used go first.
type promptCache struct {
	mu    sync.Mutex
	limit int
	order *list.List // of uint64, the most recent first
	seen  map[uint64]*list.Element
}

func newPromptCache(limit int) *promptCache {
	return &promptCache{limit: limit, order: list.New(), seen: map[uint64]*list.Element{}}
}

// use returns how many of the prompt's tokens were cached, and how many it adds
// to the cache.
func (p *promptCache) use(c promptCount) (cached, written int) {
	if len(c.prefixes) == 0 {
		return 0, 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, prefix := range c.prefixes {
		if e, ok := p.seen[prefix]; ok {
			p.order.MoveToFront(e)
			cached = cacheFrom + i*cacheStep
			continue
		}
		p.seen[prefix] = p.order.PushFront(prefix)
	}
	for p.order.Len() > p.limit {
		oldest := p.order.Back()
		p.order.Remove(oldest)
		delete(p.seen, oldest.Value.(uint64))
	}
	return cached, cacheFrom + (len(c.prefixes)-1)*cacheStep - cached
}
