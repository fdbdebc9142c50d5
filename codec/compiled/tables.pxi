# The rows of keys.py and kinds.py as C. They are read when the module is imported, so that whatever
# is assigned there is known here.

cdef enum:
    KIND_COUNT = 65536  # of all kinds, assigned or not
    SPECIFIED_KEYS = 65536  # keys below may be assigned
    MOST_ROWS = 256

# The rules of a kind's id (F-9, F-10) and target (F-11 to F-14), SOUND where it is not assigned.
cdef uint8_t ID_RULE[KIND_COUNT]
cdef uint8_t TARGET_RULE[KIND_COUNT]

cdef struct KeyRow:
    bint assigned
    bint is_context  # its value is a binary trace context
    bint is_number  # its value is a plain number
    uint64_t most  # the largest that is usable
    uint64_t read_as  # what larger ones are read as

cdef KeyRow KEY_ROWS[MOST_ROWS]  # the first is that of every key that is not assigned
cdef uint8_t ROW_OF_KEY[SPECIFIED_KEYS]

cdef tuple KINDS = by_position({kind.value: kind for kind in Kind}, None)
cdef tuple STATUSES = by_position({status.value: status for status in Status}, Status.UNKNOWN)
cdef int KINDS_LISTED = len(KINDS)
cdef uint32_t STATUSES_LISTED = len(STATUSES)


cdef tuple by_position(dict values, object otherwise):
    """Each value at its number, and what stands at the numbers between them."""
    return tuple([values.get(number, otherwise) for number in range(max(values) + 1)])


cdef int fill_kinds() except -1:
    cdef int kind
    rules = {name: number for number, name in enumerate(RULE_IDS)}
    for row in kinds.ROWS:
        kind = row.kind
        if not 0 <= kind < KIND_COUNT:
            raise ValueError(f"kind {kind} lies outside those of the specification")
        ID_RULE[kind] = rules[row.id_rule]
        TARGET_RULE[kind] = rules[row.target_rule]
    return 0


cdef int fill_keys() except -1:
    cdef KeyRow other = KeyRow(False, False, True, usable.ANY_UINT, usable.ANY_UINT)
    cdef int number, at
    KEY_ROWS[0] = other
    if len(keys.ROWS) >= MOST_ROWS:
        raise ValueError(f"at most {MOST_ROWS - 1} keys can be assigned")
    for at, row in enumerate(keys.ROWS, 1):
        number = row.number
        if not 0 < number < SPECIFIED_KEYS:
            raise ValueError(f"key {number} lies outside those of the specification")
        ROW_OF_KEY[number] = at
        KEY_ROWS[at] = KeyRow(True, row.read is usable.trace_ids, False, 0, 0)
        if isinstance(row.read, usable.Uint):
            KEY_ROWS[at].is_number = True
            KEY_ROWS[at].most = row.read.most
            KEY_ROWS[at].read_as = row.read.read_as
    return 0


fill_kinds()
fill_keys()


cdef inline const KeyRow* row_of_key(uint64_t key) noexcept nogil:
    return &KEY_ROWS[ROW_OF_KEY[key] if key < SPECIFIED_KEYS else 0]
