# What setup.py decides wins only where this header says nothing: no boundscheck here.
# cython: language_level=3, wraparound=False, cdivision=True, auto_pickle=False, autotestdict=False
# Functions are plain built-in ones, which the interpreter calls faster than Cython's own:
# cython: binding=False, embedsignature=True, embedsignature.format=clinic
"""The codec, compiled. It says of every input what the reference says.

What is common is done here, without Python objects; what is rare, such as shedding and refusing,
is done by the functions that the reference uses too.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_Resize
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_Check
from cpython.unicode cimport PyUnicode_1BYTE_DATA, PyUnicode_DecodeUTF8, PyUnicode_GET_LENGTH
cdef extern from "Python.h":
    str PyUnicode_New(Py_ssize_t size, unsigned int highest)
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(str text)

from collections.abc import Mapping
from types import MappingProxyType

from tracewire.codec import constants, keys, kinds, pickling, usable
from tracewire.codec.buffer import as_bytes, contiguous
from tracewire.codec.constants import Kind, Status
from tracewire.codec.counters import count_unusable
from tracewire.codec.errors import FrameError
from tracewire.codec.shedding import Tracestate, Whole, fit, unbind
from tracewire.codec.trace import NOT_SAMPLED, check_ids, format_traceparent, parse_traceparent, represent
from tracewire.codec.value import RawItem, decode_value, encode_value
from tracewire.codec.writing import write, write_key

IMPLEMENTATION = "compiled"

# The numbers of the format, as C.
cdef const uint8_t* MAGIC = constants.MAGIC
cdef int MAX_KIND = constants.MAX_KIND
cdef uint64_t MAX_ID = constants.MAX_ID
cdef uint64_t MAX_TARGET_BYTES = constants.MAX_TARGET_BYTES
cdef uint64_t MAX_TARGET_NUMBER = constants.MAX_TARGET_NUMBER
cdef uint64_t MAX_EXTENSION_ENTRIES = constants.MAX_EXTENSION_ENTRIES
cdef Py_ssize_t MAX_EXTENSION_BYTES = constants.MAX_EXTENSION_BYTES
cdef uint64_t MAX_EXTENSION_KEY = constants.MAX_EXTENSION_KEY
cdef uint64_t MAX_EXTENSION_KEY_BYTES = constants.MAX_EXTENSION_KEY_BYTES
cdef int MAX_VALUE_DEPTH = constants.MAX_VALUE_DEPTH
cdef int MAX_TRACE_VERSION = constants.MAX_TRACE_VERSION
cdef Py_ssize_t MAX_TRACESTATE_BYTES = constants.MAX_TRACESTATE_BYTES
cdef int MAX_TRACESTATE_MEMBERS = constants.MAX_TRACESTATE_MEMBERS
cdef int REQUEST = Kind.REQUEST
cdef int RESPONSE = Kind.RESPONSE
cdef int NOTIFICATION = Kind.NOTIFICATION
cdef uint64_t TRACE = constants.TRACE
cdef uint64_t TRACESTATE = constants.TRACESTATE

include "rules.pxi"
include "tables.pxi"
include "scan.pxi"
include "trace.pxi"
include "frame.pxi"
include "write.pxi"
include "relay.pxi"
include "stream.pxi"
include "numbers.pxi"
