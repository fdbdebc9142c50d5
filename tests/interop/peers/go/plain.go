package main

// Extensions as plain values (section 4.2): a map in CBOR, of which each value is read and written anew. Its
// values may be such as no frame has: negative keys, any depth, numbers under tags 2 and 3.

import (
	"bytes"
	"math"
	"sort"
	"unicode/utf8"
)

type pair struct{ key, value []byte }

// shed is what was left out since it was asked last: parts by key.
var shed = map[uint64]int{}

func count(key uint64, parts int) {
	if parts > 0 {
		shed[key] += parts
	}
}

// caught gives the fault that the function panics with.
func caught(does func()) (broken *fault) {
	defer func() {
		if said := recover(); said != nil {
			found, ok := said.(*fault)
			if !ok {
				panic(said)
			}
			broken = found
		}
	}()
	does()
	return nil
}

// keysOf gives the keys of a map in CBOR, as they are encoded, up to a value that cannot be read.
func keysOf(data []byte) map[string]bool {
	keys := map[string]bool{}
	r := &reader{data: data}
	caught(func() {
		for n := r.head().argument; n > 0; n-- {
			keys[string(r.taken())] = true
			r.taken()
		}
	})
	return keys
}

// pairsOf gives the keys and values of a map in CBOR.
func pairsOf(data []byte) []pair {
	r := &reader{data: data}
	var pairs []pair
	for n := r.head().argument; n > 0; n-- {
		pairs = append(pairs, pair{r.taken(), r.taken()})
	}
	return pairs
}

// taken gives the next item, whatever it is.
func (r *reader) taken() []byte {
	from, left := r.at, uint64(1)
	for ; left > 0; left-- {
		switch h := r.head(); h.major {
		case 2, 3:
			r.need(h.argument <= uint64(len(r.data)-r.at), "F-1", len(r.data))
			r.at += int(h.argument)
		case 4:
			left += h.argument
		case 5:
			left += 2 * h.argument
		case 6:
			left++
		}
	}
	return r.data[from:r.at]
}

// plainEntries judges the values in their order and gives what is written of them: nothing of those that are
// given as encoded bytes too. E-9, E-11, E-12, E-14
func plainEntries(values []byte, replaced map[string]bool) (entries []entry, broken *fault) {
	if len(values) == 0 {
		return nil, nil
	}
	broken = caught(func() {
		for _, each := range pairsOf(values) {
			key := keyOf(each.key)
			switch replaced := replaced[string(each.key)]; {
			case !key.isText && (key.number == 1 || key.number == 3):
				panic(&fault{rule: "U-1"})
			case replaced:
			case !key.isText && key.number == 5:
				entries = append(entries, baggageOf(each.value)...)
			case !key.isText && key.number == 13: // only a context is a creation
				count(13, 1)
			default:
				item := written(&reader{data: each.value}, 0)
				checkUsable(key, item)
				entries = append(entries, entry{key: key, encoded: each.key, item: item})
			}
		}
	})
	return entries, broken
}

func keyOf(item []byte) name {
	r := &reader{data: item}
	switch h := r.head(); h.major {
	case 0:
		r.need(h.argument >= 1 && h.argument <= max32, "X-5", 0)
		return name{number: h.argument}
	case 3:
		r.need(h.argument >= 1 && h.argument <= 64, "X-6", 0)
		r.need(utf8.Valid(item[r.at:]), "F-16", 0)
		return name{text: string(item[r.at:]), isText: true}
	case 1, 6:
		panic(&fault{rule: "X-5"})
	}
	panic(&fault{rule: "X-4"})
}

func checkUsable(key name, item []byte) {
	if key.isText {
		return
	}
	number, isUint := uintOf(item)
	switch {
	case key.number == 7 && !isUint:
		panic(&fault{rule: "U-4"})
	case key.number == 9 && (!isUint || number > 65535):
		panic(&fault{rule: "U-5"})
	case key.number == 11 && fanoutOf(item) == nil:
		panic(&fault{rule: "U-6"})
	}
}

// written gives the next value as a frame has it, or panics with the rule that it breaks.
func written(r *reader, depth int) []byte {
	h := r.peek()
	switch h.major {
	case 0, 1:
		return r.taken()
	case 2:
		return bytesItem(r.str(2, "X-8", 0, math.MaxUint64))
	case 3:
		return textItem(r.text("X-8", 0, math.MaxUint64))
	case 4:
		r.head()
		r.need(depth < 16, "X-9", 0)
		item := headOf(4, h.argument)
		for n := h.argument; n > 0; n-- {
			item = append(item, written(r, depth+1)...)
		}
		return item
	case 5:
		r.need(depth < 16, "X-9", 0)
		return writtenMap(r, depth)
	case 6:
		return wholeNumber(r)
	}
	item := r.taken()
	r.need(item[0] >= 0xf4 && item[0] <= 0xf6, "X-8", 0)
	return item
}

// writtenMap keeps the first of duplicate keys, and writes them in bytewise order. E-8, X-12
func writtenMap(r *reader, depth int) []byte {
	var pairs []pair
	for n := r.head().argument; n > 0; n-- {
		major := r.peek().major
		r.need(major == 0 || major == 3, "X-10", 0)
		pairs = append(pairs, pair{written(r, 0), written(r, depth+1)})
	}
	return mapItem(inOrder(pairs))
}

// inOrder gives the first pair of each key, by their encoded keys.
func inOrder(pairs []pair) []pair {
	sort.SliceStable(pairs, func(a, b int) bool { return bytes.Compare(pairs[a].key, pairs[b].key) < 0 })
	var kept []pair
	for n, each := range pairs {
		if n == 0 || !bytes.Equal(pairs[n-1].key, each.key) {
			kept = append(kept, each)
		}
	}
	return kept
}

func mapItem(pairs []pair) []byte {
	item := headOf(5, uint64(len(pairs)))
	for _, each := range pairs {
		item = append(append(item, each.key...), each.value...)
	}
	return item
}

// wholeNumber reads tags 2 and 3: what has more than 64 bits is no value of a frame.
func wholeNumber(r *reader) []byte {
	sign := r.head().argument
	r.need(sign == 2 || sign == 3, "X-8", 0)
	digits := bytes.TrimLeft(r.str(2, "X-8", 0, math.MaxUint64), "\x00")
	r.need(len(digits) <= 8, "X-8", 0)
	var number uint64
	for _, each := range digits {
		number = number<<8 | uint64(each)
	}
	return headOf(byte(sign-2), number)
}

// baggageOf gives the entry for what may be written of a baggage, or none. E-3
func baggageOf(value []byte) []entry {
	if value[0]>>5 != 5 {
		count(5, 1)
		return nil
	}
	given := pairsOf(value)
	var kept []pair
	for _, each := range given {
		if contentOf(each.key) != nil && contentOf(each.value) != nil && len(contentOf(each.key)) > 0 {
			kept = append(kept, each)
		}
	}
	kept = inOrder(kept)
	for sizeOf(kept) > 8192 {
		kept = withoutLargest(kept)
	}
	if len(kept) > 64 {
		kept = kept[:64]
	}
	count(5, len(given)-len(kept))
	return baggageEntry(kept)
}

func baggageEntry(pairs []pair) []entry {
	if len(pairs) == 0 {
		return nil
	}
	return []entry{numbered(5, mapItem(pairs))}
}

// contentOf gives the bytes of a text, nil for anything else.
func contentOf(item []byte) []byte {
	if item[0]>>5 != 3 {
		return nil
	}
	r := &reader{data: item}
	if content := r.str(3, "X-8", 0, math.MaxUint64); utf8.Valid(content) {
		return content
	}
	return nil
}

func sizeOf(pairs []pair) int {
	size := 0
	for _, each := range pairs {
		size += len(contentOf(each.key)) + len(contentOf(each.value))
	}
	return size
}

// withoutLargest leaves out, of equally large pairs, the last.
func withoutLargest(pairs []pair) []pair {
	at := 0
	for n := range pairs {
		if sizeOf(pairs[n:n+1]) >= sizeOf(pairs[at:at+1]) {
			at = n
		}
	}
	return append(append([]pair{}, pairs[:at]...), pairs[at+1:]...)
}
