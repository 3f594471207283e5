package router

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"
	"sync/atomic"

	"github.com/tiershift/tiershift/internal/routerconfig"
)

// keyring holds what the key files held when last read. It swaps as a whole, so
// that a request sees either the old keys or the new.
type keyring struct {
	config  *routerconfig.Config
	secrets fs.FS
	current atomic.Pointer[keys]
}

type keys struct {
	// files maps each key file of the config to its content; a missing, empty
	// or malformed one is absent.
	files map[string]string
	// clients maps the SHA-256 of a client's key to the client's name: looking
	// a hash up tells nothing about the key by its timing.
	clients map[[sha256.Size]byte]string
	// problem says why client keys could not be read, if they could not.
	problem string
}

func newKeyring(config *routerconfig.Config, secrets fs.FS) *keyring {
	k := &keyring{config: config, secrets: secrets}
	k.current.Store(&keys{})
	return k
}

// load reads all files again and reports whether anything changed. A client
// directory that cannot be read keeps the clients of the load before.
func (k *keyring) load() bool {
	before := k.current.Load()
	now := &keys{files: map[string]string{}, clients: map[[sha256.Size]byte]string{}}
	for i := range k.config.Providers {
		p := &k.config.Providers[i]
		for _, file := range []string{p.KeyFile, p.NextKeyFile} {
			if key, err := readKey(k.secrets, file); err == nil {
				now.files[file] = key
			}
		}
	}
	if key, err := readKey(k.secrets, k.config.RequestIDs.KeyFile); err == nil && len(key) >= leastSigningKey {
		now.files[k.config.RequestIDs.KeyFile] = key
	}
	if k.config.Auth.Mode == routerconfig.AuthAPIKeys {
		clients, err := readClients(k.secrets, k.config.Auth.ClientsDir)
		if err != nil {
			now.problem = err.Error()
			clients = before.clients
		}
		now.clients = clients
	}
	if maps.Equal(before.files, now.files) && maps.Equal(before.clients, now.clients) && before.problem == now.problem {
		return false
	}
	k.current.Store(now)
	return true
}

// leastSigningKey is how long a key of request ids must be, in bytes.
const leastSigningKey = 16

// signing is the key of request ids; nil: there is none.
func (k *keyring) signing() []byte {
	if key := k.current.Load().files[k.config.RequestIDs.KeyFile]; key != "" {
		return []byte(key)
	}
	return nil
}

// client returns the name of the client that holds the key.
func (k *keyring) client(key string) (string, bool) {
	name, ok := k.current.Load().clients[sha256.Sum256([]byte(key))]
	return name, ok
}

func readKey(secrets fs.FS, file string) (string, error) {
	if file == "" {
		return "", fs.ErrNotExist
	}
	data, err := fs.ReadFile(secrets, file)
	if err != nil {
		return "", err
	}
	key := string(bytes.TrimSpace(data))
	if key == "" {
		return "", errors.New("the file is empty")
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", errors.New("the key holds a control character")
	}
	return key, nil
}

// readClients reads one file per client. Names that begin with a dot are the
// bookkeeping of mounted volumes.
func readClients(secrets fs.FS, dir string) (map[[sha256.Size]byte]string, error) {
	entries, err := fs.ReadDir(secrets, dir)
	if err != nil {
		return nil, fmt.Errorf("client keys: %w", err)
	}
	clients := map[[sha256.Size]byte]string{}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		key, err := readKey(secrets, path.Join(dir, entry.Name()))
		if err != nil {
			continue // one bad file must not lock out every other client
		}
		clients[sha256.Sum256([]byte(key))] = entry.Name()
	}
	if len(clients) == 0 {
		return nil, fmt.Errorf("client keys: %s holds no key: every request will be refused", dir)
	}
	return clients, nil
}
