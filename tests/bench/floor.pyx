# cython: language_level=3
"""The least that must be done: what the codec is compared with, and calls that do nothing.

Built for the tests that use it (build_floor in measure.py); no part of the package.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy


def empty1(a):
    pass


def empty4(a, b, c, d):
    pass


def allocate_and_copy(bytes source):
    """A second byte string of the same content."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(source)
    made = PyBytes_FromStringAndSize(NULL, size)
    memcpy(PyBytes_AS_STRING(made), PyBytes_AS_STRING(source), size)
    return made


def slice_records(bytes piece):
    """The records of a piece of a stream that ends with a record, each after its 4-byte length."""
    cdef const unsigned char *at = <const unsigned char *> PyBytes_AS_STRING(piece)
    cdef const unsigned char *end = at + PyBytes_GET_SIZE(piece)
    cdef size_t size
    records = []
    while end - at >= 4:
        size = (<size_t> at[0] << 24) | (at[1] << 16) | (at[2] << 8) | at[3]
        at += 4
        if size > <size_t> (end - at):
            raise ValueError("the piece ends inside a record")
        records.append(PyBytes_FromStringAndSize(<const char *> at, size))
        at += size
    return records
