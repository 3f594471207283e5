package router

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tiershift/tiershift/internal/provider/patch"
)

// apiError is an answer that the router gives itself, in the error shape of the
// API that the client speaks.
type apiError struct {
	status int
	patch.ErrorBody
	// retryAfter, if positive, tells the client when to come again.
	retryAfter time.Duration
}

func (e *apiError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.Message) }

// The "type" values of OpenAI's error object that its SDKs and their users know.
const (
	typeInvalidRequest = "invalid_request_error"
	typeAuthentication = "authentication_error"
	typeRateLimit      = "rate_limit_error"
	typeUpstream       = "upstream_error"
	typeOverloaded     = "overloaded_error"
)

func badRequest(code, param, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, ErrorBody: patch.ErrorBody{
		Message: fmt.Sprintf(format, args...), Type: typeInvalidRequest, Code: code, Param: param,
	}}
}

func notFound(code, param, format string, args ...any) *apiError {
	err := badRequest(code, param, format, args...)
	err.status = http.StatusNotFound
	return err
}

func unauthorized(format string, args ...any) *apiError {
	return &apiError{status: http.StatusUnauthorized, ErrorBody: patch.ErrorBody{
		Message: fmt.Sprintf(format, args...), Type: typeAuthentication, Code: "invalid_api_key",
	}}
}

func unavailable(code, message string) *apiError {
	return &apiError{status: http.StatusServiceUnavailable, retryAfter: time.Second, ErrorBody: patch.ErrorBody{
		Message: message, Type: typeOverloaded, Code: code,
	}}
}
