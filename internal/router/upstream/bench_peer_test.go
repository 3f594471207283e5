package upstream

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
	"time"
)

// benchPeerVariable makes the test binary a peer of the benchmarks: the client
// in front of a proxy and the provider behind it. They run in a process of their
// own, so that what the benchmark's process uses is the proxy's alone.
const benchPeerVariable = "TIERSHIFT_BENCH_PEER"

// benchHoldPath is answered by one event and no end.
const benchHoldPath = "/v1/hold"

// benchEvents is the length of a stream, benchPause the time between its events.
const (
	benchEvents = 50
	benchPause  = time.Millisecond
)

var benchRequest = func() []byte {
	prompt := strings.Repeat("Summarise the ticket below in one sentence. ", 44)
	body := `{"model":"auto","messages":[{"role":"user","content":"` + prompt + `"}],"max_tokens":200}`
	return []byte(body + strings.Repeat(" ", 2048-len(body)))
}()

var benchHead = "Date: Mon, 02 Mar 2026 10:00:00 GMT\r\nOpenai-Organization: org-0123456789abcdef\r\n" +
	"Openai-Processing-Ms: 412\r\nOpenai-Version: 2020-10-01\r\nX-Ratelimit-Limit-Requests: 10000\r\n" +
	"X-Ratelimit-Limit-Tokens: 30000000\r\nX-Ratelimit-Remaining-Requests: 9999\r\n" +
	"X-Ratelimit-Remaining-Tokens: 29999500\r\nX-Request-Id: req_0123456789abcdef0123456789abcdef\r\n" +
	"Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\nServer: bench\r\n"

// benchPeer serves as the provider, and sends requests as its input says:
// "address path count concurrency" lines, each answered by one line.
func benchPeer() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go benchProvider(c)
		}
	}()
	fmt.Println(listener.Addr())
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

func benchProvider(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	answer := bytes.Repeat([]byte("a"), 800)
	event := "data: {\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"m\"," +
		"\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n"
	chunk := []byte(fmt.Sprintf("%x\r\n%s\r\n", len(event), event))
	for {
		start, err := benchReadMessage(in)
		if err != nil {
			return
		}
		switch {
		case strings.Contains(start, benchHoldPath):
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n%s", benchHead, chunk)
			continue
		case !strings.Contains(start, "stream"):
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", benchHead, len(answer), answer)
			continue
		}
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n%sTransfer-Encoding: chunked\r\n\r\n", benchHead)
		for range benchEvents {
			time.Sleep(benchPause)
			if _, err := c.Write(chunk); err != nil {
				return
			}
		}
		if _, err := io.WriteString(c, "0\r\n\r\n"); err != nil {
			return
		}
	}
}

// benchReadMessage reads a request or a response and returns its first line.
func benchReadMessage(in *bufio.Reader) (start string, err error) {
	length, chunked := 0, false
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if first {
			start = string(line)
		}
		lower := bytes.ToLower(bytes.TrimSpace(line))
		if len(lower) == 0 {
			break
		}
		if v, ok := bytes.CutPrefix(lower, []byte("content-length: ")); ok {
			length, _ = strconv.Atoi(string(v))
		}
		chunked = chunked || bytes.Equal(lower, []byte("transfer-encoding: chunked"))
	}
	if !chunked {
		_, err = in.Discard(length)
		return start, err
	}
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return "", err
		}
		if _, err := in.Discard(int(size) + 2); err != nil || size == 0 {
			return start, err
		}
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
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: proxy\r\nAuthorization: Bearer sk-0123456789abcdef\r\n"+
		"Content-Type: application/json\r\nUser-Agent: OpenAI/Python 1.99.0\r\nAccept: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", path, len(benchRequest), benchRequest)
	for take() {
		if _, err := c.Write(request); err != nil {
			return err
		}
		start, err := benchReadMessage(in)
		if err != nil {
			return err
		}
		if !strings.Contains(start, " 200 ") {
			return fmt.Errorf("answer %q", start)
		}
	}
	return nil
}

// peerProcess is the peer as the benchmarks see it.
type peerProcess struct {
	b        *testing.B
	provider string
	in       io.Writer
	out      *bufio.Reader
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
	p := &peerProcess{b: b, in: in, out: bufio.NewReader(out)}
	p.provider = p.line()
	return p
}

func (p *peerProcess) line() string {
	p.b.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// load sends requests to a proxy and waits for the answers.
func (p *peerProcess) load(address, path string, count, concurrency int) {
	p.b.Helper()
	fmt.Fprintln(p.in, address, path, count, concurrency)
	if answer := p.line(); answer != "<nil>" {
		p.b.Fatal(answer)
	}
}
