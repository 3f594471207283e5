// Package tokens holds the token estimate of package classify against the real
// tokenizer of the encodings o200k_base and cl100k_base. It is a module of its own,
// so that their vocabularies never become a dependency of the product. It has tests
// only.
package tokens
