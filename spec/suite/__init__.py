"""The conformance suite: cases, what they are asked of, and what came of them.

A case asks one thing of an implementation: of its codec through a testee (codec_cases.py), or of a
live peer through a socket (live_cases.py, and the modules that it names).
"""
