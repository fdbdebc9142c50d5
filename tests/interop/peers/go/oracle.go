package main

// fxamacker/cbor as an oracle: each line is hexadecimal, and answered by how it writes what it read there.

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/fxamacker/cbor"
)

func oracle() error {
	reading, err := cbor.DecOptions{
		DupMapKey:   cbor.DupMapKeyEnforcedAPF,
		IndefLength: cbor.IndefLengthForbidden,
	}.DecMode()
	if err != nil {
		return err
	}
	options := cbor.CoreDetEncOptions()
	options.TimeTag = cbor.EncTagRequired
	writing, err := options.EncMode()
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	answers := bufio.NewWriter(os.Stdout)
	defer answers.Flush()
	for lines.Scan() {
		fmt.Fprintln(answers, judge(reading, writing, lines.Text()))
	}
	return lines.Err()
}

func judge(reading cbor.DecMode, writing cbor.EncMode, line string) string {
	data, err := hex.DecodeString(line)
	if err != nil {
		return "refused"
	}
	var read interface{}
	if reading.Unmarshal(data, &read) != nil {
		return "refused"
	}
	written, err := writing.Marshal(read)
	if err != nil {
		return "refused"
	}
	return hex.EncodeToString(written)
}
