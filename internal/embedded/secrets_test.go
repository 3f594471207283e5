package embedded

import (
	"errors"
	"io/fs"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func secret(namespace, name string, data map[string]string) corev1.Secret {
	s := corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string][]byte{}}
	for key, value := range data {
		s.Data[key] = []byte(value)
	}
	return s
}

func TestSecretsAreReadAsFiles(t *testing.T) {
	var s Secrets
	if _, err := fs.ReadFile(&s, "keys/a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before anything is there: %v", err)
	}
	s.Replace("shop", []corev1.Secret{
		secret("shop", "keys", map[string]string{"b": "2", "a": "1"}), secret("shop", "empty", nil), secret("other", "keys", map[string]string{"c": "3"}),
	})
	value, err := fs.ReadFile(&s, "keys/a")
	if err != nil || string(value) != "1" {
		t.Errorf("keys/a holds %q, %v", value, err)
	}
	value[0] = 'x'
	if again, err := fs.ReadFile(&s, "keys/a"); err != nil || string(again) != "1" {
		t.Errorf("what was read can be written: %q, %v", again, err)
	}
	for _, name := range []string{"keys/c", "keys", "keys/", "/keys/a", "keys/../keys/a", "none/a", ".", ""} {
		if _, err := fs.ReadFile(&s, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v, want that it does not exist", name, err)
		}
	}
	if info, err := fs.Stat(&s, "keys/a"); err != nil || info.Name() != "a" || info.Size() != 1 {
		t.Errorf("keys/a is %+v, %v", info, err)
	}
	if _, err := fs.Stat(&s, "keys/c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("keys/c: %v, want that it does not exist", err)
	}
	if _, err := s.Open("keys/a"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Open: %v", err)
	}
}

func TestSecretsAreListedAsDirectories(t *testing.T) {
	var s Secrets
	s.Replace("shop", []corev1.Secret{secret("shop", "keys", map[string]string{"b": "22", "a": "1"}), secret("shop", "empty", nil)})
	entries, err := fs.ReadDir(&s, "keys")
	if err != nil || len(entries) != 2 || entries[0].Name() != "a" || entries[1].Name() != "b" {
		t.Fatalf("got %v, %v; want a and b", entries, err)
	}
	info, err := entries[1].Info()
	if err != nil || info.Size() != 2 || info.IsDir() || entries[1].IsDir() || !info.Mode().IsRegular() || entries[1].Type() != 0 ||
		info.Mode().Perm() != 0o400 || !info.ModTime().IsZero() || info.Sys() != nil {
		t.Errorf("b is %+v, %v", info, err)
	}
	if entries, err = fs.ReadDir(&s, "empty"); err != nil || len(entries) != 0 {
		t.Errorf("an empty Secret lists %v, %v", entries, err)
	}
	if _, err = fs.ReadDir(&s, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing Secret: %v", err)
	}
}

func TestSecretsAreReplacedWhileTheyAreRead(t *testing.T) {
	var s Secrets
	var wait sync.WaitGroup
	s.Replace("shop", []corev1.Secret{secret("shop", "keys", map[string]string{"a": "0"})})
	for range 4 {
		wait.Go(func() {
			for range 200 {
				if _, err := fs.ReadFile(&s, "keys/a"); err != nil {
					t.Error(err)
				}
				s.Replace("shop", []corev1.Secret{secret("shop", "keys", map[string]string{"a": "1"})})
			}
		})
	}
	wait.Wait()
}
