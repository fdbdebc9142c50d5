package main

// Encoding (section 4): frames, what is shed where context does not fit, restamp and strip.

import (
	"bytes"
	"encoding/binary"
	"sort"
	"strings"
)

func headOf(major byte, argument uint64) []byte {
	if argument < 24 {
		return []byte{major<<5 | byte(argument)}
	}
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], argument)
	for code, size := range []int{1, 2, 4, 8} {
		if size == 8 || argument < 1<<(8*size) {
			return append([]byte{major<<5 | byte(24+code)}, wide[8-size:]...)
		}
	}
	return nil
}

func number(n int64) []byte {
	if n < 0 {
		return headOf(1, uint64(-1-n))
	}
	return headOf(0, uint64(n))
}

func textItem(text string) []byte { return append(headOf(3, uint64(len(text))), text...) }

func bytesItem(b []byte) []byte { return append(headOf(2, uint64(len(b))), b...) }

func baseFrame(kind, id int64, target []byte, payload []byte) []byte {
	start := append(append([]byte{}, tag...), 0x84)
	return bytes.Join([][]byte{start, number(kind), number(id), target, bytesItem(payload)}, nil)
}

// writeFrame gives the frame, or the fault of what makes none.
func writeFrame(kind, id int64, target, payload []byte, entries []entry) ([]byte, *fault) {
	data := withEntries(baseFrame(kind, id, target, payload), entries)
	_, broken := readFrame(data)
	return data, broken
}

func withEntries(base []byte, entries []entry) []byte {
	if len(entries) == 0 {
		return base
	}
	sort.Slice(entries, func(a, b int) bool { return bytes.Compare(entries[a].encoded, entries[b].encoded) < 0 })
	data := append(append([]byte{}, base...), headOf(5, uint64(len(entries)))...)
	for _, each := range entries {
		data = append(append(data, each.encoded...), each.item...)
	}
	data[3] = 0x85
	return data
}

func numbered(key uint64, item []byte) entry {
	return entry{key: name{number: key}, encoded: headOf(0, key), item: item}
}

func contextItem(c *context) []byte {
	return bytesItem(bytes.Join([][]byte{{0, 0}, c.id, {1}, c.parent, {2, c.flags}}, nil))
}

func traceEntries(t trace) []entry {
	if t.context == nil {
		if t.decided {
			return []entry{numbered(1, []byte{0xf4})}
		}
		return nil
	}
	entries := []entry{numbered(1, contextItem(t.context))}
	members := fitState(strings.Split(t.state, ","))
	if t.state != "" {
		count(3, strings.Count(t.state, ",")+1-len(members))
	}
	if len(members) > 0 {
		entries = append(entries, numbered(3, textItem(strings.Join(members, ","))))
	}
	return entries
}

// E-2
func fitState(members []string) []string {
	var kept []string
	for _, member := range members {
		if member != "" && strings.IndexFunc(member, func(c rune) bool { return c < 0x20 || c > 0x7e }) < 0 {
			kept = append(kept, member)
		}
	}
	for len(kept) > 32 || len(strings.Join(kept, ",")) > 512 {
		kept = withoutOne(kept)
	}
	return kept
}

func withoutOne(members []string) []string {
	at := len(members) - 1
	for n := len(members) - 1; n >= 0; n-- {
		if len(members[n]) > 128 {
			at = n
			break
		}
	}
	return append(append([]string{}, members[:at]...), members[at+1:]...)
}

func isTooBig(entries []entry) bool { return len(entries) > 64 || mapSize(entries) > 16384 }

func mapSize(entries []entry) int {
	size := len(headOf(5, uint64(len(entries))))
	for _, each := range entries {
		size += len(each.encoded) + len(each.item)
	}
	return size
}

// itemOf gives the value of a numbered key, nil where it is not there.
func itemOf(entries []entry, key uint64) []byte {
	for _, each := range entries {
		if !each.key.isText && each.key.number == key {
			return each.item
		}
	}
	return nil
}

func without(entries []entry, key uint64) []entry {
	var kept []entry
	for _, each := range entries {
		if each.key.isText || each.key.number != key {
			kept = append(kept, each)
		}
	}
	return kept
}

// withoutDrawn leaves out a usable fanout that has no third element: it goes with its trace.
func withoutDrawn(entries []entry) []entry {
	for _, each := range entries {
		if !each.key.isText && each.key.number == 11 && len(fanoutOf(each.item)) == 2 {
			return without(entries, 11)
		}
	}
	return entries
}

// fitMap sheds what does not fit: a state that is not given as encoded member by member. E-5
func fitMap(entries []entry, t trace, given map[uint64]bool) []entry {
	members := fitState(strings.Split(t.state, ","))
	for isTooBig(entries) {
		long := mapSize(entries) > 16384
		if !given[1] && !given[3] && t.context != nil && len(members) > 0 {
			members = withoutOne(members)
			count(3, 1)
			entries = without(entries, 3)
			if len(members) > 0 {
				entries = append(entries, numbered(3, textItem(strings.Join(members, ","))))
			}
			continue
		}
		if baggage := itemOf(entries, 5); baggage != nil && itemOf(entries, 3) == nil && !given[5] {
			pairs := pairsOf(baggage)
			if long {
				pairs = withoutLargest(pairs)
			} else {
				pairs = pairs[:len(pairs)-1]
			}
			count(5, 1)
			entries = append(without(entries, 5), baggageEntry(pairs)...)
			continue
		}
		before := len(entries)
		for _, key := range []uint64{3, 5, 13, 1} {
			if kept := without(entries, key); len(kept) < len(entries) {
				entries = kept
				count(key, 1)
				if key == 1 { // E-13
					entries = withoutDrawn(entries)
					count(11, len(kept)-len(entries))
				}
				break
			}
		}
		if len(entries) == before { // E-6
			return entries
		}
	}
	return entries
}

func restamp(data []byte, t trace) ([]byte, *fault) {
	f, broken := readFrame(data)
	if broken != nil || f.kind > notification { // L-3
		return data, broken
	}
	others := without(without(f.entries, 1), 3)
	before := meaningOf(f).trace.context
	if before == nil || t.context == nil || !bytes.Equal(before.id, t.context.id) { // L-6
		others = withoutDrawn(others)
	}
	stamp := traceEntries(t)
	for len(stamp) == 2 && isTooBig(together(others, stamp)) { // L-2
		count(3, 1)
		t.state = strings.Join(withoutOne(fitState(strings.Split(t.state, ","))), ",")
		stamp = traceEntries(t)
	}
	if isTooBig(together(others, stamp)) {
		count(1, 1)
		return data, nil
	}
	return withEntries(baseOf(data, f), together(others, stamp)), nil
}

func together(one, two []entry) []entry {
	return append(append([]entry{}, one...), two...)
}

func strip(data []byte) ([]byte, *fault) {
	f, broken := readFrame(data)
	if broken != nil {
		return nil, broken
	}
	for _, each := range f.entries {
		if !each.key.isText && each.key.number%2 == 0 { // L-4
			return nil, &fault{rule: "X-11", offset: each.at}
		}
	}
	return baseOf(data, f), nil
}

func baseOf(data []byte, f *frame) []byte {
	base := append([]byte{}, data[:f.base]...)
	base[3] = 0x84
	return base
}
