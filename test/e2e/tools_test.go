package e2e

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
)

// image is one that the nodes have.
type image struct{ repository, tag string }

func (i image) String() string { return i.repository + ":" + i.tag }

// programs are what images are made of, by the name of the image.
var programs = map[string]string{"operator": "./cmd/operator", "router": "./cmd/router", "agent": "./test/e2e/agent"}

// imagesOf builds the programs and brings them to the nodes, or names those that
// are there. A tag that is made of the program's bytes is never a stale image.
func imagesOf(ctx context.Context) map[string]image {
	GinkgoHelper()
	made := map[string]image{}
	prefix := cmp.Or(settings.imagePrefix, "tiershift-e2e/")
	if settings.loadImage == "" {
		Expect(settings.imageTag).NotTo(BeEmpty(),
			"say how images get to the nodes with E2E_LOAD_IMAGE, or with E2E_IMAGE_PREFIX and E2E_IMAGE_TAG which are there: see docs/e2e.md")
		for name := range programs {
			made[name] = image{repository: prefix + name, tag: settings.imageTag}
		}
		return made
	}
	dir := GinkgoT().TempDir()
	arch := architecture(ctx)
	for name, program := range programs {
		binary := filepath.Join(dir, name)
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", binary, program)
		build.Dir = "../.."
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		do(build)
		data, err := os.ReadFile(binary)
		Expect(err).NotTo(HaveOccurred())
		sum := sha256.Sum256(data)
		made[name] = image{repository: prefix + name, tag: hex.EncodeToString(sum[:6])}
		load := strings.NewReplacer("{image}", made[name].String(), "{binary}", binary).Replace(settings.loadImage)
		loading := exec.CommandContext(ctx, "bash", "-c", load)
		loading.Dir = "../.."
		do(loading)
	}
	return made
}

func architecture(ctx context.Context) string {
	GinkgoHelper()
	var nodes corev1.NodeList
	Expect(api.List(ctx, &nodes)).To(Succeed())
	Expect(nodes.Items).NotTo(BeEmpty())
	return nodes.Items[0].Status.NodeInfo.Architecture
}

func kubectl(ctx context.Context, args ...string) string {
	GinkgoHelper()
	return do(exec.CommandContext(ctx, "kubectl", args...))
}

func helm(ctx context.Context, args ...string) string {
	GinkgoHelper()
	return do(exec.CommandContext(ctx, "helm", args...))
}

// do runs the command and returns what it printed; one that fails fails the story.
func do(command *exec.Cmd) string {
	GinkgoHelper()
	GinkgoWriter.Println("$", strings.Join(command.Args, " "))
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	GinkgoWriter.Print(out.String())
	Expect(err).NotTo(HaveOccurred(), out.String())
	return out.String()
}
