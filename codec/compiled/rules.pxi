# The rules and the fields that errors name, as numbers.

cdef enum Rule:
    SOUND
    F_1, F_2, F_3, F_4, F_5, F_6, F_7, F_8, F_9, F_10, F_11, F_12, F_13, F_14, F_15, F_16, F_17,
    F_18, X_1, X_2, X_3, X_4, X_5, X_6, X_7, X_8, X_9, X_10

cdef enum Field:
    IN_NONE, IN_TAG, IN_ARRAY, IN_KIND, IN_ID, IN_TARGET, IN_PAYLOAD, IN_MAP, IN_KEY, IN_VALUE

cdef tuple RULE_IDS = in_order({
    SOUND: None,
    F_1: "F-1", F_2: "F-2", F_3: "F-3", F_4: "F-4", F_5: "F-5", F_6: "F-6", F_7: "F-7",
    F_8: "F-8", F_9: "F-9", F_10: "F-10", F_11: "F-11", F_12: "F-12", F_13: "F-13", F_14: "F-14",
    F_15: "F-15", F_16: "F-16", F_17: "F-17", F_18: "F-18", X_1: "X-1", X_2: "X-2", X_3: "X-3",
    X_4: "X-4", X_5: "X-5", X_6: "X-6", X_7: "X-7", X_8: "X-8", X_9: "X-9", X_10: "X-10",
})
cdef tuple FIELD_NAMES = in_order({
    IN_NONE: None, IN_TAG: "tag", IN_ARRAY: "array", IN_KIND: "kind", IN_ID: "id",
    IN_TARGET: "target", IN_PAYLOAD: "payload", IN_MAP: "extensions", IN_KEY: "extension key",
    IN_VALUE: "extension value",
})


cdef tuple in_order(dict names):
    """The names at the numbers that they stand for. KeyError where one is missing."""
    return tuple([names[number] for number in range(len(names))])
