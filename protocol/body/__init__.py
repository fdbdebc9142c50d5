"""Bodies of calls: values to and from CBOR."""
