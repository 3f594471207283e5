package http1

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// benchPeerVariable makes the test binary the client of the benchmarks, in a
// process of its own: what the benchmark's process uses is the server's alone.
const benchPeerVariable = "TIERSHIFT_BENCH_PEER"

var benchRequest = func() string {
	prompt := strings.Repeat("Summarise the ticket below in one sentence. ", 44)
	body := `{"model":"auto","messages":[{"role":"user","content":"` + prompt + `"}],"max_tokens":200}`
	body += strings.Repeat(" ", 2048-len(body))
	return "POST %s HTTP/1.1\r\nHost: gateway.example.com\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n" +
		"Accept: application/json\r\nContent-Type: application/json\r\nUser-Agent: OpenAI/Python 1.99.0\r\n" +
		"X-Stainless-Lang: python\r\nX-Stainless-Package-Version: 1.99.0\r\nX-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\n" +
		"X-Stainless-Runtime: CPython\r\nX-Stainless-Runtime-Version: 3.13.1\r\nX-Stainless-Async: false\r\n" +
		"Authorization: Bearer sk-0123456789abcdef\r\nX-Stainless-Retry-Count: 0\r\nX-Stainless-Read-Timeout: 600\r\n" +
		"Content-Length: 2048\r\n\r\n" + body
}()

// benchPeer sends requests as its input says: "address path count concurrency"
// lines, each answered by one line.
func benchPeer() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var address, path string
		var count, concurrency int
		if _, err := fmt.Sscan(lines.Text(), &address, &path, &count, &concurrency); err != nil {
			panic(err)
		}
		fmt.Println(benchLoad(address, path, count, concurrency))
	}
}

func benchLoad(address, path string, count, concurrency int) error {
	var mu sync.Mutex
	var first error
	take := func() bool {
		mu.Lock()
		defer mu.Unlock()
		count--
		return count >= 0 && first == nil
	}
	var group sync.WaitGroup
	for range concurrency {
		group.Go(func() {
			if err := benchClient(address, path, take); err != nil {
				mu.Lock()
				first = err
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return first
}

func benchClient(address, path string, take func() bool) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	in := bufio.NewReader(c)
	request := fmt.Appendf(nil, benchRequest, path)
	for take() {
		if _, err := c.Write(request); err != nil {
			return err
		}
		if err := benchReadAnswer(in); err != nil {
			return err
		}
	}
	return nil
}

func benchReadAnswer(in *bufio.Reader) error {
	length, chunked := 0, false
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.Contains(line, []byte(" 200 ")) {
			return fmt.Errorf("answer %q", line)
		}
		if len(line) == 2 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
		}
		chunked = chunked || bytes.HasPrefix(line, []byte("Transfer-Encoding: chunked"))
	}
	if !chunked {
		_, err := in.Discard(length)
		return err
	}
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := in.Discard(int(size) + 2); err != nil || size == 0 {
			return err
		}
	}
}

// peerProcess is the peer as the benchmarks see it.
type peerProcess struct {
	b   *testing.B
	in  io.Writer
	out *bufio.Reader
}

func startPeer(b *testing.B) *peerProcess {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchPeerVariable+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	return &peerProcess{b: b, in: in, out: bufio.NewReader(out)}
}

// load sends requests to a server and waits for the answers.
func (p *peerProcess) load(address, path string, count, concurrency int) {
	p.b.Helper()
	fmt.Fprintln(p.in, address, path, count, concurrency)
	answer, err := p.out.ReadString('\n')
	if err != nil || strings.TrimSpace(answer) != "<nil>" {
		p.b.Fatal(answer, err)
	}
}
