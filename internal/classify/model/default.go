package model

import (
	_ "embed"
	"sync"
)

//go:embed default.json
var embedded []byte

// Default returns the model that is part of the program. It is read when first
// asked for. That it can be read is held by a test.
var Default = sync.OnceValue(func() *Model {
	m, err := Load(embedded)
	if err != nil {
		panic("the embedded " + err.Error())
	}
	return m
})
