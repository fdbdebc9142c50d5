"""RpcError and the body that carries it (C-21, C-22)."""

import pickle

import cbor2
import pytest

from tracewire.codec import Status
from tracewire.protocol.constants import Executed
from tracewire.protocol.errors import RpcError, read_error, write_error


def again(error: RpcError) -> RpcError:
    return read_error(error.status, write_error(error))


def fields(error: RpcError) -> tuple[Status, str, object, Executed | None]:
    return error.status, error.message, error.details, error.executed


@pytest.mark.parametrize("status", [status for status in Status if status != Status.OK])
@pytest.mark.parametrize("executed", [None, *Executed])
def test_an_error_is_read_as_it_was_written(status: Status, executed: Executed | None) -> None:
    error = RpcError(status, "why", {"a": [1, b"2", None, True]}, executed)
    assert fields(again(error)) == fields(error)


def test_the_body_is_that_of_the_specification() -> None:
    error = RpcError(Status.ABORTED, "why", [1], Executed.NO)
    assert write_error(error) == cbor2.dumps({0: "why", 1: [1], 2: 0})
    assert write_error(RpcError(Status.ABORTED)) == cbor2.dumps({0: ""})


def test_an_error_has_a_status_other_than_ok() -> None:
    with pytest.raises(ValueError, match="other than OK"):
        RpcError(Status.OK)


def test_an_error_survives_pickling() -> None:
    error = RpcError(Status.ABORTED, "why", [1], Executed.NO)
    assert fields(pickle.loads(pickle.dumps(error))) == fields(error)


def test_an_error_says_its_status_message_and_whether_it_ran() -> None:
    assert str(RpcError(Status.ABORTED, "why", None, Executed.MAYBE)) == (
        "ABORTED: why (executed: maybe)"
    )
    assert str(RpcError(Status.ABORTED)) == "ABORTED"


def size_of(message: str, details: object = None) -> int:
    return len(cbor2.dumps({0: message} | ({} if details is None else {1: details})))


def test_a_body_of_4096_bytes_is_written_whole() -> None:  # C-21
    message = "m" * (4_096 - size_of("m" * 4_000) + 4_000)
    body = write_error(RpcError(Status.ABORTED, message))
    assert len(body) == 4_096
    assert cbor2.loads(body) == {0: message}


@pytest.mark.parametrize("more", [1, 2, 10, 100_000])
@pytest.mark.parametrize("letter", ["m", "é", "世", "😀"])
@pytest.mark.parametrize("executed", [None, Executed.YES])
def test_a_longer_message_loses_its_end(
    more: int, letter: str, executed: Executed | None
) -> None:  # C-21
    message = letter * (4_096 // len(letter.encode()) + more)
    body = write_error(RpcError(Status.ABORTED, message, None, executed))
    assert 4_000 < len(body) <= 4_096
    said = cbor2.loads(body)
    assert message.startswith(said[0])
    assert (said.get(2), said[3]) == (executed, True)


def test_details_that_do_not_fit_go_before_the_message_does() -> None:  # C-21
    message = "m" * 3_000
    said = cbor2.loads(write_error(RpcError(Status.ABORTED, message, bytes(2_000), Executed.NO)))
    assert said == {0: message, 2: 0, 3: True}


@pytest.mark.parametrize("details", [1.5, object(), {1.5: 0}, {-1: 0}, "\ud800", 1 << 64, {1, 2}])
def test_details_outside_the_subset_are_left_out(details: object) -> None:
    said = cbor2.loads(write_error(RpcError(Status.ABORTED, "why", details)))
    assert said == {0: "why", 3: True}


def test_details_that_are_nested_too_deep_are_left_out() -> None:
    details: list[object] = []
    for _ in range(100_000):
        details = [details]
    assert cbor2.loads(write_error(RpcError(Status.ABORTED, "why", details)))[0] == "why"


def test_a_message_that_is_no_unicode_is_written_with_question_marks() -> None:
    assert cbor2.loads(write_error(RpcError(Status.ABORTED, "a\ud800b"))) == {0: "a?b"}


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"plain text of a generation 1 peer",
        cbor2.dumps("why"),
        cbor2.dumps(["why"]),
        cbor2.dumps({}),
        cbor2.dumps({0: 5}),
        cbor2.dumps({0: b"why"}),
        cbor2.dumps({1: "details", 2: 0}),
        cbor2.dumps({0: "why", 1: 1.5}),
        cbor2.dumps({0: "why"}) + b"\x00",
        cbor2.dumps({0: "m" * 5_000_000}),
    ],
    ids=lambda payload: payload[:8].hex() or "empty",
)
def test_a_body_that_is_no_such_map_reads_as_no_message(payload: bytes) -> None:  # C-22
    read = read_error(Status.NOT_FOUND, payload)
    assert fields(read) == (Status.NOT_FOUND, "", None, None)


def test_unknown_keys_are_ignored_and_the_first_of_duplicates_counts() -> None:
    payload = b"\xa4\x00\x61a\x00\x61b\x18\x63\xf6\x02\x02"
    assert fields(read_error(Status.ABORTED, payload)) == (
        Status.ABORTED,
        "a",
        None,
        Executed.YES,
    )


@pytest.mark.parametrize("said", [3, -1, "0", True, False, None, [0]])
def test_an_executed_that_is_none_of_the_three_was_not_said(said: object) -> None:
    assert read_error(Status.ABORTED, cbor2.dumps({0: "", 2: said})).executed is None
