// Package chat is the neutral model of a conversation with a language model: what
// a request asks, what an answer says and, event by event, how it is streamed.
// Each wire schema has a package beside this one that decodes its own bytes to
// these types and encodes these types to its own bytes, so that any wire can be
// served by any other with one translation each way.
//
// The model holds the union of what the wires can say, in the words of the one
// that says it best. What only one wire knows is carried as [Native] and is
// never silently lost: an encoder carries a value, names it as dropped where
// that is harmless, or refuses it by name ([Unsupported]).
//
// It must never do I/O, read a clock or draw a random number, and never put a
// byte of a prompt or of an answer into an error: those end up in logs.
package chat
