"""What is said of valid frames that a receiver will not take as they were meant."""

from tracewire.codec import Frame
from tracewire.codec.errors import SENTENCES
from tracewire.codec.keys import KEYS

from .unusable import unusable_keys


def notes(frame: Frame) -> list[tuple[str, str]]:
    """Each note's rule and sentence: values that read as absent (G-7), even keys (X-11)."""
    absent = [KEYS[key].rule for key in unusable_keys(frame)]
    found = [(rule, f"{rule}: {SENTENCES[rule]}; it reads as absent") for rule in absent]
    even = [str(key) for key in frame.raw_extensions if isinstance(key, int) and key % 2 == 0]
    if even:
        found.append(("X-11", f"X-11: even keys must be understood: {', '.join(even)}"))
    return found
