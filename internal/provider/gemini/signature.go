package gemini

import (
	"encoding/base64"
	"strings"
)

// Signatures of thoughts prove to a provider that a thought is its own, and each
// refuses those of others. A conversation may move from one provider to another, so
// a signature must say whose it is while a client has it.
const (
	// signatureMark begins Gemini's signatures in the neutral model. It is eight
	// characters of base64, so that a signature with it is still base64.
	signatureMark = "tsgemini"
	// foreignMark begins those of other providers with clients of Gemini's API,
	// whose SDKs take base64 only: the rest is the signature, encoded.
	foreignMark = "tssigned"
)

// markSignature marks a signature that Gemini gave.
func markSignature(s string) string {
	if s == "" {
		return ""
	}
	return signatureMark + s
}

// ownSignature is the signature as Gemini gave it; empty if it did not.
func ownSignature(s string) string {
	if own, ok := strings.CutPrefix(s, signatureMark); ok {
		return own
	}
	return ""
}

// clientSignature is a thought's signature as a client of this wire gets it.
func clientSignature(s string) string {
	if s == "" {
		return ""
	}
	if own := ownSignature(s); own != "" {
		return own
	}
	return foreignMark + base64.StdEncoding.EncodeToString([]byte(s))
}

// clientCallSignature is the signature of a call as a client of this wire gets it:
// one that Gemini did not make is marked as such, so that Gemini is never asked to
// take it for its own.
func clientCallSignature(s string) string {
	if isBase64(s) {
		return s
	}
	return foreignMark
}

// broughtCallSignature is the signature of a call that a client brings back.
func broughtCallSignature(s string) string {
	if s == foreignMark {
		return ""
	}
	return s
}

// broughtSignature is the signature of a thought that a client brings back.
func broughtSignature(s string) string {
	if foreign, ok := strings.CutPrefix(s, foreignMark); ok {
		if raw, err := base64.StdEncoding.DecodeString(foreign); err == nil {
			return string(raw)
		}
	}
	if s == foreignCall || strings.HasPrefix(s, signatureMark) {
		return s
	}
	return markSignature(s)
}
