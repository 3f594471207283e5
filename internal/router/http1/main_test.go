package http1

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv(benchPeerVariable) != "" {
		benchPeer()
		return
	}
	os.Exit(m.Run())
}
