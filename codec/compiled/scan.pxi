# Where the fields of a frame lie: sections 2.1 and 3 of the specification, in one pass without
# Python objects. reference/layout.py and item.py are the same in Python.

cdef enum Major:
    UINT, NINT, BSTR, TSTR, ARRAY, MAP, TAG, SIMPLE

cdef enum:
    FALSE_INFO = 20
    NULL_INFO = 22
    UNKNOWN_KIND = -2  # not yet read
    BARE = -1

cdef uint64_t NOT_ASCII = 0x8080808080808080  # in any of eight bytes

cdef struct Cursor:
    const uint8_t* at
    const uint8_t* end
    const uint8_t* item  # where the item that is being read begins

cdef struct Span:
    Py_ssize_t start  # 0: not there, since no field lies at a frame's first byte
    Py_ssize_t end

cdef struct Layout:
    int kind
    bint has_id
    uint32_t id
    bint target_is_text
    uint32_t target_number
    Span target
    Span payload
    Span extensions  # the whole map
    int entries
    Span trace  # the values of keys 1 and 3
    Span state
    Py_ssize_t even  # where the first even key begins
    Field field  # of the fault
    Py_ssize_t offset


cdef inline Rule take(Cursor* c, uint64_t length) noexcept nogil:
    if length > <uint64_t>(c.end - c.at):
        return F_1  # F-1
    c.at += length
    return SOUND


cdef inline Rule read_head(Cursor* c, int* major, uint64_t* argument) noexcept nogil:
    """The next item's major type and argument; for floats and long simple values, their info."""
    cdef uint8_t initial
    cdef int info, size, i
    cdef uint64_t number = 0
    c.item = c.at
    if c.at == c.end:
        return F_1  # F-1
    initial = c.at[0]
    c.at += 1
    major[0] = initial >> 5
    info = initial & 0x1F
    if info < 24:
        argument[0] = info
        return SOUND
    if info == 31 and BSTR <= major[0] <= MAP:
        return F_3  # F-3
    if info > 27:
        return F_2  # F-2
    size = 1 << (info - 24)
    if size > c.end - c.at:
        return F_1  # F-1
    for i in range(size):
        number = number << 8 | c.at[i]
    c.at += size
    if major[0] == SIMPLE:
        argument[0] = info  # never 20 to 22
        return F_2 if info == 24 and number < 32 else SOUND  # F-2
    argument[0] = number
    if number < 24 or (size > 1 and number >> (4 * size) == 0):
        return F_4  # F-4
    return SOUND


cdef inline bint is_ascii(const uint8_t* p, Py_ssize_t n) noexcept nogil:
    cdef uint64_t eight, seen = 0
    while n >= 8:
        memcpy(&eight, p, 8)
        seen |= eight
        p += 8
        n -= 8
    while n:
        seen |= p[0]
        p += 1
        n -= 1
    return seen & NOT_ASCII == 0


cdef Rule check_utf8(const uint8_t* p, Py_ssize_t n) noexcept nogil:
    """RFC 3629: no surrogates, no overlong forms, nothing above 10FFFF."""
    cdef const uint8_t* end = p + n
    cdef uint8_t lead, low, high
    cdef uint64_t eight
    cdef int more, i
    while p < end:
        if end - p >= 8:
            memcpy(&eight, p, 8)
            if eight & NOT_ASCII == 0:
                p += 8
                continue
        lead = p[0]
        p += 1
        if lead < 0x80:
            continue
        low, high = 0x80, 0xBF
        if 0xC2 <= lead <= 0xDF:
            more = 1
        elif 0xE0 <= lead <= 0xEF:
            more = 2
            low = 0xA0 if lead == 0xE0 else low
            high = 0x9F if lead == 0xED else high
        elif 0xF0 <= lead <= 0xF4:
            more = 3
            low = 0x90 if lead == 0xF0 else low
            high = 0x8F if lead == 0xF4 else high
        else:
            return F_16  # F-16
        if more > end - p or not low <= p[0] <= high:
            return F_16  # F-16
        for i in range(1, more):
            if p[i] & 0xC0 != 0x80:
                return F_16  # F-16
        p += more
    return SOUND


cdef inline Rule take_text(Cursor* c, uint64_t length) noexcept nogil:
    cdef const uint8_t* start = c.at
    cdef Rule rule = take(c, length)
    return rule if rule else check_utf8(start, <Py_ssize_t>length)


cdef Rule skip_value(Cursor* c, int depth) noexcept nogil:
    """Passes over one value of the subset that lies inside ``depth`` containers."""
    cdef int major = 0
    cdef uint64_t argument = 0
    cdef Rule rule = read_head(c, &major, &argument)
    if rule or major <= NINT:
        return rule
    if major == BSTR:
        return take(c, argument)
    if major == TSTR:
        return take_text(c, argument)
    if major == SIMPLE and FALSE_INFO <= argument <= NULL_INFO:
        return SOUND
    if major >= TAG:
        return X_8  # X-8
    if depth == MAX_VALUE_DEPTH:
        return X_9  # X-9
    while argument:
        if major == MAP:
            rule = skip_nested_key(c)
            if rule:
                return rule
        rule = skip_value(c, depth + 1)
        if rule:
            return rule
        argument -= 1
    return SOUND


cdef Rule skip_nested_key(Cursor* c) noexcept nogil:
    """Passes over a key of a map inside a value."""
    cdef int major = 0
    cdef uint64_t argument = 0
    cdef Rule rule = read_head(c, &major, &argument)
    if rule:
        return rule
    if major == UINT:
        return SOUND
    return take_text(c, argument) if major == TSTR else X_10  # X-10


cdef Rule read_array(Cursor* c, Layout* into, uint64_t* elements) noexcept nogil:
    cdef int major = 0, i
    cdef Rule rule
    into.field = IN_TAG
    c.item = c.at
    for i in range(3):
        if c.at == c.end:
            return F_1  # F-1
        if c.at[0] != MAGIC[i]:
            return F_5  # F-5
        c.at += 1
    into.field = IN_ARRAY
    rule = read_head(c, &major, elements)
    if rule:
        return rule
    return SOUND if major == ARRAY and 4 <= elements[0] <= 5 else F_6  # F-6


cdef Rule read_kind_and_id(Cursor* c, Layout* into) noexcept nogil:
    cdef int major = 0
    cdef uint64_t number = 0
    cdef Rule rule
    into.field = IN_KIND
    rule = read_head(c, &major, &number)
    if rule:
        return rule
    if major != UINT or number > MAX_KIND:
        return F_7  # F-7
    into.kind = <int>number
    into.field = IN_ID
    rule = read_head(c, &major, &number)
    if rule:
        return rule
    if major != UINT or number > MAX_ID:
        return F_8  # F-8
    rule = check_id(into.kind, number)
    if rule:
        return rule
    into.id = <uint32_t>number
    into.has_id = True
    return SOUND


cdef inline Rule check_id(int kind, uint64_t id) noexcept nogil:
    """The rule that an id breaks, given the kind."""
    cdef Rule rule = <Rule>ID_RULE[kind]
    if rule == F_9:
        return F_9 if id == 0 else SOUND  # F-9
    if rule == F_10:
        return F_10 if id != 0 else SOUND  # F-10
    return SOUND


cdef inline Rule check_target(int kind, int major, uint64_t argument) noexcept nogil:
    """The rule that a target of this type and number or length breaks, given the kind."""
    cdef bint text = major == TSTR and argument <= MAX_TARGET_BYTES
    cdef bint number = major == UINT and argument <= MAX_TARGET_NUMBER
    cdef Rule rule = <Rule>TARGET_RULE[kind]
    if rule == F_11:
        return SOUND if text and argument > 0 else F_11  # F-11
    if rule == F_12:
        return SOUND if text else F_12  # F-12
    if rule == F_13:
        return SOUND if number else F_13  # F-13
    if rule == F_14:
        return SOUND if number and argument == 0 else F_14  # F-14
    return SOUND if text or number else F_15  # F-15


cdef Rule read_target(Cursor* c, const uint8_t* start, Layout* into) noexcept nogil:
    cdef int major = 0
    cdef uint64_t argument = 0
    cdef Rule rule
    into.field = IN_TARGET
    rule = read_head(c, &major, &argument)
    if not rule:
        rule = check_target(into.kind, major, argument)
    if rule:
        return rule
    if major == UINT:
        into.target_number = <uint32_t>argument
        return SOUND
    into.target_is_text = True
    into.target.start = c.at - start
    rule = take_text(c, argument)
    into.target.end = c.at - start
    return rule


cdef Rule read_payload(Cursor* c, const uint8_t* start, Layout* into) noexcept nogil:
    cdef int major = 0
    cdef uint64_t length = 0
    cdef Rule rule
    into.field = IN_PAYLOAD
    rule = read_head(c, &major, &length)
    if rule:
        return rule
    if major != BSTR:
        return F_17  # F-17
    into.payload.start = c.at - start
    rule = take(c, length)
    into.payload.end = c.at - start
    return rule


cdef Rule read_key(Cursor* c, int* major, uint64_t* argument) noexcept nogil:
    cdef Rule rule = read_head(c, major, argument)
    if rule:
        return rule
    if major[0] == UINT:
        return SOUND if 1 <= argument[0] <= MAX_EXTENSION_KEY else X_5  # X-5
    if major[0] != TSTR:
        return X_4  # X-4
    if not 1 <= argument[0] <= MAX_EXTENSION_KEY_BYTES:
        return X_6  # X-6
    return take_text(c, argument[0])


cdef inline bint ascends(const uint8_t* last, Py_ssize_t size, const uint8_t* key, Py_ssize_t n) noexcept nogil:
    """Whether a key comes after the last one in bytewise order; no key is another's beginning."""
    return size == 0 or memcmp(last, key, size if size < n else n) < 0


cdef Rule read_entries(Cursor* c, const uint8_t* start, Layout* into) noexcept nogil:
    cdef int major = 0
    cdef uint64_t count = 0, argument = 0
    cdef const uint8_t* map_at = c.at
    cdef const uint8_t* last = NULL
    cdef const uint8_t* value
    cdef const uint8_t* key
    cdef Py_ssize_t last_size = 0
    cdef Rule rule
    cdef int i
    into.field = IN_MAP
    rule = read_head(c, &major, &count)
    if rule:
        return rule
    if major != MAP:
        return X_1  # X-1
    if not 1 <= count <= MAX_EXTENSION_ENTRIES:
        return X_2  # X-2
    into.entries = <int>count
    for i in range(into.entries):
        into.field = IN_KEY
        key = c.at
        rule = read_key(c, &major, &argument)
        if rule:
            return rule
        if not ascends(last, last_size, key, c.at - key):
            return X_7  # X-7
        last, last_size = key, c.at - key
        into.field = IN_VALUE
        value = c.at
        rule = skip_value(c, 0)
        if rule:
            return rule
        if c.at - map_at > MAX_EXTENSION_BYTES:
            into.field = IN_MAP
            c.item = map_at
            return X_3  # X-3
        if major == UINT:
            if argument == TRACE:
                into.trace = Span(value - start, c.at - start)
            elif argument == TRACESTATE:
                into.state = Span(value - start, c.at - start)
            elif argument & 1 == 0 and into.even == 0:
                into.even = key - start
    into.extensions = Span(map_at - start, c.at - start)
    return SOUND


cdef inline Rule scan_fields(Cursor* c, const uint8_t* start, Layout* into) noexcept nogil:
    cdef uint64_t elements = 0
    cdef Rule rule = read_array(c, into, &elements)
    if not rule:
        rule = read_kind_and_id(c, into)
    if not rule:
        rule = read_target(c, start, into)
    if not rule:
        rule = read_payload(c, start, into)
    if not rule and elements == 5:
        rule = read_entries(c, start, into)
    if not rule and c.at != c.end:
        into.field = IN_NONE
        c.item = c.at
        rule = F_18  # F-18
    return rule


cdef Rule scan(const uint8_t* data, Py_ssize_t length, Layout* into) noexcept nogil:
    """The first rule that the frame breaks, with field and offset in ``into``, or its layout."""
    cdef Cursor c
    cdef Rule rule
    memset(into, 0, sizeof(Layout))
    into.kind = UNKNOWN_KIND
    c.at = data
    c.end = data + length
    c.item = data
    rule = scan_fields(&c, data, into)
    if rule:
        into.offset = length if rule == F_1 else c.item - data
    return rule
