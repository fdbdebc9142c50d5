# Relays, and messages on a transport of one's own: sections 4.3 and 5.4 of the specification.


cdef inline bint begins_like_a_frame(const uint8_t* data, Py_ssize_t size) noexcept:
    """By its first four bytes alone. M-2"""
    return size >= PREFIX and memcmp(data, MAGIC, PREFIX - 1) == 0 and ARRAY_4 <= data[3] <= ARRAY_5


cdef int acquire(object data, Py_buffer* view) except -1:
    """Any buffer as bytes. An empty view has no gaps, whatever its strides."""
    if not PyObject_CheckBuffer(data):
        contiguous(data)  # says what is wanted
    empty = type(data) is memoryview and data.nbytes == 0
    return PyObject_GetBuffer(b"" if empty else data, view, PyBUF_SIMPLE)


def is_frame(data):
    """Whether the data begins like a frame, by its first four bytes alone. M-2

    Args:
        data: the beginning of a message, or all of it.

    Returns:
        True also for what `decode` refuses further on.

    Raises:
        TypeError: ``data`` is no buffer.
        BufferError: ``data`` is a view that is not contiguous.
    """
    cdef Py_buffer view
    acquire(data, &view)
    try:
        return begins_like_a_frame(<const uint8_t*>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)


def peek_trace(data):
    """Whether a message is sampled, without a Frame being made.

    Args:
        data: a frame or a bare message.

    Returns:
        True: sampled. False: decided not to be. None: undecided, or bare. Says of every valid frame
        what its ``trace`` says; of an invalid one it may say anything.

    Raises:
        TypeError: ``data`` is no buffer.
        BufferError: ``data`` is a view that is not contiguous.
    """
    cdef Py_buffer view
    if type(data) is bytes:
        return peek(<const uint8_t*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    acquire(data, &view)
    try:
        return peek(<const uint8_t*>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)


cdef object peek(const uint8_t* data, Py_ssize_t size):
    cdef const uint8_t* binary
    cdef Cursor c
    cdef int major = 0
    cdef int fields
    cdef uint64_t argument = 0
    if not begins_like_a_frame(data, size) or data[3] == ARRAY_4:
        return None
    c.at = data + PREFIX
    c.end = data + size
    for fields in range(4):
        if read_head(&c, &major, &argument):
            return None
        if (major == TSTR or major == BSTR) and take(&c, argument):
            return None
    if read_head(&c, &major, &argument) or c.end - c.at < 2 or c.at[0] != TRACE:  # key 1 is first
        return None
    if c.at[1] == FALSE_BYTE:
        return False
    if c.end - c.at <= TRACE_ENCODED:
        return None
    binary = usable_trace(c.at + 1, c.end)
    return None if binary == NULL else binary[AT_FLAGS - AT_VERSION] & SAMPLED != 0


def restamp(data, trace):
    """The frame with another trace and tracestate, all else byte by byte as it was. Section 4.3

    A fanout that belongs to the old trace goes with it (L-6).

    Args:
        data: a frame. One of a kind that relays do not pass on comes back unchanged (L-3).
        trace: a TraceContext, NOT_SAMPLED, or None, which takes the trace away.

    Returns:
        The frame. Where its map has no room for the trace it is unchanged, which is counted (L-5).

    Raises:
        FrameError: as `decode`.
        TypeError: an argument is of a wrong type.
        BufferError: ``data`` is a view that is not contiguous.
    """
    cdef Frame frame = decode_bytes(as_bytes(data))
    check_trace(trace)
    if frame.layout.kind not in kinds.RELAYED:
        return frame.data  # L-3
    cdef dict given = stamp_of(trace)
    others = {
        write_key(key): value
        for key, value in encoded_entries(frame)
        if key not in keys.TRACED
    }
    before = frame.data[frame.layout.trace.start : frame.layout.trace.end]
    after = (<TraceContext>trace).trace_id if type(trace) is TraceContext else None
    unbind(others, before or None, after)
    cdef bytes extension_map = fit(others, given)
    if given and given[constants.TRACE].encoded() is None:
        return frame.data  # L-5
    return join(frame, extension_map)  # L-1


def strip(data):
    """The base frame: what an old peer knows of a frame. Section 4.3

    Args:
        data: a frame.

    Returns:
        The frame without its extensions.

    Raises:
        FrameError: as `decode`, and X-11 where an even key demands to be understood.
        TypeError: ``data`` is no buffer.
        BufferError: ``data`` is a view that is not contiguous.
    """
    cdef Frame frame = decode_bytes(as_bytes(data))
    if frame.layout.even:
        refuse_even(frame, ())  # L-4
    return join(frame, b"")


cdef bytes join(Frame frame, bytes extension_map):
    """The frame's four elements with another extension map."""
    cdef Py_ssize_t base = frame.layout.payload.end
    cdef Py_ssize_t more = PyBytes_GET_SIZE(extension_map)
    cdef bytes joined = PyBytes_FromStringAndSize(NULL, base + more)
    cdef uint8_t* p = <uint8_t*>PyBytes_AS_STRING(joined)
    memcpy(p, bytes_of(frame), base)
    p[PREFIX - 1] = ARRAY_5 if more else ARRAY_4
    memcpy(p + base, PyBytes_AS_STRING(extension_map), more)
    return joined


cdef object refuse_even(Frame frame, object understood):
    cdef list demands = []
    for key, _ in encoded_entries(frame):
        if isinstance(key, int) and key % 2 == 0 and key not in understood:
            demands.append(key)
    if demands:
        raise FrameError(
            "X-11",
            key_offset(frame, demands[0]),
            "extension key",
            frame.kind,
            frame.id,
            ", ".join(map(str, demands)),
        )  # X-11


cdef Py_ssize_t key_offset(Frame frame, uint64_t wanted) except -1:
    """Where a key that is there begins."""
    cdef const uint8_t* start = bytes_of(frame)
    cdef Cursor c
    cdef int major = 0
    cdef uint64_t argument = 0
    c.at = start + frame.layout.extensions.start
    c.end = start + frame.layout.extensions.end
    read_head(&c, &major, &argument)
    while True:
        read_key(&c, &major, &argument)
        if major == UINT and argument == wanted:
            return c.item - start
        skip_value(&c, 0)


def wrap(message, trace=None, extensions=None):
    """An envelope around a message, for a transport of one's own. Section 5.4

    Args:
        message: the bytes of the message as they were sent so far.
        trace: a TraceContext, NOT_SAMPLED, or None where it is undecided.
        extensions: as for `encode_request`.

    Returns:
        A frame, which `unwrap` reads.

    Raises:
        FrameError: the extensions make no valid frame; ``rule`` and ``field`` say why.
        TypeError: an argument is of a wrong type, such as text for the message.
    """
    return encode_notification("", message, trace, extensions)


def unwrap(data, *, mode="both", understood=()):
    """The message in ``data``, bare or in an envelope. Section 5.4

    Args:
        data: what came from the transport.
        mode: ``both`` tells bare messages and envelopes apart by the first four bytes; ``framed``
            takes envelopes only; ``bare`` takes every message as it is.
        understood: the even keys that the caller understands.

    Returns:
        A Frame whose ``payload`` is the message. It ``is_bare`` where there was no envelope.

    Raises:
        FrameError: as `decode`; M-3 for a valid frame that is no envelope; X-11 for an even key
            that is not understood.
        ValueError: ``mode`` is another word.
        TypeError: ``data`` is no buffer.
        BufferError: ``data`` is a view that is not contiguous.
    """
    cdef bytes whole
    cdef Frame frame
    if mode not in ("both", "framed", "bare"):
        raise ValueError(f"mode must be 'both', 'framed' or 'bare', not {mode!r}")
    whole = as_bytes(data)
    if mode == "bare" or (
        mode == "both"
        and not begins_like_a_frame(<const uint8_t*>PyBytes_AS_STRING(whole), PyBytes_GET_SIZE(whole))
    ):
        return bare_message(whole)  # M-2, M-4
    frame = decode_bytes(whole)  # M-1
    if frame.layout.kind != NOTIFICATION:
        raise FrameError("M-3", PREFIX, "kind", frame.kind, frame.id)  # M-3
    if frame.layout.target.start != frame.layout.target.end:
        raise FrameError("M-3", PREFIX + 2, "target", frame.kind, frame.id)  # M-3
    if frame.layout.even:
        refuse_even(frame, understood)
    return frame


cdef Frame bare_message(bytes message):
    cdef Frame frame = Frame.__new__(Frame)
    frame.data = message
    frame.layout.kind = BARE
    frame.layout.target_is_text = True
    frame.layout.payload.end = PyBytes_GET_SIZE(message)
    return frame
