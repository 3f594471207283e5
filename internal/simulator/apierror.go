package simulator

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is an error of the API. An empty param or code is sent as null.
type apiError struct {
	status  int
	kind    string // the error's "type"
	param   string
	code    string
	message string
	// subject is what the message names: the model that does not exist.
	subject string
}

const invalidRequest = "invalid_request_error"

func newError(status int, param, code, message string) *apiError {
	return &apiError{status: status, kind: invalidRequest, param: param, code: code, message: message}
}

func badRequest(param, code, format string, args ...any) *apiError {
	return newError(http.StatusBadRequest, param, code, fmt.Sprintf(format, args...))
}

var errInvalidJSON = badRequest("", "", "We could not parse the JSON body of your request. (HINT: This likely means you "+
	"aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. "+
	"If you have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)")

var errNoModel = badRequest("", "", "you must provide a model parameter")

var errNotChat = newError(http.StatusNotFound, "model", "", "This is not a chat model and thus not supported in the "+
	"v1/chat/completions endpoint. Did you mean to use v1/completions?")

var errNoKey = newError(http.StatusUnauthorized, "", "",
	"You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "+
		"(i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the API "+
		"from your browser and are prompted for a username and password. You can obtain an API key from "+
		"https://platform.openai.com/account/api-keys.")

func errWrongKey(key string) *apiError {
	return newError(http.StatusUnauthorized, "", "invalid_api_key", fmt.Sprintf(
		"Incorrect API key provided: %s. You can find your API key at https://platform.openai.com/account/api-keys.", maskKey(key)))
}

// maskKey hides all of a key but its ends.
func maskKey(key string) string {
	if len(key) <= 12 {
		return strings.Repeat("*", len(key))
	}
	return key[:8] + strings.Repeat("*", len(key)-12) + key[len(key)-4:]
}

func errUnknownModel(name string) *apiError {
	e := newError(http.StatusNotFound, "", "model_not_found",
		fmt.Sprintf("The model `%s` does not exist or you do not have access to it.", name))
	e.subject = name
	return e
}

func errUnknownURL(method, path string) *apiError {
	return newError(http.StatusNotFound, "", "", fmt.Sprintf("Invalid URL (%s %s)", method, path))
}

func errMethod(want string) *apiError {
	return newError(http.StatusMethodNotAllowed, "", "method_not_supported",
		fmt.Sprintf("Only %s requests are accepted.", want))
}

var errBodyTooLarge = newError(http.StatusRequestEntityTooLarge, "", "", "The request body is too large.")

// jsonTypes names Go's types, and JSON's as the decoder reports them, as the API
// names them.
var jsonTypes = map[string]string{
	"string": "a string", "int": "an integer", "float64": "a number", "bool": "a boolean",
	"number": "an integer", "object": "an object", "array": "an array",
}

func errInvalidType(field, want, got string) *apiError {
	wanted, ok := jsonTypes[want]
	switch {
	case strings.HasPrefix(want, "[]"):
		wanted = "an array"
	case !ok:
		wanted = "an object"
	}
	given, ok := jsonTypes[got]
	if !ok { // the decoder adds the number if it is no integer
		given = "a decimal number"
	}
	return badRequest(field, "invalid_type", "Invalid type for '%s': expected %s, but got %s instead.", field, wanted, given)
}

// statusError is the error that a provider in trouble answers with.
func statusError(status int, model string, retry string) *apiError {
	e := &apiError{status: status, kind: "server_error"}
	switch status {
	case http.StatusTooManyRequests:
		e.kind, e.code = "requests", "rate_limit_exceeded"
		e.message = fmt.Sprintf("Rate limit reached for %s in organization org-simulated on requests per min (RPM): Limit %d, "+
			"Used %d, Requested 1. Please try again in %s. Visit https://platform.openai.com/account/rate-limits to learn more.",
			model, requestLimit, requestLimit, retry)
	case http.StatusServiceUnavailable:
		e.message = "The engine is currently overloaded, please try again later"
	case 529:
		e.message = "That model is currently overloaded with other requests. You can retry your request, or contact us through " +
			"our help center at help.openai.com if the error persists."
	case http.StatusUnauthorized:
		return errWrongKey("sk-simulated-0000000000")
	case http.StatusNotFound:
		return errUnknownModel(model)
	default:
		e.message = "The server had an error while processing your request. Sorry about that!"
	}
	if status < http.StatusInternalServerError && status != http.StatusTooManyRequests {
		e.kind, e.message = invalidRequest, http.StatusText(status)
	}
	return e
}
