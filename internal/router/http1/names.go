package http1

import (
	"net/http"
	"strings"
)

// canonical is http.CanonicalHeaderKey, without an allocation for the names that
// clients send in small letters.
func canonical(name string) string {
	upper := true
	for i := range len(name) {
		c := name[i]
		if upper && 'a' <= c && c <= 'z' || !upper && 'A' <= c && c <= 'Z' {
			if known, ok := knownNames[name]; ok {
				return known
			}
			return http.CanonicalHeaderKey(name)
		}
		upper = c == '-'
	}
	return name
}

// knownNames are those of browsers, of the SDKs and of proxies in between.
var knownNames = func() map[string]string {
	names := map[string]string{}
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Anthropic-Beta", "Anthropic-Dangerous-Direct-Browser-Access",
		"Anthropic-Version", "Api-Key", "Authorization", "Cache-Control", "Connection", "Content-Length", "Content-Type",
		"Cookie", "Expect", "Forwarded", "Helicone-Auth", "Host", "Idempotency-Key", "Keep-Alive", "Openai-Beta",
		"Openai-Organization", "Openai-Project", "Origin", "Pragma", "Priority", "Referer", "Sec-Fetch-Dest", "Sec-Fetch-Mode",
		"Sec-Fetch-Site", "Traceparent", "Tracestate", "Transfer-Encoding", "User-Agent", "Via", "X-Api-Key",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Goog-Api-Client", "X-Goog-Api-Key",
		"X-Real-Ip", "X-Request-Id", "X-Stainless-Arch", "X-Stainless-Async", "X-Stainless-Helper-Method", "X-Stainless-Lang",
		"X-Stainless-Os", "X-Stainless-Package-Version", "X-Stainless-Read-Timeout", "X-Stainless-Retry-Count",
		"X-Stainless-Runtime", "X-Stainless-Runtime-Version", "X-Stainless-Timeout", "X-Tiershift-Conversation",
		"X-Tiershift-Max-Tier", "X-Tiershift-Min-Tier", "X-Tiershift-Route",
	} {
		names[strings.ToLower(name)] = name
	}
	// As OpenAI's and Anthropic's SDKs for Python spell it.
	names["X-Stainless-OS"] = "X-Stainless-Os"
	names["X-Stainless-raw-response"] = "X-Stainless-Raw-Response"
	return names
}()
