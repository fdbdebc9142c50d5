package main

// What extensions mean: usable values (section 3.5), and the three states of a trace (section 4.1).

import (
	"encoding/hex"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor"
)

type trace struct {
	decided bool // and not sampled, where there is no context
	context *context
	state   string
}

type context struct {
	id, parent []byte
	flags      byte
}

// meaning has -1 for a timeout or a format that is not there.
type meaning struct {
	trace    trace
	timeout  int64
	format   int64
	unusable []int
	even     []uint64
}

// Duplicate keys are allowed inside of values: of baggage they are looked for by hand.
var values, _ = cbor.DecOptions{MaxNestedLevels: 64}.DecMode()

func meaningOf(f *frame) meaning {
	m := meaning{timeout: -1, format: -1}
	items := map[uint64][]byte{}
	for _, each := range f.entries {
		if each.key.isText {
			continue
		}
		items[each.key.number] = each.item
		if each.key.number%2 == 0 {
			m.even = append(m.even, each.key.number)
		}
	}
	usable := map[uint64]func([]byte) bool{
		1: func(item []byte) bool { return m.readTrace(item) },
		5: isBaggage,
		7: func(item []byte) bool {
			number, ok := uintOf(item)
			m.timeout = int64(min(number, 1<<47))
			return ok
		},
		9: func(item []byte) bool {
			number, ok := uintOf(item)
			m.format = int64(number & 0xffff)
			return ok && number <= 65535
		},
		11: func(item []byte) bool { return fanoutOf(item) != nil },
		13: func(item []byte) bool { return contextOf(item) != nil },
	}
	for key, check := range usable {
		if item, there := items[key]; there && !check(item) {
			m.unusable = append(m.unusable, int(key))
		}
	}
	if state, there := items[3]; there && !m.readState(state) {
		m.unusable = append(m.unusable, 3)
	}
	sort.Ints(m.unusable)
	for _, key := range m.unusable {
		if key == 7 {
			m.timeout = -1
		} else if key == 9 {
			m.format = -1
		}
	}
	return m
}

func (m *meaning) readTrace(item []byte) bool {
	if len(item) == 1 && item[0] == 0xf4 {
		m.trace.decided = true
		return true
	}
	m.trace.context = contextOf(item)
	return m.trace.context != nil
}

func (m *meaning) readState(item []byte) bool {
	state, ok := textOf(item)
	if !ok || m.trace.context == nil || len(state) < 1 || len(state) > 512 || strings.Count(state, ",") > 31 {
		return false
	}
	for _, char := range []byte(state) {
		if char < 0x20 || char > 0x7e {
			return false
		}
	}
	m.trace.state = state
	return true
}

func contextOf(item []byte) *context {
	if item[0]>>5 != 2 {
		return nil
	}
	var b []byte
	if values.Unmarshal(item, &b) != nil || len(b) < 29 || b[0] == 255 || (b[0] == 0 && len(b) > 29) {
		return nil
	}
	if b[1] != 0 || b[18] != 1 || b[27] != 2 || isZero(b[2:18]) || isZero(b[19:27]) {
		return nil
	}
	return &context{id: b[2:18], parent: b[19:27], flags: b[28]}
}

func isZero(b []byte) bool {
	for _, each := range b {
		if each != 0 {
			return false
		}
	}
	return true
}

func uintOf(item []byte) (uint64, bool) {
	if item[0]>>5 != 0 {
		return 0, false
	}
	r := &reader{data: item}
	return r.head().argument, true
}

func textOf(item []byte) (string, bool) {
	if item[0]>>5 != 3 {
		return "", false
	}
	r := &reader{data: item}
	return r.text("X-8", 0, max32), true
}

// fanoutOf gives what is read of a usable fanout, two or three numbers, or nil.
func fanoutOf(item []byte) []uint64 {
	if item[0]>>5 != 4 {
		return nil
	}
	r := &reader{data: item}
	length := r.head().argument
	var read []uint64
	for n := uint64(0); n < length && n < 3; n++ {
		from := r.at
		r.value(0)
		number, ok := uintOf(item[from:r.at])
		if !ok || number < 1 {
			return nil
		}
		read = append(read, number)
	}
	if len(read) < 2 || read[1] > read[0] {
		return nil
	}
	return read
}

func isBaggage(item []byte) bool {
	if item[0]>>5 != 5 {
		return false
	}
	r := &reader{data: item}
	length := r.head().argument
	if length > 64 {
		return false
	}
	size, keys := 0, map[string]bool{}
	for n := uint64(0); n < length; n++ {
		for part := 0; part < 2; part++ {
			from := r.at
			r.value(0)
			text, ok := textOf(item[from:r.at])
			if !ok {
				return false
			}
			size += len(text)
			if part == 0 {
				if text == "" || keys[text] {
					return false
				}
				keys[text] = true
			}
		}
	}
	return size <= 8192
}

func (t trace) String() string {
	switch {
	case t.context != nil:
		c := t.context
		return fmt.Sprintf("00-%x-%x-%02x", c.id, c.parent, c.flags)
	case t.decided:
		return "not-sampled"
	}
	return "undecided"
}

// traceOf reads the word for a trace, and its state.
func traceOf(word, state string) trace {
	parts := strings.Split(word, "-")
	if len(parts) != 4 {
		return trace{decided: word == "not-sampled"}
	}
	id, _ := hex.DecodeString(parts[1])
	parent, _ := hex.DecodeString(parts[2])
	flags, _ := strconv.ParseUint(parts[3], 16, 8)
	return trace{context: &context{id, parent, byte(flags)}, state: state}
}

func min(a, b uint64) uint64 {
	if a < b {
		return a
	}
	return b
}
