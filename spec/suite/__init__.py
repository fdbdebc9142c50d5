"""The conformance suite: cases, what they are asked of, and what came of them.

A case asks one thing of an implementation: of its codec through a testee (codec_cases.py), of a
live peer through a socket (peer_*.py), or of a caller that connects to the suite (caller_*.py).
"""
