package main

// A strict reader of frames: section 2.1 of the specification, question by question.

import (
	"bytes"
	"encoding/binary"
	"math"
	"unicode/utf8"
)

const (
	request = iota
	response
	notification
	hello
	goaway
	cancel
	ping
	pong
)

const max32 = 1<<32 - 1

var tag = []byte{0xd9, 0xd4, 0xf7}

// fault is the rule that a frame breaks and where; kind and id are -1 where they were not read.
type fault struct {
	rule   string
	offset int
	kind   int64
	id     int64
}

func (f *fault) Error() string { return f.rule }

// name is a target or an extension key: text, or a number.
type name struct {
	text   string
	number uint64
	isText bool
}

type entry struct {
	key     name
	at      int
	encoded []byte
	item    []byte
}

// frame has its extensions as they are encoded; base is the length of what comes before them.
type frame struct {
	kind    uint64
	id      uint64
	target  name
	payload []byte
	entries []entry
	base    int
	keys    []byte
}

type head struct {
	at       int
	major    byte
	argument uint64
}

type reader struct {
	data []byte
	at   int
	kind int64
	id   int64
}

// readFrame gives the frame or its fault.
func readFrame(data []byte) (read *frame, broken *fault) {
	r := &reader{data: data, kind: -1, id: -1}
	defer func() {
		if said := recover(); said != nil {
			found, ok := said.(*fault)
			if !ok {
				panic(said)
			}
			found.kind, found.id = r.kind, r.id
			read, broken = nil, found
		}
	}()
	return r.frame(), nil
}

func (r *reader) need(good bool, rule string, at int) {
	if !good {
		panic(&fault{rule: rule, offset: at})
	}
}

func (r *reader) frame() *frame {
	for n, each := range tag {
		r.need(n < len(r.data), "F-1", len(r.data))
		r.need(r.data[n] == each, "F-5", 0)
	}
	r.at = len(tag)
	length := r.head()
	r.need(length.major == 4 && (length.argument == 4 || length.argument == 5), "F-6", length.at)
	f := &frame{}
	f.kind = r.uint("F-7", 65535)
	r.kind = int64(f.kind)
	f.id = r.frameID(f.kind)
	r.id = int64(f.id)
	f.target = r.target(f.kind)
	f.payload = r.str(2, "F-17", 0, math.MaxUint64)
	f.base = r.at
	if length.argument == 5 {
		f.entries = r.extensions()
	}
	r.need(r.at == len(r.data), "F-18", r.at)
	f.keys = r.data[f.base:]
	return f
}

func (r *reader) frameID(kind uint64) uint64 {
	at := r.at
	id := r.uint("F-8", max32)
	switch kind {
	case request, response, cancel, ping, pong:
		r.need(id != 0, "F-9", at)
	case notification, hello, goaway:
		r.need(id == 0, "F-10", at)
	}
	return id
}

func (r *reader) target(kind uint64) name {
	switch {
	case kind == request:
		return name{text: r.text("F-11", 1, 255), isText: true}
	case kind == notification:
		return name{text: r.text("F-12", 0, 255), isText: true}
	case kind == response:
		return name{number: r.uint("F-13", max32)}
	case kind <= pong:
		return name{number: r.uint("F-14", 0)}
	case r.peek().major == 3:
		return name{text: r.text("F-15", 0, 255), isText: true}
	}
	return name{number: r.uint("F-15", max32)}
}

func (r *reader) extensions() []entry {
	start := r.head()
	r.need(start.major == 5, "X-1", start.at)
	r.need(start.argument >= 1 && start.argument <= 64, "X-2", start.at)
	var entries []entry
	for n := uint64(0); n < start.argument; n++ {
		next := r.entry()
		if n > 0 {
			r.need(bytes.Compare(entries[n-1].encoded, next.encoded) < 0, "X-7", next.at)
		}
		from := r.at
		r.value(0)
		next.item = r.data[from:r.at]
		entries = append(entries, next)
		r.need(r.at-start.at <= 16384, "X-3", start.at)
	}
	return entries
}

func (r *reader) entry() entry {
	next := r.peek()
	r.need(next.major == 0 || next.major == 3, "X-4", next.at)
	found := entry{at: next.at}
	if next.major == 0 {
		r.need(next.argument >= 1 && next.argument <= max32, "X-5", next.at)
		found.key = name{number: r.head().argument}
	} else {
		found.key = name{text: r.text("X-6", 1, 64), isText: true}
	}
	found.encoded = r.data[next.at:r.at]
	return found
}

func (r *reader) value(depth int) {
	next := r.peek()
	switch next.major {
	case 0, 1:
		r.head()
	case 2:
		r.str(2, "X-8", 0, math.MaxUint64)
	case 3:
		r.text("X-8", 0, math.MaxUint64)
	case 4, 5:
		r.head()
		r.need(depth < 16, "X-9", next.at)
		for n := uint64(0); n < next.argument; n++ {
			if next.major == 5 {
				key := r.peek()
				r.need(key.major == 0 || key.major == 3, "X-10", key.at)
				r.value(0)
			}
			r.value(depth + 1)
		}
	default:
		r.head()
		b := r.data[next.at]
		r.need(b >= 0xf4 && b <= 0xf6, "X-8", next.at)
	}
}

func (r *reader) uint(rule string, most uint64) uint64 {
	h := r.head()
	r.need(h.major == 0 && h.argument <= most, rule, h.at)
	return h.argument
}

func (r *reader) text(rule string, least, most uint64) string {
	at := r.at
	content := r.str(3, rule, least, most)
	r.need(utf8.Valid(content), "F-16", at)
	return string(content)
}

func (r *reader) str(major byte, rule string, least, most uint64) []byte {
	h := r.head()
	r.need(h.major == major && h.argument >= least && h.argument <= most, rule, h.at)
	r.need(h.argument <= uint64(len(r.data)-r.at), "F-1", len(r.data))
	content := r.data[r.at : r.at+int(h.argument)]
	r.at += int(h.argument)
	return content
}

// peek gives the next head, which stays to be read.
func (r *reader) peek() head {
	at := r.at
	h := r.head()
	r.at = at
	return h
}

func (r *reader) head() head {
	at := r.at
	r.need(at < len(r.data), "F-1", len(r.data))
	h := head{at: at, major: r.data[at] >> 5, argument: uint64(r.data[at] & 31)}
	info := h.argument
	isLength := h.major >= 2 && h.major <= 5
	r.need(info < 28 || (info == 31 && isLength), "F-2", at)
	r.need(info < 28, "F-3", at)
	size := 0
	if info >= 24 {
		size = 1 << (info - 24)
		r.need(len(r.data)-at-1 >= size, "F-1", len(r.data))
		var wide [8]byte
		copy(wide[8-size:], r.data[at+1:at+1+size])
		h.argument = binary.BigEndian.Uint64(wide[:])
		r.need(h.major != 7 || size != 1 || h.argument >= 32, "F-2", at)
		least := map[int]uint64{1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[size]
		r.need(h.major == 7 || h.argument >= least, "F-4", at)
	}
	r.at = at + 1 + size
	return h
}
