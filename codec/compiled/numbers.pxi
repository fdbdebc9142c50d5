# Constants of C, for the tests that hold them to the registry and to what the reference reads.


def _numbers():
    return {
        "prefix": PREFIX,
        "array_4": ARRAY_4,
        "array_5": ARRAY_5,
        "majors": (UINT, NINT, BSTR, TSTR, ARRAY, MAP, TAG, SIMPLE),
        "false_info": FALSE_INFO,
        "null_info": NULL_INFO,
        "false_byte": FALSE_BYTE,
        "trace_bytes": TRACE_BYTES,
        "trace_encoded": TRACE_ENCODED,
        "at_version": AT_VERSION,
        "at_trace_id": AT_TRACE_ID,
        "at_span_id": AT_SPAN_ID,
        "at_flags": AT_FLAGS,
        "printable": (FIRST_PRINTABLE, LAST_PRINTABLE),
        "stream_prefix": STREAM_PREFIX,
        "longest_record": LONGEST_RECORD,
        "kinds": KIND_COUNT,
        "specified_keys": SPECIFIED_KEYS,
    }


def _rule_id(int number):
    """The rule of a number. Where a debug build knows no such number, IndexError."""
    return RULE_IDS[number]
