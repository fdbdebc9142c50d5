package main

// A codec testee of generation 2; spec/testee.md says what is asked and answered.

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
)

func given(word string) []byte {
	data, _ := hex.DecodeString(strings.TrimPrefix(word, "-"))
	return data
}

func told(data []byte) string {
	if len(data) == 0 {
		return "-"
	}
	return hex.EncodeToString(data)
}

func (f *fault) in(form string) string { return fmt.Sprintf(form, f.rule, f.offset) }

func frameOr(data []byte, broken *fault) string {
	if broken != nil {
		return broken.in("invalid %s %d")
	}
	return "frame " + told(data)
}

func decoded(data []byte) string {
	f, broken := readFrame(data)
	if broken != nil {
		return broken.in("invalid %s %d")
	}
	target := strconv.FormatUint(f.target.number, 10)
	if f.target.isText {
		target = "t" + hex.EncodeToString([]byte(f.target.text))
	}
	return fmt.Sprintf("valid %d %d %s %s %s", f.kind, f.id, target, told(f.payload), told(f.keys))
}

// encoded is asked with values and a creation that are given plain, before the last word.
func encoded(w []string) string {
	kind, _ := strconv.ParseInt(w[0], 10, 64)
	id, _ := strconv.ParseInt(w[1], 10, 64)
	var target []byte
	if strings.HasPrefix(w[2], "t") {
		target = textItem(string(given(w[2][1:])))
	} else {
		n, _ := strconv.ParseInt(w[2], 10, 64)
		target = number(n)
	}
	t := traceOf(w[4], string(given(w[5])))
	if _, broken := writeFrame(kind, id, target, given(w[3]), nil); broken != nil { // the first to be named: E-14
		return "refused " + broken.rule
	}
	raw := w[8]
	entries, broken := plainEntries(given(w[7]), keysOf(given(raw)))
	if broken != nil {
		return "refused " + broken.rule
	}
	has := map[uint64]bool{}
	if raw != "-" {
		f, broken := readFrame(given("d9d4f7850001616140" + raw))
		if broken != nil {
			return "refused " + broken.rule
		}
		entries = append(entries, f.entries...)
		for _, each := range f.entries {
			has[each.key.number] = has[each.key.number] || !each.key.isText
		}
	}
	if created := traceOf(w[6], ""); created.context != nil && !has[13] {
		entries = append(entries, numbered(13, contextItem(created.context)))
	}
	if has[3] { // E-11
		t.state = ""
	}
	if !has[1] {
		entries = append(entries, traceEntries(t)...)
	}
	data, broken := writeFrame(kind, id, target, given(w[3]), fitMap(entries, t, has))
	if broken != nil {
		return "refused " + broken.rule
	}
	return "frame " + told(data)
}

func meant(data []byte) string {
	f, broken := readFrame(data)
	if broken != nil {
		return broken.in("invalid %s %d")
	}
	m := meaningOf(f)
	unusable := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(m.unusable)), ","), "[]")
	if unusable == "" {
		unusable = "-"
	}
	return fmt.Sprintf("meaning %s %s %s", m.trace, told([]byte(m.trace.state)), unusable)
}

func beginsLikeFrame(data []byte) bool {
	return len(data) >= 4 && string(data[:3]) == string(tag) && (data[3] == 0x84 || data[3] == 0x85)
}

func unwrapped(mode, understood string, data []byte) string {
	if mode == "bare" || (mode == "both" && !beginsLikeFrame(data)) {
		return "bare " + told(data)
	}
	f, broken := readFrame(data)
	switch {
	case broken != nil:
		return broken.in("invalid %s %d")
	case f.kind != notification:
		return "invalid M-3 4"
	case f.target.text != "":
		return "invalid M-3 6"
	}
	known := "," + understood + ","
	for _, each := range f.entries {
		key := each.key.number
		if !each.key.isText && key%2 == 0 && !strings.Contains(known, fmt.Sprintf(",%d,", key)) {
			return fmt.Sprintf("invalid X-11 %d", each.at)
		}
	}
	return fmt.Sprintf("envelope %s %s", told(f.payload), told(f.keys))
}

func streamed(most string, pieces []string) string {
	limit, _ := strconv.Atoi(most)
	r := &records{most: limit}
	said := []string{"items"}
	for _, piece := range pieces {
		for _, each := range r.feed(given(piece)) {
			if each.fault != nil {
				said = append(said, each.fault.in("!%s@%d"))
			} else {
				said = append(said, told(each.data))
			}
		}
	}
	if end := r.end(); end != nil {
		return strings.Join(append(said, end.in("!%s@%d")), " ")
	}
	return strings.Join(append(said, "end"), " ")
}

func answer(words []string) string {
	switch {
	case words[0] == "hello":
		return "testee 1 2 go"
	case words[0] == "decode":
		return decoded(given(words[1]))
	case words[0] == "encode":
		return encoded(append(append([]string{}, words[1:7]...), "-", "-", words[7]))
	case words[0] == "plain":
		return encoded(words[1:])
	case words[0] == "shed":
		return counted(words[1:])
	case words[0] == "meaning":
		return meant(given(words[1]))
	case words[0] == "restamp":
		return frameOr(restamp(given(words[1]), traceOf(words[2], string(given(words[3])))))
	case words[0] == "strip":
		return frameOr(strip(given(words[1])))
	case words[0] == "unwrap":
		return unwrapped(words[1], words[2], given(words[3]))
	case words[0] == "stream":
		return streamed(words[1], words[2:])
	}
	return "unsupported"
}

func counted(request []string) string {
	shed = map[uint64]int{}
	said := answer(request)
	if !strings.HasPrefix(said, "frame ") {
		return said
	}
	keys := []int{}
	for key := range shed {
		keys = append(keys, int(key))
	}
	sort.Ints(keys)
	parts := []string{}
	for _, key := range keys {
		parts = append(parts, fmt.Sprintf("%d:%d", key, shed[uint64(key)]))
	}
	if len(parts) == 0 {
		return "shed -"
	}
	return "shed " + strings.Join(parts, ",")
}

func testee() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		fmt.Println(answer(strings.Fields(line)))
	}
}
