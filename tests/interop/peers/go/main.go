// A generation 2 peer on fxamacker/cbor, written from the specification alone.
//
//	peer testee
//	peer oracle
//	peer bodies
//	peer [both] URL
//
// The last listens on tcp://host:port, unix:///path or a bare path, and serves tracewire.echo,
// tracewire.sleep and tracewire.fail. For its lines on stdin and stdout see ../README.md.
// RECORD_SECONDS and IN_FLIGHT change its limits.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
)

var speaking sync.Mutex

func say(words ...string) {
	speaking.Lock()
	defer speaking.Unlock()
	fmt.Println(strings.Join(words, " "))
}

func main() {
	if os.Args[1] == "testee" {
		testee()
		return
	}
	filters := map[string]func() error{"oracle": oracle, "bodies": bodies}
	if run, known := filters[os.Args[1]]; known {
		if err := run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	url := os.Args[len(os.Args)-1]
	network, address := "unix", strings.TrimPrefix(url, "unix://")
	if strings.HasPrefix(url, "tcp://") {
		network, address = "tcp", strings.TrimPrefix(url, "tcp://")
	}
	listening, err := net.Listen(network, address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if network == "tcp" {
		url = "tcp://" + listening.Addr().String()
	}
	say("listening", url)
	go accept(listening, os.Args[1] == "both")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) == 5 && words[0] == "send" {
			send(words[1], words[2], words[3], words[4])
		}
	}
}

func accept(listening net.Listener, both bool) {
	for {
		socket, err := listening.Accept()
		if err != nil {
			return
		}
		go newConnection(socket, both).run()
	}
}

// received tells of a bare message, or of an envelope.
func received(body []byte, f *frame) {
	if f == nil {
		say("received", "bare", told(body), "none")
		return
	}
	say("received", "framed", told(body), meaningOf(f).trace.String())
}

func send(to, dialect, body, word string) {
	message := given(body)
	if dialect == "framed" {
		message, _ = writeFrame(notification, 0, textItem(""), message, traceEntries(traceOf(word, "")))
	}
	socket, err := net.Dial("unix", to)
	if err != nil {
		say("dropped", "cannot-connect")
		return
	}
	defer socket.Close()
	socket.Write(record(message))
	say("sent", body)
}
