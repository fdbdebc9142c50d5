"""Bytes from whatever holds bytes."""


def as_bytes(data: bytes | bytearray | memoryview) -> bytes:
    """The bytes of a buffer, copied unless they are ``bytes`` already.

    TypeError for what is no buffer, BufferError for a view that is not contiguous.
    """
    if type(data) is bytes:
        return data
    return bytes(contiguous(data))


def first_bytes(data: bytes | bytearray | memoryview, count: int) -> bytes:
    """At most ``count`` bytes of the buffer's beginning, without copying the rest of it."""
    view = contiguous(data)
    return bytes(view.cast("B")[:count]) if view.nbytes else b""


def contiguous(data: bytes | bytearray | memoryview) -> memoryview:
    """A view of the buffer. TypeError for what is none, BufferError where it has gaps."""
    try:
        view = memoryview(data)
    except TypeError:
        given = type(data).__name__
        hint = "; encode it first" if given == "str" else ""
        raise TypeError(f"expected bytes, bytearray or memoryview, not {given}{hint}") from None
    if view.nbytes and not view.c_contiguous:
        raise BufferError("the memoryview is not contiguous; pass bytes(view)")
    return view
