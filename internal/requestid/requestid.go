// Package requestid makes the ids of requests and reads them back. An id is told
// to the client with the answer and names it in logs; a full one also carries,
// signed, when the answer was given and by what, so that a vote on it counts at
// any router of the policy and days later, without any shared state.
//
// It is pure: clock and randomness are arguments. An id must never hold anything
// of a client, a prompt or an answer.
//
// The form of a full id, in lower-case base32 (RFC 4648, no padding):
//
//	req_ RANDOM(15) . VERSION(1) TIME(4) ROUTE(4) TIER(4) MODEL(4) PLACED(4) MAC(12)
//
// TIME is in seconds of the Unix epoch, ROUTE to PLACED are hashes of names, and
// MAC is the first 96 bits of an HMAC-SHA256 over all that stands before it and
// the client's name.
package requestid

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"
	"time"
)

const (
	prefix      = "req_"
	randomBytes = 15
	version     = 1
	bodyBytes   = 1 + 4 + 4*4
	macBytes    = 12

	randomChars = randomBytes * 8 / 5
	signedChars = ((bodyBytes+macBytes)*8 + 4) / 5

	// ShortLength and Length are those of an id before and after it is completed.
	ShortLength = len(prefix) + randomChars
	Length      = ShortLength + 1 + signedChars
)

// encoding is short, and safe in a header, a path and a log.
var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// New returns the short id for 120 random bits.
func New(random [randomBytes]byte) string {
	var id [ShortLength]byte
	copy(id[:], prefix)
	encoding.Encode(id[len(prefix):], random[:])
	return string(id[:])
}

// Answer is what an id says of an answer, as hashes of the names ([Hash]).
type Answer struct {
	// At is when it was given, to the second.
	At time.Time
	// Route, Tier and Model gave it.
	Route, Tier, Model uint32
	// Placed is the tier that a traffic split placed the request on; 0: none did.
	Placed uint32
}

// Hash shortens a name to what an id carries: the first 32 bits of its SHA-256,
// never 0. A policy has too few names for two of them to meet by chance; whoever
// resolves a hash that two names have must count for neither.
func Hash(name string) uint32 {
	sum := sha256.Sum256([]byte(name))
	return max(binary.BigEndian.Uint32(sum[:]), 1)
}

// Complete adds what the answer is to the short id, signed with the key. Only
// the client of that name can then vote by it.
func Complete(short string, a *Answer, client string, key []byte) string {
	var signed [bodyBytes + macBytes]byte
	signed[0] = version
	binary.BigEndian.PutUint32(signed[1:], uint32(a.At.Unix()))
	for i, hash := range [...]uint32{a.Route, a.Tier, a.Model, a.Placed} {
		binary.BigEndian.PutUint32(signed[5+4*i:], hash)
	}
	copy(signed[bodyBytes:], sign(short, signed[:bodyBytes], client, key))
	var id [Length]byte
	copy(id[:], short)
	id[ShortLength] = '.'
	encoding.Encode(id[ShortLength+1:], signed[:])
	return string(id[:])
}

// The faults of an id.
var (
	// ErrMalformed: it never was an id.
	ErrMalformed = errors.New("it is no request id")
	// ErrShort: it names a request that had no answer.
	ErrShort = errors.New("it names a request that got no answer, or whose answer could not be signed")
	// ErrForeign: it was not made with the key, for this client.
	ErrForeign = errors.New("it is not of a request that this client made to this gateway")
)

// Read checks an id and returns what it says. The error is one of those above.
func Read(id, client string, key []byte) (Answer, error) {
	short, rest, full := strings.Cut(id, ".")
	if len(short) != ShortLength || !strings.HasPrefix(short, prefix) || !wellFormed(short[len(prefix):], randomBytes) {
		return Answer{}, ErrMalformed
	}
	if !full {
		return Answer{}, ErrShort
	}
	var signed [bodyBytes + macBytes]byte
	if len(rest) != signedChars || !wellFormed(rest, len(signed)) {
		return Answer{}, ErrMalformed
	}
	_, _ = encoding.Decode(signed[:], []byte(rest)) // well-formed, as was just seen
	if signed[0] != version || !hmac.Equal(signed[bodyBytes:], sign(short, signed[:bodyBytes], client, key)) {
		return Answer{}, ErrForeign
	}
	word := func(i int) uint32 { return binary.BigEndian.Uint32(signed[i:]) }
	return Answer{At: time.Unix(int64(word(1)), 0), Route: word(5), Tier: word(9), Model: word(13), Placed: word(17)}, nil
}

// wellFormed accepts the one spelling of so many bytes: base32 leaves bits over
// that a decoder passes over, and one request must not have two ids.
func wellFormed(text string, size int) bool {
	raw, err := encoding.DecodeString(text)
	return err == nil && len(raw) == size && encoding.EncodeToString(raw) == text
}

func sign(short string, body []byte, client string, key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	// The parts before the client's name have a fixed length, so that no two
	// different inputs read the same.
	mac.Write([]byte(short))
	mac.Write(body)
	mac.Write([]byte(client))
	return mac.Sum(nil)[:macBytes]
}
