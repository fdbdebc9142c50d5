"""What is given to serve, connect and the rest: what is wrong is said where it is given."""

import math
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from tracewire.protocol import (
    Census,
    Limits,
    Report,
    Rollout,
    Service,
    Timings,
    Tracing,
    connect,
    serve,
)

Make = Callable[..., object]


def serving(**options: Any) -> object:
    return serve("memory://a", Service(), **options)


def connecting(**options: Any) -> object:
    return connect("memory://a", **options)


both = pytest.mark.parametrize("make", [serving, connecting])

MODES = "'framed', 'both', 'bare'"
TRUSTS = "'parent', 'link', 'ignore'"


@both
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mode": "frame"}, MODES),
        ({"mode": "FRAMED"}, MODES),
        ({"mode": None}, MODES),
        ({"mode": ["framed"]}, MODES),
        ({"trust": "parents"}, TRUSTS),
        ({"trust": ""}, TRUSTS),
        ({"trust": True}, TRUSTS),
        ({"grease": -1}, "0, or one frame in so many"),
        ({"grease": True}, "0, or one frame in so many"),
        ({"grease": 1.5}, "0, or one frame in so many"),
        ({"grease": None}, "0, or one frame in so many"),
        ({"agent": "a" * 65}, "at most 64 bytes"),
        ({"agent": "é" * 33}, "at most 64 bytes"),
    ],
)
def test_a_word_that_there_is_not_is_refused_at_once(
    make: Make, options: dict[str, Any], said: str
) -> None:
    [(name, value)] = options.items()
    with pytest.raises(ValueError, match=f"{name}.*{said}.*, not ") as caught:
        make(**options)
    assert repr(value) in str(caught.value)


@both
@pytest.mark.parametrize(
    ("options", "type"),
    [
        ({"limits": {"in_flight": 1}}, "Limits"),
        ({"tracing": "ids"}, "Tracing"),
        ({"tracing": Tracing}, "Tracing"),
        ({"agent": 5}, "str"),
    ],
)
def test_an_option_of_another_type_is_refused_at_once(
    make: Make, options: dict[str, Any], type: str
) -> None:
    [name] = options
    with pytest.raises(TypeError, match=f"^{name} must be of type {type}, not "):
        make(**options)


@pytest.mark.parametrize("service", [None, Service, "guild"])
def test_what_is_no_service_is_not_served(service: Any) -> None:
    with pytest.raises(TypeError, match="^service must be of type Service, not "):
        serve("memory://a", service)


@pytest.mark.parametrize("url", [8000, None, b"tcp://127.0.0.1:0", Service()])
def test_what_is_no_url_is_refused_with_the_forms_of_urls(url: Any) -> None:
    for make in (lambda: serve(url, Service()), lambda: connect(url)):
        with pytest.raises(ValueError, match="is no address: write tcp://host:port, "):
            make()


def test_tls_is_for_tls_addresses_and_is_a_context() -> None:
    tls = ssl.create_default_context()
    for url, given, raised in (
        ("tcp://127.0.0.1:0", tls, ValueError),
        ("tls://127.0.0.1:0", True, TypeError),
    ):
        wrong: Any = given
        with pytest.raises(raised, match="tls"):
            serve(url, Service(), tls=wrong)
        with pytest.raises(raised, match="tls"):
            connect(url, tls=wrong)
    with pytest.raises(ValueError, match="tls"):
        serve("tls://127.0.0.1:0", Service())
    connect("tls://127.0.0.1:0")  # by default with one that checks the server's certificate


@pytest.mark.parametrize(
    ("options", "raised"),
    [
        ({"max_frame": "4MB"}, TypeError),
        ({"max_frame": 1.5e6}, TypeError),
        ({"in_flight": True}, TypeError),
        ({"in_flight": None}, TypeError),
        ({"connections": 0}, ValueError),
        ({"record_seconds": "30"}, TypeError),
        ({"record_seconds": math.nan}, ValueError),
        ({"linger_seconds": None}, TypeError),
        ({"keepalive_seconds": "10"}, TypeError),
        ({"keepalive_seconds": math.nan}, ValueError),
        ({"keepalive_seconds": 1}, ValueError),
    ],
)
def test_a_limit_that_is_none_is_refused(options: Any, raised: type[Exception]) -> None:
    [name] = options
    with pytest.raises(raised, match=name):
        Limits(**options)


@pytest.mark.parametrize(
    ("make", "raised", "said"),
    [
        (lambda: Tracing("id"), ValueError, "'ids', 'decision', 'sampled-only', 'off'"),  # type: ignore[arg-type]
        (lambda: Tracing([]), ValueError, "'ids', 'decision', 'sampled-only', 'off'"),  # type: ignore[arg-type]
        (lambda: Tracing(trust="parents"), ValueError, TRUSTS),  # type: ignore[arg-type]
        (lambda: Tracing(trust=""), ValueError, TRUSTS),  # type: ignore[arg-type]
        (lambda: Tracing(fanout_rate=0.5), TypeError, "fanout_rate must be a function"),  # type: ignore[arg-type]
        (lambda: Tracing(stranger_roots="9"), TypeError, "rate of roots is a number"),  # type: ignore[arg-type]
        (lambda: Tracing(stranger_roots=math.nan), ValueError, "rate of roots"),
        (lambda: Rollout("both"), ValueError, "'bare', 'framed'"),  # type: ignore[arg-type]
        (lambda: Rollout("bare", {"a": "both"}), ValueError, "'a' must be one of"),  # type: ignore[dict-item]
        (lambda: Rollout("bare", "guild"), TypeError, "destinations must be"),  # type: ignore[arg-type]
        (lambda: Rollout(tracing="ids"), TypeError, "tracing must be"),  # type: ignore[arg-type]
        (lambda: Rollout(census={}), TypeError, "census must be"),  # type: ignore[arg-type]
        (lambda: Rollout().switch("a", "both"), ValueError, "'bare', 'framed'"),  # type: ignore[arg-type]
        (lambda: Census("60"), TypeError, "window_seconds is a number"),  # type: ignore[arg-type]
        (lambda: Census().expect("a", None), TypeError, "names is a collection"),  # type: ignore[arg-type]
        (lambda: Census().expect("a", "b"), TypeError, "names is a collection"),
        (lambda: Census().expect("a", [1]), TypeError, "name of an instance must be"),  # type: ignore[list-item]
        (lambda: Census().report("a", "b", "framd"), ValueError, MODES),  # type: ignore[arg-type]
        (lambda: Census().report("a", 5, "both"), TypeError, "instance of a report must be"),  # type: ignore[arg-type]
        (lambda: Census().report(5, "b", "both"), TypeError, "destination of a report must"),  # type: ignore[arg-type]
        (lambda: Census().merge({"at": 1}), TypeError, "must be of type Report"),  # type: ignore[arg-type]
        (lambda: Census().sent("a", "both"), ValueError, "'bare', 'framed'"),  # type: ignore[arg-type]
        (lambda: Report("a", "b", "neither", 2, 1.0), ValueError, MODES),  # type: ignore[arg-type]
        (lambda: Timings("10"), TypeError, "rows must be of type int"),  # type: ignore[arg-type]
        (lambda: Timings(10, 1.5), TypeError, "minutes must be of type int"),  # type: ignore[arg-type]
        (lambda: Timings().around("guild"), TypeError, "entity is a function"),  # type: ignore[arg-type]
        (lambda: Timings().record("a", "b", math.inf), ValueError, "cannot have taken inf"),
        (lambda: Service(5), TypeError, "name of a service must be"),  # type: ignore[arg-type]
        (lambda: Service("\ud800"), ValueError, "1 to 255 bytes of UTF-8"),
        (lambda: Service().method(name=5), TypeError, "name of a method must be"),  # type: ignore[call-overload]
        (lambda: Service("a").method(name=""), ValueError, "1 to 255 bytes"),
        (lambda: Service().include("a"), TypeError, "must be of type Service"),  # type: ignore[arg-type]
    ],
)
def test_what_is_wrong_is_said_where_it_is_given(
    make: Any, raised: type[Exception], said: str
) -> None:
    def made() -> None:
        result = make()
        if callable(result):  # a decorator
            result(lambda: None)

    with pytest.raises(raised, match=said):
        made()
