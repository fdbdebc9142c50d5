# Section 4 of the specification: what is common is written in one go into bytes of the right size,
# all else goes to the writer that the reference uses (writing.py).

cdef enum:
    PREFIX = 4  # the tag, and the array's head
    ARRAY_4 = 0x84
    ARRAY_5 = 0x85


cdef struct Stamp:
    int entries  # 0, 1 or 2: what keys 1 and 3 hold
    Py_ssize_t size  # of the keys with their values
    bint decided_not  # NOT_SAMPLED
    const char* state
    Py_ssize_t state_size


def encode_request(id, method, payload=b"", trace=None, extensions=None):
    """A request as bytes.

    Args:
        id: pairs the request with its response, 1 to 4,294,967,295.
        method: 1 to 255 bytes of UTF-8.
        payload: the body; empty means no value.
        trace: a TraceContext, NOT_SAMPLED, or None where it is undecided.
        extensions: other values by key. A key is a number, or text of at most 64 bytes; a value is
            what section 3.4 has for its key, a RawItem, or any value of the subset.

    Returns:
        The frame, without the length that a stream needs. Of context it holds what fits; what was
        left out is counted (E-2 to E-5).

    Raises:
        FrameError: the arguments make no valid frame; ``rule`` and ``field`` say why.
        TypeError: an argument is of a wrong type.
    """
    cdef bytes written = write_named(REQUEST, id, method, payload, trace, extensions)
    if written is None:
        written = write_slowly(REQUEST, id, typed_method(method), payload, trace, extensions)
    return written


def encode_response(id, payload=b"", status=0, extensions=None):
    """A response as bytes.

    Args:
        id: that of the request, 1 to 4,294,967,295.
        payload: the result, or the error's payload; empty means no value.
        status: a Status, or another number of at most 4,294,967,295.
        extensions: as for `encode_request`.

    Returns:
        The frame, without the length that a stream needs.

    Raises:
        FrameError: the arguments make no valid frame; ``rule`` and ``field`` say why.
        TypeError: an argument is of a wrong type.
    """
    cdef bytes written = write_answer(id, payload, status, extensions)
    if written is not None:
        return written
    if not isinstance(status, int):
        raise TypeError(f"expected int, not {type(status).__name__}")
    return write_slowly(RESPONSE, id, status, payload, None, extensions)


def encode_notification(method, payload=b"", trace=None, extensions=None):
    """A notification as bytes.

    Args:
        method: 0 to 255 bytes of UTF-8; empty makes an envelope, as `wrap` does.
        payload: the body; empty means no value.
        trace: a TraceContext, NOT_SAMPLED, or None where it is undecided.
        extensions: as for `encode_request`.

    Returns:
        The frame, without the length that a stream needs.

    Raises:
        FrameError: the arguments make no valid frame; ``rule`` and ``field`` say why.
        TypeError: an argument is of a wrong type.
    """
    cdef bytes written = write_named(NOTIFICATION, 0, method, payload, trace, extensions)
    if written is None:
        written = write_slowly(NOTIFICATION, 0, typed_method(method), payload, trace, extensions)
    return written


def encode(frame):
    """The bytes of a frame.

    Args:
        frame: a Frame that was decoded or made from fields.

    Returns:
        The bytes it was decoded from, or those it was written as.

    Raises:
        TypeError: it is no Frame, or it is a bare message, which has no frame: send its payload, or
            `wrap` it.
    """
    if type(frame) is not Frame:
        raise TypeError(f"expected Frame, not {type(frame).__name__}")
    if (<Frame>frame).layout.kind == BARE:
        raise TypeError("a bare message has no frame; send its payload, or wrap() it")
    return (<Frame>frame).data


cdef object typed_method(object method):
    if not isinstance(method, str):
        raise TypeError(f"expected str, not {type(method).__name__}")
    return method


cdef bytes write_slowly(int kind, object id, object target, object payload, object trace, object extensions):
    return write(kind, id, target, payload, stamp_of(trace), with_raw_contexts(extensions))


cdef object with_raw_contexts(object extensions):
    """The extensions with each TraceContext as the shared writer takes it: encoded."""
    if not isinstance(extensions, Mapping):
        return extensions
    cdef dict raw = {}
    for key in keys.CONTEXTS:
        value = extensions.get(key)
        if type(value) is TraceContext:
            raw[key] = RawItem(trace_value(<TraceContext>value))
    return {**extensions, **raw} if raw else extensions


cdef inline int head_size(uint64_t argument) noexcept nogil:
    if argument < 24:
        return 1
    if argument >> 8 == 0:
        return 2
    if argument >> 16 == 0:
        return 3
    return 5 if argument >> 32 == 0 else 9


cdef inline uint8_t* put_head(uint8_t* p, int major, uint64_t argument) noexcept nogil:
    if argument < 24:
        p[0] = <uint8_t>(major << 5 | argument)
        return p + 1
    if argument >> 8 == 0:
        p[0] = <uint8_t>(major << 5 | 24)
        p[1] = <uint8_t>argument
        return p + 2
    if argument >> 16 == 0:
        p[0] = <uint8_t>(major << 5 | 25)
        p[1] = <uint8_t>(argument >> 8)
        p[2] = <uint8_t>argument
        return p + 3
    return put_long_head(p, major, argument)


cdef uint8_t* put_long_head(uint8_t* p, int major, uint64_t argument) noexcept nogil:
    cdef int size = head_size(argument) - 1
    cdef int i
    p[0] = <uint8_t>(major << 5 | (26 if size == 4 else 27))
    for i in range(size):
        p[1 + i] = <uint8_t>(argument >> (8 * (size - 1 - i)))
    return p + 1 + size


cdef inline uint8_t* put(uint8_t* p, const void* content, Py_ssize_t size) noexcept nogil:
    # The usual sizes as two copies of known size that overlap: no call, and no byte beyond either end.
    cdef const uint8_t* start = <const uint8_t*>content
    if 8 <= size <= 16:
        memcpy(p, start, 8)
        memcpy(p + size - 8, start + size - 8, 8)
    elif 16 < size <= 32:
        memcpy(p, start, 16)
        memcpy(p + size - 16, start + size - 16, 16)
    elif 32 < size <= 64:
        memcpy(p, start, 32)
        memcpy(p + size - 32, start + size - 32, 32)
    else:
        memcpy(p, start, size)
    return p + size


cdef inline bint id_of(object value, uint32_t* id) noexcept:
    """Whether the value is an id as it is used in a frame."""
    cdef int overflow = 0
    cdef long long number
    if not PyLong_Check(value):  # a Status is an int
        return False
    number = PyLong_AsLongLongAndOverflow(value, &overflow)  # without an exception to catch
    id[0] = <uint32_t>number
    return overflow == 0 and 0 <= number <= <long long>MAX_ID


cdef inline bint stamp(object trace, Stamp* into) noexcept:
    """Whether the trace can be written as it is."""
    memset(into, 0, sizeof(Stamp))
    if trace is None:
        return True
    into.entries = 1
    if type(trace) is TraceContext:
        into.size = 1 + TRACE_ENCODED
        return stamp_state((<TraceContext>trace).state, into)
    into.size = 2
    into.decided_not = trace is NOT_SAMPLED
    return into.decided_not


cdef inline bint stamp_state(str state, Stamp* into) noexcept:
    into.state_size = PyUnicode_GET_LENGTH(state)
    if into.state_size == 0:
        return True
    if not PyUnicode_IS_ASCII(state):
        return False
    into.state = <const char*>PyUnicode_1BYTE_DATA(state)
    into.entries = 2
    into.size += 1 + head_size(into.state_size) + into.state_size
    return state_stands(into.state, into.state_size)


cdef inline uint8_t* put_stamp(uint8_t* p, Stamp* stamped, object trace) noexcept:
    """Keys 1 and 3 with their values."""
    if stamped.entries == 0:
        return p
    p[0] = <uint8_t>TRACE
    if stamped.decided_not:
        p[1] = FALSE_BYTE
        return p + 2
    memcpy(p + 1, (<TraceContext>trace).wire, TRACE_ENCODED)
    p += 1 + TRACE_ENCODED
    if stamped.entries == 1:
        return p
    p[0] = <uint8_t>TRACESTATE
    p = put_head(p + 1, TSTR, stamped.state_size)
    return put(p, stamped.state, stamped.state_size)


# Extensions that are plain numbers, such as a timeout: every call with a deadline has one.

cdef enum:
    MOST_NUMBERS = 8


cdef struct Number:
    uint64_t key
    uint64_t value


cdef struct Numbers:
    int count
    Number of[MOST_NUMBERS]  # in ascending order of keys


cdef inline bint numbers(object extensions, Numbers* into) except -1:
    """Whether the extensions are few and are numbers that can be written as they are."""
    into.count = 0
    if extensions is None:
        return True
    if type(extensions) is not dict or len(<dict>extensions) > MOST_NUMBERS:
        return False
    return collect_numbers(<dict>extensions, into)


cdef bint collect_numbers(dict extensions, Numbers* into) except -1:
    cdef uint64_t key, value
    cdef int at
    for given_key, given_value in extensions.items():
        if type(given_key) is not int or type(given_value) is not int:
            return False
        try:
            key = given_key
            value = given_value
        except OverflowError:
            return False
        if not takes_number(key, value):
            return False
        at = into.count
        while at and into.of[at - 1].key > key:
            into.of[at] = into.of[at - 1]
            at -= 1
        into.of[at] = Number(key, value)
        into.count += 1
    return True


cdef inline bint takes_number(uint64_t key, uint64_t value) noexcept:
    """Whether a number is a usable value of the key, and the key one that may be given."""
    cdef const KeyRow* row = row_of_key(key)
    # Keys 1 and 3 are written first: what comes before them is rare.
    return row.is_number and value <= row.most and TRACESTATE < key <= MAX_EXTENSION_KEY


cdef inline Py_ssize_t numbers_size(Numbers* given) noexcept:
    cdef Py_ssize_t size = 0
    cdef int i
    for i in range(given.count):
        size += head_size(given.of[i].key) + head_size(given.of[i].value)
    return size


cdef inline uint8_t* put_numbers(uint8_t* p, Numbers* given) noexcept:
    cdef int i
    for i in range(given.count):
        p = put_head(p, UINT, given.of[i].key)
        p = put_head(p, UINT, given.of[i].value)
    return p


# Whole frames. None where the arguments are not the common ones.

cdef inline bytes write_named(int kind, object given_id, object method, object payload, object trace, object extensions):
    """A request or a notification."""
    cdef uint32_t id = 0
    cdef Py_ssize_t name_size
    cdef const char* name
    if type(method) is not str or not id_of(given_id, &id) or (kind == REQUEST and id == 0):
        return None
    if not PyUnicode_IS_ASCII(method):
        return None
    name = <const char*>PyUnicode_1BYTE_DATA(method)
    name_size = PyUnicode_GET_LENGTH(method)
    if name_size > <Py_ssize_t>MAX_TARGET_BYTES or (kind == REQUEST and name_size == 0):  # F-11, F-12
        return None
    return write_frame(kind, id, TSTR, name_size, name, payload, trace, extensions)


cdef bytes write_answer(object given_id, object payload, object given_status, object extensions):
    """A response."""
    cdef uint32_t id = 0, status = 0
    if not id_of(given_id, &id) or id == 0 or not id_of(given_status, &status):
        return None
    return write_frame(RESPONSE, id, UINT, status, NULL, payload, None, extensions)


cdef inline bytes write_frame(
    int kind, uint32_t id, int target_major, uint64_t target, const char* name,
    object payload, object trace, object extensions,
):
    """The frame; ``target`` is a status, or the size of ``name``."""
    cdef Stamp stamped
    cdef Numbers given
    cdef Py_ssize_t size, map_size = 0
    cdef int entries
    cdef uint8_t* p
    cdef bytes written
    if type(payload) is not bytes or not stamp(trace, &stamped) or not numbers(extensions, &given):
        return None
    entries = stamped.entries + given.count
    if entries:
        map_size = 1 + stamped.size + numbers_size(&given)  # a head of one byte: few entries
    size = PREFIX + 1 + head_size(id) + head_size(target) + (target if target_major == TSTR else 0)
    size += head_size(PyBytes_GET_SIZE(payload)) + PyBytes_GET_SIZE(payload) + map_size
    written = PyBytes_FromStringAndSize(NULL, size)
    p = put(<uint8_t*>PyBytes_AS_STRING(written), MAGIC, PREFIX - 1)
    p[0] = ARRAY_5 if entries else ARRAY_4
    p[1] = <uint8_t>kind
    p = put_head(p + 2, UINT, id)
    p = put_head(p, target_major, target)
    if target_major == TSTR:
        p = put(p, name, <Py_ssize_t>target)
    p = put_head(p, BSTR, PyBytes_GET_SIZE(payload))
    p = put(p, PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
    if entries:
        p = put_head(p, MAP, entries)
        p = put_stamp(p, &stamped, trace)
        put_numbers(p, &given)
    return written
