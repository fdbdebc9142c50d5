# Frame and decode: a frame's bytes, and the places of its fields.

cdef object NOTHING = MappingProxyType({})


@cython.final
@cython.binding(True)
@cython.embedsignature(False)
@cython.no_gc  # what it holds cannot refer back to it
@cython.freelist(64)
cdef class Frame:
    """One frame, which cannot be changed. Equal frames have equal bytes.

    It can be pickled and copied; a pickle is loaded into the half of the codec that serves.

    Args:
        kind: a Kind, or another number of at most 65,535; None when it was read of a bare message.
        id: pairs a request with its response; 0 where nothing is answered.
        target: the method, the status, or 0.
        payload: the body.
        trace: a TraceContext, NOT_SAMPLED, or None where it is undecided.
        extensions: as for `encode_request`.
        raw_extensions: values as encoded, which are written as they are. What ``trace`` and
            ``extensions`` give for the same keys is passed over.

    Raises:
        FrameError: the fields make no valid frame; ``rule`` and ``field`` say why.
        TypeError: a field is of a wrong type.
    """

    cdef bytes data
    cdef Layout layout
    cdef bint trace_was_read
    cdef object trace_read
    cdef object extensions_read  # None until read

    def __cinit__(self):
        self.data = b""

    def __init__(
        self, kind, id, target, payload=b"", trace=None, extensions=None, raw_extensions=None
    ):
        self.data = write(
            kind, id, target, payload, stamp_of(trace), with_raw_contexts(extensions), raw_extensions
        )
        scan(<const uint8_t*>PyBytes_AS_STRING(self.data), PyBytes_GET_SIZE(self.data), &self.layout)
        self.trace_was_read = False
        self.extensions_read = None

    @property
    def kind(self):
        cdef int kind = self.layout.kind
        if kind == BARE:
            return None
        known = KINDS[kind] if kind < KINDS_LISTED else None
        return kind if known is None else known

    @property
    def is_bare(self):
        """Whether there was no frame: a bare message, which unwrap() takes as well."""
        return self.layout.kind == BARE

    @property
    def id(self):
        """The number that pairs a request with its response, 0 where nothing is answered."""
        return self.layout.id

    @property
    def target(self):
        """The method of a request or notification, the status of a response, else mostly 0."""
        return target_text(self) if self.layout.target_is_text else self.layout.target_number

    @property
    def method(self):
        """The target of a request or notification, else None."""
        if self.layout.kind == REQUEST or self.layout.kind == NOTIFICATION:
            return target_text(self)
        return None

    @property
    def status(self):
        """The target of a response, UNKNOWN for a number that is not assigned, else None."""
        if self.layout.kind != RESPONSE:
            return None
        if self.layout.target_number < STATUSES_LISTED:
            return STATUSES[self.layout.target_number]
        return Status.UNKNOWN

    @property
    def payload(self):
        """The body."""
        return span_bytes(self, self.layout.payload)

    @property
    def trace(self):
        """The trace context, NOT_SAMPLED, or None where it is undecided or unusable."""
        if not self.trace_was_read:
            self.trace_read = read_trace(self)
            self.trace_was_read = True
        return self.trace_read

    @property
    def extensions(self):
        """Every key but 1 and 3, read only, as values in Python.

        Known keys have what section 3.4 says: baggage is a mapping, fanout a tuple, creation a
        TraceContext; where their values are unusable they are absent. Text keys, and numbers that
        nobody assigned, have int, bytes, str, bool, None, list or dict.
        """
        if self.extensions_read is None:
            self.extensions_read = (
                MappingProxyType(read_extensions(self)) if self.layout.entries else NOTHING
            )
        return self.extensions_read

    @property
    def raw_extensions(self):
        """Every key, 1 and 3 too, to its value as encoded; read only, in the order of the frame.

        A Frame that is made of these is the same frame.
        """
        return MappingProxyType({key: RawItem(data) for key, data in encoded_entries(self)})

    def __eq__(self, other):
        if type(other) is not Frame:
            return NotImplemented
        cdef Frame that = <Frame>other
        return self.data == that.data and (self.layout.kind == BARE) == (that.layout.kind == BARE)

    def __hash__(self):
        return hash(self.data)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        load = pickling.bare_message if self.is_bare else pickling.frame
        return load, (self.data,)

    def __repr__(self):
        return (
            f"Frame({self.kind!r}, {self.id!r}, {self.target!r}, {self.payload!r}, "
            f"raw_extensions={dict(self.raw_extensions)!r})"
        )


def decode(data):
    """The frame in ``data``, which holds that frame and nothing else.

    Args:
        data: the bytes, copied unless they are ``bytes``.

    Returns:
        The Frame. Its fields are made when they are read, and unusable context reads as absent.

    Raises:
        FrameError: the first rule that is broken, and where (sections 2 and 3).
        TypeError: ``data`` is no buffer.
        BufferError: ``data`` is a view that is not contiguous.
    """
    return decode_bytes(<bytes>data if type(data) is bytes else as_bytes(data))


cdef Frame decode_bytes(bytes data):
    cdef Frame frame = Frame.__new__(Frame)
    cdef Rule rule = scan(
        <const uint8_t*>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), &frame.layout
    )
    if rule:
        raise fault(rule, &frame.layout)
    frame.data = data
    return frame


cdef object fault(Rule rule, Layout* layout):
    """The FrameError of a rule that the scan found broken."""
    return FrameError(
        RULE_IDS[rule],
        layout.offset,
        FIELD_NAMES[layout.field],
        layout.kind if layout.kind >= 0 else None,
        layout.id if layout.has_id else None,
    )


cdef inline const uint8_t* bytes_of(Frame frame) noexcept:
    return <const uint8_t*>PyBytes_AS_STRING(frame.data)


cdef inline bytes span_bytes(Frame frame, Span span):
    return PyBytes_FromStringAndSize(
        PyBytes_AS_STRING(frame.data) + span.start, span.end - span.start
    )


cdef inline str target_text(Frame frame):
    cdef const uint8_t* text = bytes_of(frame) + frame.layout.target.start
    cdef Py_ssize_t size = frame.layout.target.end - frame.layout.target.start
    cdef str ascii
    if not is_ascii(text, size):
        return PyUnicode_DecodeUTF8(<const char*>text, size, NULL)
    ascii = PyUnicode_New(size, 0x7F)
    memcpy(PyUnicode_1BYTE_DATA(ascii), text, size)
    return ascii


# Meaning, section 3.5. Unusable values read as absent (G-7).


cdef object read_trace(Frame frame):
    cdef const uint8_t* data = bytes_of(frame)
    cdef Layout* at = &frame.layout
    cdef const uint8_t* binary = NULL
    cdef object state = None
    if at.trace.start:
        binary = usable_trace(data + at.trace.start, data + at.trace.end)
    if at.state.start:
        if binary != NULL:
            state = usable.tracestate(span_bytes(frame, at.state))
        if state is None:
            count_unusable(constants.TRACESTATE)  # U-2
    if binary != NULL:
        return read_trace_context(binary, "" if state is None else state)
    if not at.trace.start:
        return None
    if data[at.trace.start] == FALSE_BYTE:
        return NOT_SAMPLED
    count_unusable(constants.TRACE)  # U-1
    return None


cdef struct Entry:
    int major  # of the key, with its argument
    uint64_t argument
    const uint8_t* value  # where the key ends
    const uint8_t* end


cdef inline Cursor entries_of(Frame frame) noexcept:
    """A cursor at the first extension."""
    cdef Cursor c
    cdef int major = 0
    cdef uint64_t count = 0
    c.at = bytes_of(frame) + frame.layout.extensions.start
    c.end = bytes_of(frame) + frame.layout.extensions.end
    if frame.layout.entries:
        read_head(&c, &major, &count)
    return c


cdef inline void next_entry(Cursor* c, Entry* entry) noexcept:
    read_key(c, &entry.major, &entry.argument)
    entry.value = c.at
    skip_value(c, 0)
    entry.end = c.at


cdef object key_of(Entry* entry):
    if entry.major == UINT:
        return entry.argument
    cdef Py_ssize_t size = <Py_ssize_t>entry.argument
    return PyUnicode_DecodeUTF8(<const char*>entry.value - size, size, NULL)


cdef inline bytes encoded_value(Entry* entry):
    return PyBytes_FromStringAndSize(<const char*>entry.value, entry.end - entry.value)


cdef list encoded_entries(Frame frame):
    """The (key, encoded value) of every extension, in the order of the frame."""
    cdef Cursor c = entries_of(frame)
    cdef Entry entry
    cdef list entries = []
    for _ in range(frame.layout.entries):
        next_entry(&c, &entry)
        entries.append((key_of(&entry), encoded_value(&entry)))
    return entries


cdef dict read_extensions(Frame frame):
    cdef Cursor c = entries_of(frame)
    cdef Entry entry
    cdef dict read = {}
    cdef const KeyRow* row
    cdef object value
    for _ in range(frame.layout.entries):
        next_entry(&c, &entry)
        if entry.major == UINT and (entry.argument == TRACE or entry.argument == TRACESTATE):
            continue
        row = row_of_key(entry.argument if entry.major == UINT else 0)
        if not row.assigned:
            read[key_of(&entry)] = plain_value(&entry)
            continue
        value = read_known(&entry, row)
        if value is None:
            count_unusable(entry.argument)
        else:
            read[entry.argument] = value
    return read


cdef object plain_value(Entry* entry):
    """The value in Python; whole numbers, which are the most common, without a pass in Python."""
    cdef Cursor c
    cdef int major = 0
    cdef uint64_t number = 0
    c.at = entry.value
    c.end = entry.end
    read_head(&c, &major, &number)
    return number if major == UINT else decode_value(encoded_value(entry))


cdef object read_known(Entry* entry, const KeyRow* row):
    """The value of a known key, None where it is unusable. U-3 to U-7"""
    cdef const uint8_t* binary
    if row.is_number:
        return read_number(row, entry.value, entry.end)
    if not row.is_context:
        return keys.KEYS[entry.argument].read(encoded_value(entry))
    binary = usable_trace(entry.value, entry.end)
    return None if binary == NULL else read_trace_context(binary, "")


cdef object read_number(const KeyRow* row, const uint8_t* item, const uint8_t* end):
    """The plain number in a valid item, None where it is unusable. U-4, U-5"""
    cdef Cursor c
    cdef int major = 0
    cdef uint64_t number = 0
    c.at = item
    c.end = end
    read_head(&c, &major, &number)
    if major != UINT or number > row.most:
        return None
    return row.read_as if number > row.read_as else number
