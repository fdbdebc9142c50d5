"""TraceContext and NOT_SAMPLED: ids and flags, and the W3C text form."""

from enum import IntFlag
from types import ModuleType
from typing import Any

import pytest

from tracewire.codec.trace import NOT_SAMPLED

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
LARGEST = (1 << 128) - 1, (1 << 64) - 1, 0xFF


class Number(int):
    pass


class Text(str):
    pass


@pytest.mark.parametrize("fields", [(1, 1, 0), LARGEST, (1 << 127, 1 << 63, 2), (1 << 64, 1, 1)])
def test_ids_and_flags_keep_all_their_bits(codec: ModuleType, fields: tuple[int, int, int]) -> None:
    trace = codec.TraceContext(*fields, "a=1")
    assert (trace.trace_id, trace.span_id, trace.flags, trace.state) == (*fields, "a=1")


def test_a_context_has_no_state_unless_given(codec: ModuleType) -> None:
    assert codec.TraceContext(1, 1, 0).state == ""


def test_every_field_may_be_given_by_its_name(codec: ModuleType) -> None:
    named = codec.TraceContext(state="a=1", flags=3, span_id=2, trace_id=1)
    assert named == codec.TraceContext(1, 2, 3, "a=1")


def test_fields_may_be_of_a_subclass(codec: ModuleType) -> None:
    flags = IntFlag("flags", "SAMPLED RANDOM")
    special = codec.TraceContext(Number(1), Number(2), flags(3), Text("a=1"))
    assert special == codec.TraceContext(1, 2, 3, "a=1")
    assert repr(special) == repr(codec.TraceContext(1, 2, 3, "a=1"))
    assert special.to_traceparent() == codec.TraceContext(1, 2, 3).to_traceparent()


@pytest.mark.parametrize("one", [True, Number(1)])
def test_fields_are_of_the_plain_types(codec: ModuleType, one: int) -> None:
    trace = codec.TraceContext(one, one, one, Text("a=1"))
    fields = trace.trace_id, trace.span_id, trace.flags, trace.state
    assert [type(field) for field in fields] == [int, int, int, str]
    assert repr(trace) == repr(codec.TraceContext(1, 1, 1, "a=1"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trace_id", 0),
        ("trace_id", -1),
        ("trace_id", 1 << 128),
        pytest.param("trace_id", 10**5000, id="trace_id-huge"),
        ("span_id", 0),
        ("span_id", -1),
        ("span_id", 1 << 64),
        pytest.param("span_id", 10**5000, id="span_id-huge"),
        ("flags", -1),
        ("flags", 256),
        pytest.param("flags", 10**5000, id="flags-huge"),
    ],
)
def test_a_number_out_of_range_is_a_value_error(codec: ModuleType, name: str, value: int) -> None:
    fields: dict[str, Any] = {"trace_id": 1, "span_id": 1, "flags": 0, name: value}
    with pytest.raises(ValueError, match=name):
        codec.TraceContext(**fields)


@pytest.mark.parametrize("wrong", [None, "1", 1.0, b"\1"], ids=repr)
@pytest.mark.parametrize("name", ["trace_id", "span_id", "flags"])
def test_a_number_of_a_wrong_type_is_a_type_error(
    codec: ModuleType, name: str, wrong: object
) -> None:
    fields: dict[str, Any] = {"trace_id": 1, "span_id": 1, "flags": 0, name: wrong}
    with pytest.raises(TypeError, match=type(wrong).__name__):
        codec.TraceContext(**fields)


@pytest.mark.parametrize("wrong", [None, b"a=1", 0, ["a=1"]], ids=repr)
def test_a_state_of_a_wrong_type_is_a_type_error(codec: ModuleType, wrong: object) -> None:
    with pytest.raises(TypeError, match=type(wrong).__name__):
        codec.TraceContext(1, 1, 0, wrong)


@pytest.mark.parametrize("args", [(), (1, 1), (1, 1, 0, "", None)])
def test_arguments_that_do_not_fit_the_signature_are_a_type_error(
    codec: ModuleType, args: tuple[object, ...]
) -> None:
    with pytest.raises(TypeError, match="argument"):
        codec.TraceContext(*args)


@pytest.mark.parametrize("flags", range(256))
def test_bit_0_of_the_flags_is_sampled(codec: ModuleType, flags: int) -> None:
    assert codec.TraceContext(1, 1, flags).sampled is (flags % 2 == 1)


@pytest.mark.parametrize("name", ["trace_id", "span_id", "flags", "state", "sampled", "other"])
def test_a_context_cannot_be_changed(codec: ModuleType, name: str) -> None:
    trace = codec.TraceContext(1, 2, 3, "a=1")
    with pytest.raises(AttributeError):
        setattr(trace, name, 5)
    with pytest.raises(AttributeError):
        delattr(trace, name)
    assert trace == codec.TraceContext(1, 2, 3, "a=1")


def test_equal_fields_make_equal_contexts(codec: ModuleType) -> None:
    trace, same = codec.TraceContext(1, 2, 3, "a=1"), codec.TraceContext(1, 2, 3, "a=1")
    assert trace == same
    assert hash(trace) == hash(same)
    assert {trace: "found"}[same] == "found"


@pytest.mark.parametrize("other", [(2, 2, 3, "a=1"), (1, 1, 3, "a=1"), (1, 2, 2, "a=1"), (1, 2, 3)])
def test_a_context_differs_from_one_with_any_other_field(
    codec: ModuleType, other: tuple[Any, ...]
) -> None:
    assert codec.TraceContext(1, 2, 3, "a=1") != codec.TraceContext(*other)


@pytest.mark.parametrize("other", [None, NOT_SAMPLED, False, (1, 2, 3, "")], ids=repr)
def test_a_context_is_never_equal_to_what_is_none(codec: ModuleType, other: object) -> None:
    assert codec.TraceContext(1, 2, 3) != other


def test_contexts_have_no_order(codec: ModuleType) -> None:
    with pytest.raises(TypeError, match="not supported"):
        codec.TraceContext(1, 2, 3) < codec.TraceContext(1, 2, 4)  # noqa: B015


def test_the_repr_makes_an_equal_context(codec: ModuleType) -> None:
    trace = codec.TraceContext(0xAB, 0xCD, 3, "a=1")
    assert repr(trace) == f"TraceContext(0x{'ab':>032}, 0x{'cd':>016}, 3, 'a=1')"
    assert eval(repr(trace), {"TraceContext": codec.TraceContext}) == trace


def test_not_sampled_is_not_sampled() -> None:
    assert NOT_SAMPLED.sampled is False
    assert repr(NOT_SAMPLED) == "NOT_SAMPLED"
    assert NOT_SAMPLED is not None


# The text form.


@pytest.mark.parametrize("flags", range(256))
def test_flags_are_kept_whole_in_text(codec: ModuleType, flags: int) -> None:
    text = f"00-{TRACE}-{SPAN}-{flags:02x}"
    trace = codec.TraceContext.from_traceparent(text)
    assert trace == codec.TraceContext(int(TRACE, 16), int(SPAN, 16), flags)
    assert trace.to_traceparent() == text


@pytest.mark.parametrize("fields", [(1, 1, 0), LARGEST])
def test_ids_are_padded_in_text(codec: ModuleType, fields: tuple[int, int, int]) -> None:
    trace = codec.TraceContext(*fields)
    assert len(trace.to_traceparent()) == 55
    assert codec.TraceContext.from_traceparent(trace.to_traceparent()) == trace


def test_a_tracestate_is_given_beside_the_traceparent(codec: ModuleType) -> None:
    text = f"00-{TRACE}-{SPAN}-01"
    trace = codec.TraceContext.from_traceparent(text, "a=1,b=2")
    assert trace.state == "a=1,b=2"
    assert trace.to_traceparent() == text
    assert codec.TraceContext.from_traceparent(tracestate="a=1", text=text).state == "a=1"


@pytest.mark.parametrize("version", ["01", "0a", "cc", "fe"])
@pytest.mark.parametrize("suffix", ["", "-", "-what-the-future-brings", "-00-é"])
def test_a_later_version_is_read_by_its_known_part(
    codec: ModuleType, version: str, suffix: str
) -> None:
    trace = codec.TraceContext.from_traceparent(f"{version}-{TRACE}-{SPAN}-03{suffix}")
    assert trace.to_traceparent() == f"00-{TRACE}-{SPAN}-03"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-",
        f"00-{TRACE}-{SPAN}-0",
        f"00-{TRACE}-{SPAN}-011",
        f"00-{TRACE}-{SPAN}-01-",
        f"00-{TRACE}-{SPAN}-01-more",
        f"01-{TRACE}-{SPAN}-01more",
        f"01-{TRACE}-{SPAN}-01.more",
        f"ff-{TRACE}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01-more",
        f"0-{TRACE}-{SPAN}-01",
        f"000-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-01",
        f"00-{TRACE}-{SPAN}-0A",
        f"FE-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f"00-{TRACE}-{SPAN[1:]}-01",
        f"00-{TRACE}-{SPAN}0-01",
        f"00-g{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0x",
        f"00_{TRACE}_{SPAN}_01",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01 ",
        f"00-{TRACE}-{SPAN}-01\n",
        f"01-{TRACE}-{SPAN}-01-\n",
        f"00-{TRACE}-{SPAN}-٠١",
        f"00-{'+' + TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE[:15]}_{TRACE[16:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\0",
        "00-" * 100_000,
    ],
    ids=lambda text: ascii(text[:70]),
)
def test_bad_text_is_a_value_error(codec: ModuleType, text: str) -> None:
    with pytest.raises(ValueError, match=r"traceparent|trace_id|span_id") as caught:
        codec.TraceContext.from_traceparent(text)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("wrong", [None, f"00-{TRACE}-{SPAN}-01".encode(), 5], ids=repr)
def test_text_of_a_wrong_type_is_a_type_error(codec: ModuleType, wrong: object) -> None:
    with pytest.raises(TypeError, match="string|str"):
        codec.TraceContext.from_traceparent(wrong)


@pytest.mark.parametrize("wrong", [None, b"a=1", 5], ids=repr)
def test_a_tracestate_of_a_wrong_type_is_a_type_error(codec: ModuleType, wrong: object) -> None:
    with pytest.raises(TypeError, match=type(wrong).__name__):
        codec.TraceContext.from_traceparent(f"00-{TRACE}-{SPAN}-01", wrong)
