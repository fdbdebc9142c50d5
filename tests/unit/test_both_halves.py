"""What a program sees of a half of the codec is the same whichever half serves it."""

import copy
import inspect
import operator
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import tracewire.codec
from tests.unit.checks import BINARY_TRACE, SPAN_ID, TRACE_ID, frame_bytes
from tracewire.codec import reference
from tracewire.codec.compiled import _speedups
from tracewire.codec.constants import Kind, Status
from tracewire.codec.errors import FrameError
from tracewire.codec.trace import NOT_SAMPLED
from tracewire.codec.value import RawItem

SIGNATURES = {
    "encode_request": "(id, method, payload=b'', trace=None, extensions=None)",
    "encode_response": "(id, payload=b'', status=0, extensions=None)",
    "encode_notification": "(method, payload=b'', trace=None, extensions=None)",
    "encode": "(frame)",
    "decode": "(data)",
    "peek_trace": "(data)",
    "restamp": "(data, trace)",
    "strip": "(data)",
    "is_frame": "(data)",
    "wrap": "(message, trace=None, extensions=None)",
    "unwrap": "(data, *, mode='both', understood=())",
    "to_stream": "(frame_bytes)",
    "TraceContext.to_traceparent": "(self)",
    "TraceContext.from_traceparent": "(text, tracestate='')",
    "StreamDecoder.feed": "(self, data)",
    "StreamDecoder.eof": "(self)",
}
CLASSES = ["TraceContext", "Frame", "StreamDecoder"]
SHARED = {
    "Kind": Kind,
    "Status": Status,
    "NOT_SAMPLED": NOT_SAMPLED,
    "RawItem": RawItem,
    "FrameError": FrameError,
}
#: What takes their arguments, which a compiled class does not tell.
CONSTRUCTORS = {name: getattr(reference, name).__init__ for name in CLASSES}
#: A value of each kind that a program may hold on to.
VALUES: dict[str, Callable[[Any], Any]] = {
    "Frame": lambda codec: codec.decode(frame_bytes(extensions={1: BINARY_TRACE, 5: {"k": "v"}})),
    "bare message": lambda codec: codec.unwrap(b"message"),
    "TraceContext": lambda codec: codec.TraceContext(TRACE_ID, SPAN_ID, 1, "a=1"),
    "StreamDecoder": lambda codec: codec.StreamDecoder(),
    "RawItem": lambda codec: RawItem(b"\x01"),
}


def shape(function: Callable[..., object]) -> str:
    """The signature without types."""
    signature = inspect.signature(function)
    bare = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))


def test_each_half_says_which_it_is() -> None:
    assert (reference.IMPLEMENTATION, _speedups.IMPLEMENTATION) == ("reference", "compiled")


@pytest.mark.parametrize("name", SIGNATURES)
def test_functions_have_the_documented_arguments(codec: ModuleType, name: str) -> None:
    function = operator.attrgetter(name)(codec)
    assert shape(function) == SIGNATURES[name]
    assert inspect.getdoc(function)


@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_documented_and_named_alike(codec: ModuleType, name: str) -> None:
    cls = getattr(codec, name)
    assert (cls.__name__, cls.__qualname__) == (name, name)
    assert inspect.getdoc(cls) == inspect.getdoc(getattr(reference, name))


@pytest.mark.parametrize("name", [*SIGNATURES, *CLASSES, "FrameError", "RawItem"])
def test_an_entry_point_says_what_it_takes_gives_and_refuses(codec: ModuleType, name: str) -> None:
    entry = operator.attrgetter(name)(codec)
    doc = inspect.getdoc(entry) or ""
    if not isinstance(entry, type):
        assert "\nReturns:\n    " in doc or name == "TraceContext.to_traceparent"
    elif name != "FrameError":
        assert "\nRaises:\n    " in doc
    constructor = entry.__init__ if name in ("FrameError", "RawItem") else entry
    taken = inspect.signature(CONSTRUCTORS.get(name, constructor)).parameters.keys() - {"self"}
    said = set(re.findall(r"^    (\w+): ", doc.partition("\nArgs:\n")[2].split("\n\n")[0], re.M))
    assert said == taken


@pytest.mark.parametrize("name", SHARED)
def test_what_needs_no_speed_is_shared(codec: ModuleType, name: str) -> None:
    assert getattr(codec, name) is SHARED[name]


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_cannot_be_subclassed(codec: ModuleType, name: str) -> None:
    with pytest.raises(TypeError, match=name):
        type("Mine", (getattr(codec, name),), {})


@pytest.mark.parametrize("name", VALUES)
def test_a_value_takes_no_other_attribute(codec: ModuleType, name: str) -> None:
    value = VALUES[name](codec)
    with pytest.raises(AttributeError):
        value.other = 1
    assert not hasattr(value, "__dict__")


def test_the_maximum_of_a_decoder_cannot_be_changed(codec: ModuleType) -> None:
    decoder = codec.StreamDecoder(100)
    with pytest.raises(AttributeError):
        decoder.max_frame = 200
    assert decoder.max_frame == 100


PICKLED = ["Frame", "bare message", "TraceContext"]
SEALED = sorted(set(VALUES) - set(PICKLED))
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", SEALED)
def test_a_sealed_value_is_not_pickled(codec: ModuleType, name: str, protocol: int) -> None:
    value = VALUES[name](codec)
    with pytest.raises(TypeError, match="cannot (be )?pickle"):
        pickle.dumps(value, protocol)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("name", SEALED)
def test_a_sealed_value_is_not_copied(
    codec: ModuleType, name: str, copied: Callable[[object], object]
) -> None:
    value = VALUES[name](codec)
    with pytest.raises(TypeError, match="cannot (be )?pickle"):
        copied(value)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("name", PICKLED)
def test_what_cannot_change_is_its_own_copy(
    codec: ModuleType, name: str, copied: Callable[[object], object]
) -> None:
    value = VALUES[name](codec)
    assert copied(value) is value
    assert copied([value])[0] is value  # type: ignore[index]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", PICKLED)
def test_a_pickle_is_loaded_into_the_half_that_serves(
    codec: ModuleType, name: str, protocol: int
) -> None:
    loaded = pickle.loads(pickle.dumps(VALUES[name](codec), protocol))
    served = VALUES[name](tracewire.codec)
    assert loaded == served
    assert (type(loaded), hash(loaded), repr(loaded)) == (type(served), hash(served), repr(served))


LOADS = """
import pickle, sys
for value in pickle.loads(sys.stdin.buffer.read()):
    print(type(value).__module__, repr(value), getattr(value, "is_bare", None))
"""


@pytest.mark.parametrize("pure", ["", "1"], ids=["compiled", "reference"])
def test_a_pickle_is_loaded_by_a_process_with_either_half(codec: ModuleType, pure: str) -> None:
    values = [VALUES[name](codec) for name in PICKLED]
    run = subprocess.run(
        [sys.executable, "-c", LOADS],
        env={**os.environ, "TRACEWIRE_PURE_PYTHON": pure},
        input=pickle.dumps(values),
        capture_output=True,
        check=True,
    )
    half = reference if pure else _speedups
    expected = [VALUES[name](half) for name in PICKLED]
    shown = [f"{type(v).__module__} {v!r} {getattr(v, 'is_bare', None)}" for v in expected]
    assert run.stdout.decode().splitlines() == shown


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_one_in_a_process_stays_one_when_pickled(protocol: int) -> None:
    for one in (NOT_SAMPLED, Kind.REQUEST, Status.UNKNOWN):
        assert pickle.loads(pickle.dumps(one, protocol)) is one
        assert copy.deepcopy(one) is one


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (frame_bytes(0, 7, "é", b"\0body"), "<Kind.REQUEST: 0>, 7, 'é', b'\\x00body', {}"),
        (frame_bytes(1, 7, 14), "<Kind.RESPONSE: 1>, 7, 14, b'', {}"),
        (frame_bytes(32768, 0, "x"), "32768, 0, 'x', b'', {}"),
        (
            frame_bytes(6, 1, 0, b"", {1: None, "k": [1]}),
            "<Kind.PING: 6>, 1, 0, b'', {1: RawItem(b'\\xf6'), 'k': RawItem(b'\\x81\\x01')}",
        ),
    ],
)
def test_the_repr_of_a_frame_shows_its_fields(codec: ModuleType, data: bytes, shown: str) -> None:
    fields, _, extensions = shown.rpartition(", {")
    expected = f"Frame({fields}, raw_extensions={{{extensions})"
    assert repr(codec.decode(data)) == expected


@pytest.mark.parametrize("name", ["Frame", "bare message", "TraceContext"])
def test_values_of_both_halves_are_shown_alike(name: str) -> None:
    assert repr(VALUES[name](reference)) == repr(VALUES[name](_speedups))


@pytest.mark.parametrize("name", ["Frame", "bare message", "TraceContext"])
def test_values_of_two_halves_are_not_equal(name: str) -> None:
    assert VALUES[name](reference) != VALUES[name](_speedups)


@pytest.mark.parametrize(("half", "other"), [(reference, _speedups), (_speedups, reference)])
def test_a_half_takes_no_values_of_the_other(half: Any, other: Any) -> None:
    with pytest.raises(TypeError, match="TraceContext"):
        half.encode_request(1, "m", trace=VALUES["TraceContext"](other))
    with pytest.raises(TypeError, match="Frame"):
        half.encode(VALUES["Frame"](other))
