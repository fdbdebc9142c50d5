package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"time"

	"github.com/fxamacker/cbor"
)

type member struct {
	ID   int `cbor:"member"`
	Tags []string
}

var tags = cbor.EncOptions{Time: cbor.TimeRFC3339Nano, TimeTag: cbor.EncTagRequired}

var encodings = map[string]cbor.EncOptions{
	"Marshal(v)":                          {},
	"CanonicalEncOptions()":               cbor.CanonicalEncOptions(),
	"EncOptions{TimeTag: EncTagRequired}": {TimeTag: cbor.EncTagRequired},
	"EncOptions{Time: TimeRFC3339Nano, TimeTag: EncTagRequired}": tags,
	"EncOptions{ShortestFloat: ShortestFloat16}":                 {ShortestFloat: cbor.ShortestFloat16},
}

var samples = map[string]interface{}{
	"7":                            7,
	"int64(1) << 40":               int64(1) << 40,
	"uint64(math.MaxUint64)":       ^uint64(0),
	"new(big.Int).Lsh(1, 80)":      *new(big.Int).Lsh(big.NewInt(1), 80),
	"3.0":                          3.0,
	"float32(0.5)":                 float32(0.5),
	"[]byte{1, 2, 3}":              []byte{1, 2, 3},
	"[3]byte{1, 2, 3}":             [3]byte{1, 2, 3},
	"[]string(nil)":                []string(nil),
	"[]byte(nil)":                  []byte(nil),
	"map[int]string{1: \"a\"}":     map[int]string{1: "a"},
	"member{ID: 42}":               member{ID: 42},
	"time.Unix(1700000000, 0)":     time.Unix(1700000000, 0).UTC(),
	"time.Unix(1700000000, 500e6)": time.Unix(1700000000, 500e6).UTC(),
	"Tag{55799, []int{1, 2}}":      cbor.Tag{Number: 55799, Content: []int{1, 2}},
	"Tag{65535, map[string]int{}}": cbor.Tag{Number: 65535, Content: map[string]int{}},
}

// bodies answers each line, JSON as ["fxamacker", what encodes, what], by the bytes in hexadecimal.
func bodies() error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked [3]string
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return err
		}
		options, known := encodings[asked[1]]
		value, also := samples[asked[2]]
		if !known || !also {
			return fmt.Errorf("not known: %q", asked)
		}
		mode, err := options.EncMode()
		if err != nil {
			return err
		}
		data, err := mode.Marshal(value)
		if err != nil {
			return err
		}
		fmt.Println(hex.EncodeToString(data))
	}
	return nil
}
