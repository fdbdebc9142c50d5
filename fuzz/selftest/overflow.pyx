# cython: language_level=3, boundscheck=False, wraparound=False
"""A reader of one length and its content that believes the length: one byte too far is read."""


def read(bytes data):
    cdef const unsigned char* at = data
    cdef Py_ssize_t length = len(data)
    if length < 6 or at[0] != 0xD9 or at[1] != 0xD4 or at[2] != 0xF7:
        return None
    cdef int total = 0
    cdef Py_ssize_t i
    for i in range(at[3]):
        if 4 + i > length:  # planted: it should be >=
            return None
        total += at[4 + i]
    return total
