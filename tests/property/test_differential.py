"""Both codecs say the same of every input: value, rule, offset, counts."""

from hypothesis import given

from fuzz import agreement, encoders
from tests.property.strategies import CHOICES, FEWER, INPUTS, MUTATED
from tracewire.codec.compiled import _speedups


@given(data=MUTATED)
def test_both_codecs_agree_on_mutated_vectors(data: bytes) -> None:
    agreement.check(_speedups, data)


@FEWER
@given(data=INPUTS)
def test_both_codecs_agree_on_drawn_frames(data: bytes) -> None:
    agreement.check(_speedups, data)


@FEWER
@given(choices=CHOICES)
def test_both_codecs_agree_on_arguments(choices: bytes) -> None:
    encoders.check(_speedups, choices)
