package main

// The methods that the conformance suite calls. A method answers, or gives an error.

import "time"

type rpcError struct {
	status   int
	message  string
	details  interface{}
	executed int
}

// body is the map of section 7.7, cut where it is too long. C-21
func (e *rpcError) body() []byte {
	fields := map[int]interface{}{0: e.message, 2: e.executed}
	if e.details != nil {
		fields[1] = e.details
	}
	data, err := encoder.Marshal(fields)
	if err == nil && len(data) <= longestError {
		return data
	}
	delete(fields, 1)
	message := e.message
	if len(message) > longestError/4 {
		message = message[:longestError/4]
	}
	fields[0], fields[3] = message, true
	data, _ = encoder.Marshal(fields)
	return data
}

var methods = map[string]func(*connection, *call) *rpcError{
	"tracewire.echo":  echo,
	"tracewire.sleep": sleep,
	"tracewire.fail":  failAsAsked,
}

func echo(c *connection, each *call) *rpcError {
	c.answer(each, each.frame.payload, each.meaning.format)
	return nil
}

func sleep(c *connection, each *call) *rpcError {
	var seconds float64
	if values.Unmarshal(each.frame.payload, &seconds) != nil || seconds < 0 || seconds > 86400 {
		return &rpcError{status: invalidArgument, message: "the body must be a number of seconds"}
	}
	c.later(each, time.Duration(seconds*float64(time.Second)), func() { c.answer(each, nil, -1) })
	return nil
}

func failAsAsked(c *connection, each *call) *rpcError {
	var asked struct {
		Status  int         `cbor:"status"`
		Message string      `cbor:"message"`
		Details interface{} `cbor:"details"`
	}
	if values.Unmarshal(each.frame.payload, &asked.Status) != nil {
		if values.Unmarshal(each.frame.payload, &asked) != nil {
			asked.Status = 0
		}
	}
	if asked.Status < 1 || asked.Status > 16 {
		return &rpcError{status: invalidArgument, message: "the status must be 1 to 16"}
	}
	return &rpcError{asked.Status, asked.Message, asked.Details, yes}
}
