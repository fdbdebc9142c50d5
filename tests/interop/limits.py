"""Limits for tests of peers."""

from typing import Final

from tracewire.protocol import Limits

#: Seconds; for limits whose end a test waits for.
SHORT: Final = 0.2
#: Seconds; for limits that must not be what ends a test.
NEVER: Final = 3600
ROOMY: Final = Limits(record_seconds=NEVER, linger_seconds=NEVER, discard_seconds=NEVER)
#: The same, but a connection error ends the connection once the other side could read why.
BRIEF: Final = Limits(record_seconds=NEVER, linger_seconds=NEVER, discard_seconds=0)
