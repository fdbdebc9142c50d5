# Streams: section 5.1 of the specification.

cdef enum:
    STREAM_PREFIX = 4

cdef Py_ssize_t LONGEST_RECORD = 2**32 - 1


def to_stream(frame_bytes):
    """The frame after its length in 4 bytes, as it goes on a stream. Section 5.1

    Args:
        frame_bytes: a frame as it was encoded.

    Returns:
        The record, which `StreamDecoder` reads.

    Raises:
        FrameError: S-1, the frame is too long for such a length.
        TypeError: ``frame_bytes`` is no buffer.
        BufferError: ``frame_bytes`` is a view that is not contiguous.
    """
    cdef bytes record = as_bytes(frame_bytes)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(record)
    cdef uint8_t* p
    cdef bytes prefixed
    if size > LONGEST_RECORD:
        raise FrameError("S-1")  # S-1
    prefixed = PyBytes_FromStringAndSize(NULL, STREAM_PREFIX + size)
    p = <uint8_t*>PyBytes_AS_STRING(prefixed)
    p[0] = <uint8_t>(size >> 24)
    p[1] = <uint8_t>(size >> 16)
    p[2] = <uint8_t>(size >> 8)
    p[3] = <uint8_t>size
    memcpy(p + STREAM_PREFIX, PyBytes_AS_STRING(record), size)
    return prefixed


cdef inline Py_ssize_t prefix_at(const uint8_t* p) noexcept nogil:
    return <Py_ssize_t>(<uint32_t>p[0] << 24 | <uint32_t>p[1] << 16 | <uint32_t>p[2] << 8 | p[3])


@cython.final
@cython.binding(True)
@cython.embedsignature(False)
cdef class StreamDecoder:
    """Frames out of a stream that arrives in pieces of any size. Section 5.1

    One decoder serves one stream and one thread.

    Args:
        max_frame: the longest record that is accepted, in bytes without its prefix; 1 to 2**32 - 1.

    Raises:
        ValueError: ``max_frame`` lies outside.
        TypeError: ``max_frame`` is no number.
    """

    cdef readonly Py_ssize_t max_frame
    cdef bytearray _rest  # of a record that is not complete, prefix included
    cdef bint _overlong

    def __init__(self, max_frame=constants.MAX_FRAME):
        if not 1 <= max_frame <= LONGEST_RECORD:
            raise ValueError("max_frame must lie between 1 and 2**32 - 1")
        self.max_frame = max_frame
        self._rest = bytearray()
        self._overlong = False

    def feed(self, data):
        """The records that are complete now.

        Args:
            data: the next piece of the stream.

        Returns:
            A Frame for each record, for an invalid one the FrameError that says why; offsets count
            from the first byte after the prefix. A record over the maximum is refused as soon as
            its length is known: its error is the last item, and later feeds return an empty list.

        Raises:
            TypeError: ``data`` is no buffer.
            BufferError: ``data`` is a view that is not contiguous.
        """
        cdef list items = []
        cdef Py_buffer view
        cdef Py_ssize_t taken = 0
        acquire(data, &view)
        try:
            if len(self._rest):
                taken = self._complete(<const uint8_t*>view.buf, view.len, items)
            if not self._overlong and not len(self._rest):
                self._slice(<const uint8_t*>view.buf + taken, view.len - taken, items)
        finally:
            PyBuffer_Release(&view)
        return items

    def eof(self):
        """What the end of the stream cut off.

        Returns:
            The FrameError of a record that is not complete, None where there is none.
        """
        if not len(self._rest):
            return None
        return FrameError("S-3", max(0, len(self._rest) - STREAM_PREFIX))  # S-3

    cdef Py_ssize_t _complete(self, const uint8_t* p, Py_ssize_t size, list items) except -1:
        """Adds to the record begun before; how many bytes that took."""
        cdef Py_ssize_t taken = self._extend(p, size, STREAM_PREFIX)
        cdef Py_ssize_t length
        if len(self._rest) < STREAM_PREFIX:
            return taken
        length = prefix_at(<const uint8_t*>PyByteArray_AS_STRING(self._rest))
        if self._refuses(length, items):
            return taken
        taken += self._extend(p + taken, size - taken, STREAM_PREFIX + length)
        if len(self._rest) == STREAM_PREFIX + length:
            record = PyBytes_FromStringAndSize(
                PyByteArray_AS_STRING(self._rest) + STREAM_PREFIX, length
            )
            self._rest = bytearray()
            items.append(decode_record(record))
        return taken

    cdef Py_ssize_t _extend(self, const uint8_t* p, Py_ssize_t size, Py_ssize_t whole) except -1:
        """Brings the rest towards its whole size; how many bytes that took."""
        cdef Py_ssize_t had = len(self._rest)
        cdef Py_ssize_t more = min(max(0, whole - had), size)
        if more:
            PyByteArray_Resize(self._rest, had + more)
            memcpy(PyByteArray_AS_STRING(self._rest) + had, p, more)
        return more

    cdef int _slice(self, const uint8_t* p, Py_ssize_t size, list items) except -1:
        """Takes whole records out of a piece and keeps what is left of it."""
        cdef const uint8_t* end = p + size
        cdef Py_ssize_t length
        while end - p >= STREAM_PREFIX:
            length = prefix_at(p)
            if self._refuses(length, items):
                return 0
            if length > end - p - STREAM_PREFIX:
                break
            p += STREAM_PREFIX
            items.append(decode_record(PyBytes_FromStringAndSize(<const char*>p, length)))
            p += length
        self._extend(p, end - p, end - p)
        return 0

    cdef bint _refuses(self, Py_ssize_t length, list items) except -1:
        if length <= self.max_frame:
            return False
        items.append(FrameError("S-2", 0, None, None, None, f"{length} bytes, at most {self.max_frame}"))  # S-2
        self._overlong = True
        self._rest = bytearray()
        return True


cdef object decode_record(bytes record):
    """The frame, or the FrameError that says why there is none. S-4"""
    cdef Frame frame = Frame.__new__(Frame)
    cdef Rule rule = scan(
        <const uint8_t*>PyBytes_AS_STRING(record), PyBytes_GET_SIZE(record), &frame.layout
    )
    if rule:
        return fault(rule, &frame.layout)
    frame.data = record
    return frame
