package main

// Records of a stream (section 5.1).

import "encoding/binary"

const maxFrame = 4194304

func record(data []byte) []byte {
	var prefix [4]byte
	binary.BigEndian.PutUint32(prefix[:], uint32(len(data)))
	return append(prefix[:], data...)
}

// item is a frame or a fault; data is what it was read from.
type item struct {
	frame *frame
	fault *fault
	data  []byte
}

type records struct {
	most int
	rest []byte
	over bool
}

func (r *records) feed(data []byte) []item {
	if r.over {
		return nil
	}
	r.rest = append(r.rest, data...)
	var items []item
	for len(r.rest) >= 4 {
		length := int(binary.BigEndian.Uint32(r.rest))
		if length > r.most {
			r.over = true
			return append(items, item{fault: &fault{rule: "S-2", kind: -1, id: -1}})
		}
		if len(r.rest) < 4+length {
			break
		}
		one := append([]byte{}, r.rest[4:4+length]...)
		r.rest = r.rest[4+length:]
		f, broken := readFrame(one)
		items = append(items, item{f, broken, one})
	}
	return items
}

// end is the fault of input that ends now, nil between two records. S-3
func (r *records) end() *fault {
	if r.over || len(r.rest) == 0 {
		return nil
	}
	offset := len(r.rest) - 4
	if offset < 0 {
		offset = 0
	}
	return &fault{rule: "S-3", offset: offset}
}
