# The trace context: sections 3.5 and 4.1 of the specification.

cdef enum:
    TRACE_BYTES = 29
    TRACE_ENCODED = 31  # with its head
    AT_VERSION = 2  # places in the encoded form
    AT_TRACE_ID = 4
    AT_SPAN_ID = 21
    AT_FLAGS = 30
    FALSE_BYTE = 0xF4
    SAMPLED = 1
    FIRST_PRINTABLE = 0x20
    LAST_PRINTABLE = 0x7E

cdef bytes FALSE = encode_value(False)
cdef bytes BLANK = encode_value(bytes([0, 0, *bytes(16), 1, *bytes(8), 2, 0]))
cdef const uint8_t* BLANK_TRACE = BLANK
cdef object LOW_64_BITS = 0xFFFFFFFFFFFFFFFF


@cython.final
@cython.binding(True)
@cython.embedsignature(False)
@cython.no_gc
@cython.freelist(64)
cdef class TraceContext:
    """The W3C trace context of a span: ids, flags and tracestate.

    It cannot be changed, and can be pickled and copied.

    Args:
        trace_id: 128 bits, not 0.
        span_id: 64 bits, not 0.
        flags: a byte, whose bit 0 is *sampled*.
        state: the tracestate list.

    Raises:
        ValueError: an id is 0, or a number is too large.
        TypeError: an argument is of a wrong type.
    """

    cdef uint8_t wire[TRACE_ENCODED]  # as it is written, so that encoding copies and nothing more
    cdef readonly str state

    def __cinit__(self):
        memcpy(self.wire, BLANK_TRACE, TRACE_ENCODED)
        self.state = ""

    def __init__(self, trace_id, span_id, flags, state=""):
        if not isinstance(state, str):
            raise TypeError(f"state must be str, not {type(state).__name__}")
        if not self.take(trace_id, span_id, flags):
            check_ids(trace_id, span_id, flags)  # says what is wrong, if it is not a subclass of int
            self.take(int(trace_id), int(span_id), int(flags))
        self.state = state if type(state) is str else str(state)

    cdef bint take(self, object trace_id, object span_id, object flags) except -1:
        """Takes ids and flags that are plain numbers in range; whether they are."""
        cdef uint64_t high, low, span
        cdef uint8_t octet
        if type(trace_id) is not int or type(span_id) is not int or type(flags) is not int:
            return False
        try:
            high, low, span, octet = trace_id >> 64, trace_id & LOW_64_BITS, span_id, flags
        except OverflowError:
            return False
        if high | low == 0 or span == 0:
            return False
        write_8(self.wire + AT_TRACE_ID, high)
        write_8(self.wire + AT_TRACE_ID + 8, low)
        write_8(self.wire + AT_SPAN_ID, span)
        self.wire[AT_FLAGS] = octet
        return True

    @property
    def trace_id(self):
        return (<object>read_8(self.wire + AT_TRACE_ID)) << 64 | read_8(self.wire + AT_TRACE_ID + 8)

    @property
    def span_id(self):
        return read_8(self.wire + AT_SPAN_ID)

    @property
    def flags(self):
        return self.wire[AT_FLAGS]

    @property
    def sampled(self):
        """Whether bit 0 of the flags is set."""
        return self.wire[AT_FLAGS] & SAMPLED != 0

    def to_traceparent(self):
        """The value of a ``traceparent`` header, in version 00."""
        return format_traceparent(self.trace_id, self.span_id, self.flags)

    @classmethod
    def from_traceparent(cls, text, tracestate=""):
        """The context in the value of a ``traceparent`` header (W3C Trace Context, 3.2).

        Args:
            text: the value; a later version is read by the part that is known of it.
            tracestate: the value of the ``tracestate`` header.

        Returns:
            A TraceContext.

        Raises:
            ValueError: the text is no traceparent, which the error shows.
        """
        return cls(*parse_traceparent(text), tracestate)

    def __eq__(self, other):
        if type(other) is not TraceContext:
            return NotImplemented
        cdef TraceContext that = <TraceContext>other
        return memcmp(self.wire, that.wire, TRACE_ENCODED) == 0 and self.state == that.state

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        fields = self.trace_id, self.span_id, self.flags, self.state
        return pickling.trace_context, fields

    def __hash__(self):
        return hash((trace_value(self), self.state))

    def __repr__(self):
        return represent(self.trace_id, self.span_id, self.flags, self.state)


cdef inline uint64_t read_8(const uint8_t* p) noexcept nogil:
    cdef uint64_t number = 0
    cdef int i
    for i in range(8):
        number = number << 8 | p[i]
    return number


cdef inline void write_8(uint8_t* p, uint64_t number) noexcept nogil:
    cdef int i
    for i in range(8):
        p[i] = <uint8_t>(number >> (56 - 8 * i))


cdef const uint8_t* usable_trace(const uint8_t* item, const uint8_t* end) noexcept nogil:
    """The binary trace context in a valid item, NULL where it is unusable. U-1, U-7"""
    cdef Cursor c
    cdef const uint8_t* p
    cdef int major = 0
    cdef uint64_t length = 0
    cdef uint64_t ids[3]
    c.at = item
    c.end = end
    read_head(&c, &major, &length)
    p = c.at
    if major != BSTR or length < TRACE_BYTES or p[0] > MAX_TRACE_VERSION:
        return NULL
    if p[0] == 0 and length != TRACE_BYTES:
        return NULL
    if p[1] != 0 or p[18] != 1 or p[27] != 2:
        return NULL
    memcpy(ids, p + 2, 16)  # in any order of bytes, since only zero matters
    memcpy(ids + 2, p + 19, 8)
    if ids[0] | ids[1] == 0 or ids[2] == 0:
        return NULL
    return p


cdef TraceContext read_trace_context(const uint8_t* binary, str state):
    cdef TraceContext trace = TraceContext.__new__(TraceContext)
    memcpy(trace.wire + AT_VERSION + 1, binary + 1, TRACE_BYTES - 1)  # what was read is version 0
    trace.state = state
    return trace


cdef bytes trace_value(TraceContext trace):
    """The binary trace context of version 0, as encoded. E-1"""
    return PyBytes_FromStringAndSize(<const char*>trace.wire, TRACE_ENCODED)


cdef object check_trace(object trace):
    if trace is not None and trace is not NOT_SAMPLED and type(trace) is not TraceContext:
        raise TypeError(f"expected TraceContext, not {type(trace).__name__}")


cdef dict stamp_of(object trace):
    """What a trace puts into keys 1 and 3, as the shared writer takes it. E-1"""
    if trace is None:
        return {}
    if trace is NOT_SAMPLED:
        return {constants.TRACE: Whole(FALSE)}
    check_trace(trace)
    cdef TraceContext context = <TraceContext>trace
    return {
        constants.TRACE: Whole(trace_value(context)),
        constants.TRACESTATE: Tracestate(context.state),
    }


cdef bint state_stands(const char* state, Py_ssize_t size) noexcept:
    """Whether nothing needs to be left out of a tracestate. E-2"""
    cdef Py_ssize_t i
    cdef int commas = 0
    cdef bint empty = True  # the member at hand
    if size > MAX_TRACESTATE_BYTES:
        return False
    for i in range(size):
        if not FIRST_PRINTABLE <= state[i] <= LAST_PRINTABLE:
            return False
        if state[i] == b",":
            if empty:
                return False
            commas += 1
            empty = True
        else:
            empty = False
    return not empty and commas < MAX_TRACESTATE_MEMBERS
