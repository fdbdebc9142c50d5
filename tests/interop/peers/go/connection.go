package main

// One connection (section 7): what is heard, answered and refused, and how it ends.

import (
	"fmt"
	"math"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fxamacker/cbor"
)

const (
	ok                = 0
	cancelled         = 1
	unknownStatus     = 2
	invalidArgument   = 3
	deadlineExceeded  = 4
	resourceExhausted = 8
	unimplemented     = 12
	unavailable       = 14
	no                = 0
	maybe             = 1
	yes               = 2
	longestError      = 4096
	mostInvalid       = 16
	discard           = time.Second
	farAway           = math.MaxInt32
	open              = 0
	leaving           = 1 // told goaway
	finishing         = 2 // the input ended
	failed            = 3
	closed            = 4
	writePatience     = 30 * time.Second
)

var (
	inFlight      = setting("IN_FLIGHT", 1000)
	recordSeconds = setting("RECORD_SECONDS", 30)
)

func setting(name string, usual float64) float64 {
	if given, err := strconv.ParseFloat(os.Getenv(name), 64); err == nil {
		return given
	}
	return usual
}

// call is a request in flight. stop ends what it waits for; cause is why, or -1.
type call struct {
	id      uint64
	frame   *frame
	meaning meaning
	expires time.Time
	cause   int
	timers  []*time.Timer
	started bool
}

type connection struct {
	sync.Mutex
	socket                          net.Conn
	both                            bool
	met                             bool
	records                         records
	state                           int
	requests                        map[uint64]*call
	accepted                        []*call
	greeted                         bool
	heard                           bool // a hello
	read, cancels, invalid, strikes int
	lastID                          uint64
	lastPing                        time.Time
	theirMax                        int
	began                           time.Time
	watching                        *time.Timer
}

func newConnection(socket net.Conn, both bool) *connection {
	return &connection{
		socket: socket, both: both, records: records{most: maxFrame},
		requests: map[uint64]*call{}, theirMax: maxFrame,
	}
}

func (c *connection) run() {
	buffer := make([]byte, 1<<16)
	for {
		n, err := c.socket.Read(buffer)
		c.Lock()
		if n > 0 {
			c.hear(buffer[:n])
		}
		if err != nil {
			c.ended()
			c.Unlock()
			return
		}
		c.Unlock()
	}
}

func (c *connection) hear(data []byte) {
	if c.state >= failed {
		return
	}
	now := time.Now()
	began := now
	if !c.began.IsZero() {
		began = c.began
	}
	for _, each := range c.records.feed(data) {
		if c.state == failed {
			return
		}
		c.judge(each, began)
		began = now
	}
	c.watch(len(c.records.rest) > 0 && c.state != failed, began)
	for _, each := range c.accepted {
		c.start(each)
	}
	c.accepted = nil
	c.settle()
}

// watch makes a record that is not finished in time a connection error. C-26
func (c *connection) watch(unfinished bool, began time.Time) {
	if unfinished && began.Equal(c.began) {
		return
	}
	if c.watching != nil {
		c.watching.Stop()
	}
	c.began = time.Time{}
	if unfinished {
		c.began = began
		left := time.Until(began.Add(time.Duration(recordSeconds * float64(time.Second))))
		c.watching = time.AfterFunc(left, func() {
			c.Lock()
			defer c.Unlock()
			if began.Equal(c.began) {
				c.fault(resourceExhausted, "a record took too long")
			}
		})
	}
}

func (c *connection) judge(each item, began time.Time) {
	if c.both && each.data != nil && !beginsLikeFrame(each.data) {
		received(each.data, nil)
		return
	}
	if each.fault != nil {
		c.hearInvalid(each.fault)
		return
	}
	f := each.frame
	if f.kind != ping {
		c.strikes = 0
	}
	if c.both && !c.met && !c.introduces(f) {
		return
	}
	c.greet()
	m := meaningOf(f)
	if len(m.even) > 0 && f.kind > notification { // G-11
		return
	}
	switch f.kind { // others are dropped: G-13
	case request:
		c.hearRequest(f, m, began)
	case notification:
		if len(m.even) == 0 && m.timeout != 0 && f.target.text == "" {
			received(f.payload, f)
		}
	case hello:
		if most, good := readHello(f.payload); good && !c.heard { // C-10
			c.heard, c.theirMax = true, most
		}
	case goaway:
		if c.state == open {
			c.state = leaving
		}
	case cancel:
		c.cancels++
		if c.cancels > c.read {
			c.fault(resourceExhausted, "more cancels than requests")
		} else if found := c.requests[f.id]; found != nil {
			c.stop(found, cancelled)
		}
	case ping:
		c.hearPing(f.id)
	}
}

// introduces says whether a stranger in mode both is accepted: by an envelope or a hello. G-16
func (c *connection) introduces(f *frame) bool {
	if f.kind == notification && f.target.text == "" {
		return true
	}
	if f.kind == hello {
		_, c.met = readHello(f.payload)
	}
	return c.met
}

func (c *connection) hearInvalid(broken *fault) {
	if broken.rule == "S-2" {
		c.fault(resourceExhausted, "a record is too long")
		return
	}
	isRequest := broken.kind == request && broken.id > 0
	if isRequest && c.requests[uint64(broken.id)] != nil {
		c.fault(invalidArgument, "the id of an invalid request is in flight")
		return
	}
	c.invalid++
	if c.invalid == mostInvalid {
		c.fault(invalidArgument, "the 16th invalid record")
	} else if isRequest {
		c.read++
		c.refuse(uint64(broken.id), invalidArgument, "it breaks "+broken.rule, nil)
	}
}

func (c *connection) hearRequest(f *frame, m meaning, began time.Time) {
	if c.requests[f.id] != nil {
		c.fault(invalidArgument, fmt.Sprintf("%d is in flight", f.id))
		return
	}
	c.read++
	expires := time.Now().Add(farAway * time.Second)
	if m.timeout >= 0 && m.timeout < farAway*1e6 {
		expires = began.Add(time.Duration(m.timeout) * time.Microsecond)
	}
	switch {
	case c.state != open:
		c.refuse(f.id, unavailable, "the connection is closing", nil)
	case len(m.even) > 0:
		said := strings.Trim(fmt.Sprint(m.even), "[]")
		c.refuse(f.id, unimplemented, "keys that are not understood: "+said, m.even)
	case m.timeout == 0 || !expires.After(time.Now()):
		c.refuse(f.id, deadlineExceeded, "it is too late", nil)
	case len(c.requests) >= int(inFlight):
		c.refuse(f.id, resourceExhausted, "too many calls", nil)
	default:
		if f.id > c.lastID {
			c.lastID = f.id
		}
		accepted := &call{id: f.id, frame: f, meaning: m, expires: expires, cause: -1}
		c.requests[f.id] = accepted
		c.accepted = append(c.accepted, accepted)
	}
}

func (c *connection) hearPing(id uint64) {
	now := time.Now()
	if !c.lastPing.IsZero() && now.Sub(c.lastPing) < time.Second {
		c.strikes++
	}
	if c.strikes == 3 { // C-15
		c.fault(resourceExhausted, "too many pings")
		return
	}
	c.lastPing = now
	c.say(pong, id, number(0), nil, nil)
}

func (c *connection) start(each *call) {
	if c.state >= failed {
		return
	}
	if each.cause >= 0 {
		c.fail(each, &rpcError{status: each.cause, message: "it was cancelled", executed: no})
		return
	}
	each.started = true
	if each.meaning.timeout >= 0 {
		c.later(each, time.Until(each.expires), func() { c.stop(each, deadlineExceeded) })
	}
	method, served := methods[each.frame.target.text]
	if !served {
		c.fail(each, &rpcError{status: unimplemented, message: "there is no such method", executed: no})
		return
	}
	if said := method(c, each); said != nil {
		c.fail(each, said)
	}
}

// later does something for a call that is still open then.
func (c *connection) later(each *call, wait time.Duration, do func()) {
	each.timers = append(each.timers, time.AfterFunc(wait, func() {
		c.Lock()
		defer c.Unlock()
		if c.requests[each.id] == each {
			do()
		}
	}))
}

// stop ends a handler; its response follows. C-16
func (c *connection) stop(each *call, status int) {
	if each.cause >= 0 {
		return
	}
	each.cause = status
	if each.started {
		c.fail(each, &rpcError{status: status, message: "it was cancelled", executed: maybe})
	}
}

func (c *connection) answer(each *call, payload []byte, format int64) {
	var entries []entry
	if format >= 0 {
		entries = []entry{numbered(9, headOf(0, uint64(format)))}
	}
	data, _ := writeFrame(response, int64(each.id), number(ok), payload, entries)
	if len(data) > c.theirMax {
		c.fail(each, &rpcError{status: resourceExhausted, message: "it is too long", executed: yes})
		return
	}
	c.end(each, data)
}

func (c *connection) fail(each *call, said *rpcError) {
	data, _ := writeFrame(response, int64(each.id), number(int64(said.status)), said.body(), nil)
	c.end(each, data)
}

func (c *connection) end(each *call, data []byte) {
	for _, timer := range each.timers {
		timer.Stop()
	}
	delete(c.requests, each.id)
	c.write(data)
	c.settle()
}

func (c *connection) refuse(id uint64, status int, message string, even []uint64) {
	said := &rpcError{status: status, message: message, executed: no}
	if even != nil {
		said.details = even
	}
	c.say(response, id, number(int64(status)), said.body(), nil)
}

// greet says hello, which is the first thing that is said, and not before a frame was accepted. C-9
func (c *connection) greet() {
	if c.greeted {
		return
	}
	c.greeted = true
	fields, _ := encoder.Marshal(map[int]interface{}{
		0: 2, 1: []int{}, 2: []int{3, 4, 5, 6, 7}, 3: maxFrame, 4: "go",
	})
	c.say(hello, 0, number(0), fields, nil)
}

func (c *connection) say(kind int64, id uint64, target, payload []byte, entries []entry) {
	data, _ := writeFrame(kind, int64(id), target, payload, entries)
	c.write(data)
}

// write gives up a side that does not read. C-26
func (c *connection) write(data []byte) {
	if c.state >= failed {
		return
	}
	c.socket.SetWriteDeadline(time.Now().Add(writePatience))
	if _, err := c.socket.Write(record(data)); err != nil {
		c.abandon()
	}
}

// fault is a connection error. C-20
func (c *connection) fault(status int, text string) {
	if c.state >= failed {
		return
	}
	if c.greeted { // no frame goes to one who has sent none. G-3
		fields, _ := encoder.Marshal(map[int]interface{}{0: c.lastID, 1: status, 2: text})
		c.say(goaway, 0, number(0), fields, nil)
	}
	c.abandon()
	c.state = failed
	c.halfClose()
	time.AfterFunc(discard, func() { c.socket.Close() })
}

func (c *connection) ended() {
	if c.state == failed {
		c.socket.Close()
		return
	}
	if c.state != closed {
		c.state = finishing
		c.watch(false, time.Time{})
		c.settle()
	}
}

func (c *connection) settle() {
	if (c.state != leaving && c.state != finishing) || len(c.requests) > 0 {
		return
	}
	c.state = closed
	c.watch(false, time.Time{})
	c.halfClose()
	time.AfterFunc(discard, func() { c.socket.Close() })
}

func (c *connection) halfClose() {
	if half, can := c.socket.(interface{ CloseWrite() error }); can {
		half.CloseWrite()
	}
}

// abandon ends handlers whose response nobody will read.
func (c *connection) abandon() {
	c.watch(false, time.Time{})
	for _, each := range c.requests {
		for _, timer := range each.timers {
			timer.Stop()
		}
	}
	c.requests = map[uint64]*call{}
}

var encoder, _ = cbor.CoreDetEncOptions().EncMode()

// readHello gives the max frame of a hello that is readable. Of duplicate keys the first counts.
func readHello(payload []byte) (int, bool) {
	r := &reader{data: payload}
	if !r.isOneMap() {
		return 0, false
	}
	r.at = 0
	fields := map[string][]byte{}
	for n := r.head().argument; n > 0; n-- {
		key := r.item()
		if _, there := fields[string(key)]; !there {
			fields[string(key)] = r.item()
		} else {
			r.item()
		}
	}
	_, generation := asUint(fields["\x00"])
	most, length := asUint(fields["\x03"])
	good := generation && length && most >= 65536 && areUints(fields["\x01"]) && areUints(fields["\x02"])
	if said, there := fields["\x04"]; there {
		agent, text := textOf(said)
		good = good && text && len(agent) <= 64
	}
	return int(min(most, max32)), good
}

// item gives the next item as it is encoded.
func (r *reader) item() []byte {
	from := r.at
	r.value(0)
	return r.data[from:r.at]
}

func asUint(item []byte) (uint64, bool) {
	if len(item) == 0 {
		return 0, false
	}
	return uintOf(item)
}

func (r *reader) isOneMap() (is bool) {
	defer func() {
		if recover() != nil {
			is = false
		}
	}()
	isMap := r.peek().major == 5
	r.value(0)
	return isMap && r.at == len(r.data)
}

func areUints(item []byte) bool {
	if len(item) == 0 || item[0]>>5 != 4 {
		return false
	}
	r := &reader{data: item}
	for n := r.head().argument; n > 0; n-- {
		if _, good := uintOf(r.item()); !good {
			return false
		}
	}
	return true
}
