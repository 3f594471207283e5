package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

const (
	probePatience = 10 * time.Second
	// maxModelList bounds what is read of a model list; the longest public one,
	// of an aggregator, has some hundred kilobytes.
	maxModelList = 8 << 20
	// anthropicVersion is what Anthropic's own API asks to be sent:
	// https://docs.claude.com/en/api/versioning
	anthropicVersion = "2023-06-01"
)

// HTTPProber asks GET BASEURL/models, which every supported provider has.
type HTTPProber struct{ client *http.Client }

// NewHTTPProber returns a prober that asks over HTTP, through the proxy of the
// environment if there is one. It follows no redirect: the key is for the
// endpoint alone.
func NewHTTPProber() *HTTPProber {
	return &HTTPProber{client: &http.Client{
		Timeout:       probePatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ListModels implements Prober.
func (p *HTTPProber) ListModels(ctx context.Context, account Account) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, modelsURL(account), http.NoBody)
	if err != nil {
		return 0, errors.New("its endpoint is no URL")
	}
	for name, value := range account.Headers {
		request.Header.Set(name, string(value))
	}
	authorize(request.Header, account)
	response, err := p.client.Do(request)
	if err != nil {
		return 0, unreachable(err)
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusOK:
		return countModels(response.Body)
	case http.StatusUnauthorized, http.StatusForbidden:
		return 0, &RejectedError{Status: response.StatusCode}
	default:
		return 0, fmt.Errorf("it answered %d to GET /models", response.StatusCode)
	}
}

// modelsURL is where the account's models are listed. Azure's older API has them
// beside the deployments, not below.
func modelsURL(account Account) string {
	base := strings.TrimRight(account.BaseURL, "/")
	if account.APIVersion == "" {
		return base + "/models"
	}
	return strings.TrimSuffix(base, "/deployments") + "/models?api-version=" + url.QueryEscape(account.APIVersion)
}

func authorize(header http.Header, account Account) {
	if account.Key == "" {
		return
	}
	switch account.Provider {
	case v1alpha1.ProviderAnthropic:
		header.Set("X-Api-Key", account.Key)
		header.Set("Anthropic-Version", anthropicVersion)
	case v1alpha1.ProviderAzureOpenAI:
		header.Set("Api-Key", account.Key)
	case v1alpha1.ProviderGemini:
		// Its own API and its OpenAI-compatible one each take their own header.
		if !strings.HasSuffix(strings.TrimRight(account.BaseURL, "/"), "/openai") {
			header.Set("X-Goog-Api-Key", account.Key)
			return
		}
		header.Set("Authorization", "Bearer "+account.Key)
	default:
		header.Set("Authorization", "Bearer "+account.Key)
	}
}

// countModels reads the list of OpenAI's schema ("data") or Gemini's ("models").
func countModels(body io.Reader) (int, error) {
	var list struct {
		Data   []json.RawMessage `json:"data"`
		Models []json.RawMessage `json:"models"`
	}
	if err := json.NewDecoder(io.LimitReader(body, maxModelList)).Decode(&list); err != nil {
		return 0, errors.New("its answer to GET /models is no JSON")
	}
	return max(len(list.Data), len(list.Models)), nil
}

// unreachable says why a call failed without the addresses and ports that differ
// each time, and never with the request's headers.
func unreachable(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) && failed.Timeout() {
		return fmt.Errorf("it did not answer within %s", probePatience)
	}
	return errors.New("it could not be reached")
}
