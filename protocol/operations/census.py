"""Census: whether every receiver of a destination reads frames (section 9 of the specification).

Only receivers can say that. Each instance reports its listener's mode, again and again, over
whatever channel the application has; what is not said anew within the window does not count.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from threading import Lock
from typing import Any, Final, NamedTuple

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from ..connection.messages import default_agent
from ..constants import GENERATION, Mode, instance_of
from ..tracing.semconv import meter_of
from .report import Report
from .traffic import DIALECTS, Dialect, DialectCounts, Traffic

WINDOW_SECONDS: Final = 60.0
#: Reports that are held of names which nobody expects: those are remote text.
UNEXPECTED: Final = 1_000
#: Destinations whose messages are counted apart; those of further ones are counted as OTHER.
DESTINATIONS: Final = 1_000
OTHER: Final = "_OTHER"

_NOBODY: Final = ("(nobody)", "no instance is expected: say which must report by expect()")
#: The name of the process that asks, beside those of instances.
_HERE: Final = "(this process)"


class Lacking(NamedTuple):
    """An instance that stands in the way, and why, in words for people."""

    name: str
    why: str


class Census:
    """What is known of the receivers of each destination. May be shared by threads.

    It decides whether senders may switch, and switches nothing: that is `Rollout`. It knows what
    is reported to it, and asks nobody.

    Args:
        window_seconds: how long a report counts.
        clock: seconds since 1970, as all instances' clocks tell them: a difference between two of
            them lengthens or shortens the window by as much.

    Raises:
        ValueError: the window is not over 0 and finite.
    """

    def __init__(
        self, window_seconds: float = WINDOW_SECONDS, *, clock: Callable[[], float] = time.time
    ) -> None:
        if not isinstance(window_seconds, (int, float)):
            raise TypeError(f"window_seconds is a number, not {window_seconds!r}")
        if not (isfinite(window_seconds) and window_seconds > 0):
            raise ValueError(f"window_seconds must be over 0 and finite, not {window_seconds}")
        self._window, self._clock = window_seconds, clock
        self._expected: dict[str, frozenset[str]] = {}
        #: The latest of each instance that is expected; and of others, first those silent longest.
        self._reports: dict[tuple[str, str], Report] = {}
        self._unexpected: dict[tuple[str, str], Report] = {}
        self._traffic: dict[str, Traffic] = {}
        self._lock = Lock()
        #: Reports of unexpected names that there was no room for.
        self.reports_dropped = 0

    # What is said to it.

    def expect(self, destination: str, names: Iterable[str]) -> None:
        """Lists every instance that receives a destination's messages, in place of a former list.

        Take the names from what schedules the instances, never from their reports: one that did
        not report would be missed by nobody.

        Args:
            destination: a name that the application gives to where messages go.
            names: without any nobody is expected, and the destination is not ready.

        Raises:
            TypeError: the names are one text.
        """
        if isinstance(names, str) or not isinstance(names, Iterable):
            raise TypeError(f"names is a collection of instances' names, not {names!r}")
        names = frozenset(names)
        for name in names:
            instance_of("the name of an instance", name, str)
        with self._lock:
            self._expected[destination] = names
            held = [*self._reports.values(), *self._unexpected.values()]
            for report in (each for each in held if each.destination == destination):
                key = destination, report.instance
                self._reports.pop(key, None)
                self._unexpected.pop(key, None)
                self._hold(report)

    def report(
        self,
        destination: str,
        instance: str | None,
        mode: Mode,
        generation: int = GENERATION,
    ) -> Report:
        """Makes a receiver's own report: it counts here, and is to be sent to who asks for `ready`.

        Only a receiver reports, and only for itself: that it sends frames shows nothing.

        Args:
            destination: what it receives the messages of.
            instance: the name that the deployer gave it; None is host:pid, as in hello. It must not
                be shared by two that run at once.
            mode: that of its listener: framed, both or bare.
            generation: what it is, 0 to 3 (section 6).

        Returns:
            The report, with the time of this clock, and for how long no bare message came if
            `received` was told of messages.

        Raises:
            ValueError: such a report cannot be true, or a name has no or too many bytes.
        """
        now = self._clock()
        traffic = self._traffic.get(destination)
        quiet = None if traffic is None else traffic.received.quiet(now)
        name = default_agent() if instance is None else instance
        report = Report(destination, name, mode, generation, now, quiet)
        self.merge(report)
        return report

    def merge(self, report: Report) -> None:
        """Takes a report from elsewhere, in any order and any number of times: the latest counts.

        Args:
            report: of an instance that nobody expects too; it is shown, and decides nothing.

        Raises:
            ValueError: its clock is ahead by more than the window, so it would count too long.
        """
        instance_of("what is merged", report, Report)
        now = self._clock()
        if report.at > now + self._window:
            ahead = f"{report.at - now:.0f} s ahead of this clock"
            said = f"the report of {report.instance!r} is {ahead}, over the window"
            raise ValueError(f"{said} of {self._window:g} s; set the clocks")
        key = report.destination, report.instance
        with self._lock:
            held = self._reports.get(key) or self._unexpected.get(key)
            if held is None or _order(report) >= _order(held) or held.at > now + self._window:
                self._hold(report)

    def sent(self, destination: str, dialect: Dialect) -> None:
        """Counts a message that this process sent. `Rollout.wrap` does it: not for its messages.

        Args:
            destination: where it went.
            dialect: bare or framed.

        Raises:
            ValueError: the dialect is neither.
        """
        self._traffic_of(destination).sent.count(dialect)

    def received(self, destination: str, dialect: Dialect) -> None:
        """Counts a message that this process received: what `may_drop_both` is decided by.

        Args:
            destination: where it came from.
            dialect: bare or framed; `Tracing.received` says so by ``is_bare``.

        Raises:
            ValueError: the dialect is neither.
        """
        self._traffic_of(destination).received.count(dialect)

    # What it says.

    def ready(self, destination: str) -> bool:
        """Whether senders may switch to frames. R-2

        It holds for now: ask again before each switch.

        Args:
            destination: as `expect` and reports name it.

        Returns:
            True if the latest report of each expected instance lies in the window and says that
            frames are read; False where nobody is expected.
        """
        return not self.missing(destination)

    def missing(self, destination: str) -> list[Lacking]:
        """Who stands in the way of `ready`.

        Args:
            destination: as `expect` and reports name it.

        Returns:
            The instances of which it is not known that they read frames, by name, and why.
        """
        return self._lacking(destination, self._unread)

    def may_drop_both(self, destination: str) -> bool:
        """Whether receivers in mode both may become framed: no bare message comes any more.

        Args:
            destination: as `expect` and reports name it.

        Returns:
            True if `needs_both` names nobody.
        """
        return not self.needs_both(destination)

    def needs_both(self, destination: str) -> list[Lacking]:
        """Who still gets bare messages, or does not show that it gets none.

        Every expected instance must have reported in the window that it counts its messages and for
        a whole window got no bare one. A sender that is silent longer than that is not seen.

        Args:
            destination: as `expect` and reports name it.

        Returns:
            The instances by name, and why; this process too, if it sent a bare message lately.
        """
        found = self._lacking(destination, self._unquiet)
        traffic = self._traffic.get(destination)
        if traffic is not None and traffic.sent.bare:
            quiet = traffic.sent.quiet(self._clock())
            if quiet is not None and quiet < self._window:
                found.append(Lacking(_HERE, f"sent a bare message {quiet:.0f} s ago"))
        return found

    def snapshot(self) -> list[dict[str, Any]]:
        """All of it as plain values, for people and tools to look at.

        Names and destinations in it may be remote text: escape them before a terminal or a page.

        Returns:
            One dict a destination, by name.
        """
        with self._lock:
            reports = [*self._reports.values(), *self._unexpected.values()]
            names = {*self._expected, *self._traffic, *(each.destination for each in reports)}
            expected = dict(self._expected)
            traffic = dict(self._traffic)
        now = self._clock()
        return [
            {
                "destination": name,
                "window_seconds": self._window,
                "ready": self.ready(name),
                "missing": [list(each) for each in self.missing(name)],
                "may_drop_both": self.may_drop_both(name),
                "needs_both": [list(each) for each in self.needs_both(name)],
                "expected": sorted(expected.get(name, ())),
                "instances": [
                    _instance(report, now, expected.get(name, frozenset()))
                    for report in sorted(reports, key=lambda each: each.instance)
                    if report.destination == name
                ],
                "sent": _counts(traffic[name].sent if name in traffic else None),
                "received": _counts(traffic[name].received if name in traffic else None),
            }
            for name in sorted(names)
        ]

    def export(self, meter_provider: MeterProvider) -> None:
        """Reports it as observable instruments, each destination an attribute. To be called once.

        Destinations are those that are expected here or whose messages are counted here: remote
        text names no series.

        Args:
            meter_provider: of the application; the global one is not used.
        """
        meter = meter_of(meter_provider)
        meter.create_observable_gauge(
            "tracewire.census.ready",
            callbacks=[self._observe_ready],
            description="1 where every expected receiver reads frames",
        )
        meter.create_observable_gauge(
            "tracewire.census.may_drop_both",
            callbacks=[self._observe_may_drop_both],
            description="1 where no receiver gets bare messages any more",
        )
        meter.create_observable_gauge(
            "tracewire.census.instances",
            callbacks=[self._observe_instances],
            unit="{instance}",
            description="Expected receivers, by whether they are known to read frames",
        )
        meter.create_observable_counter(
            "tracewire.census.messages",
            callbacks=[self._observe_messages],
            unit="{message}",
            description="Messages that this process sent and received, by dialect",
        )
        meter.create_observable_counter(
            "tracewire.census.reports_dropped",
            callbacks=[lambda options: [Observation(self.reports_dropped)]],
            unit="{report}",
            description="Reports of unexpected instances that there was no room for",
        )

    # How reports are held and judged.

    def _hold(self, report: Report) -> None:
        """In place of the instance's last one. What nobody expects never pushes out the rest."""
        key = report.destination, report.instance
        if report.instance in self._expected.get(report.destination, ()):
            self._reports[key] = report
            return
        self._unexpected.pop(key, None)
        if len(self._unexpected) >= UNEXPECTED:
            silent = next(iter(self._unexpected))
            if self._unexpected[silent].at >= self._clock() - self._window:
                self.reports_dropped += 1
                return
            del self._unexpected[silent]
        self._unexpected[key] = report

    def _lacking(
        self, destination: str, judge: Callable[[Report, float], str | None]
    ) -> list[Lacking]:
        """Each expected instance that is not in order, by a judge of its latest report."""
        now = self._clock()
        with self._lock:
            names = sorted(self._expected.get(destination, ()))
            latest = {name: self._reports.get((destination, name)) for name in names}
        if not names:
            return [Lacking(*_NOBODY)]
        found = []
        for name, report in latest.items():
            why = "has not reported" if report is None else judge(report, now)
            if why is not None:
                found.append(Lacking(name, why))
        return found

    def _unread(self, report: Report, now: float) -> str | None:
        """Why a report does not show that frames are read."""
        age = now - report.at
        if age > self._window:
            return f"reported last {age:.0f} s ago, and the window is {self._window:g} s"
        if -age > self._window:
            return f"its clock is {-age:.0f} s ahead of the one here"
        if report.mode == "bare":
            return "its listener is bare: it reads no frames"
        return None

    def _unquiet(self, report: Report, now: float) -> str | None:
        """Why a report does not show that no bare messages come."""
        if why := self._unread(report, now):
            return why
        if report.quiet is None:
            return "counted no message yet: it shows nothing of what is sent"
        if report.quiet < self._window:
            return f"is without a bare message for {report.quiet:.0f} s, not {self._window:g} s yet"
        return None

    def _traffic_of(self, destination: str) -> Traffic:
        traffic = self._traffic.get(destination)
        return traffic or self._begin_traffic(destination)

    def _begin_traffic(self, destination: str) -> Traffic:
        with self._lock:
            if len(self._traffic) >= DESTINATIONS and destination not in self._expected:
                destination = OTHER
            fresh = Traffic(DialectCounts(self._clock), DialectCounts(self._clock))
            return self._traffic.setdefault(destination, fresh)

    # Observations.

    def _named(self) -> list[str]:
        with self._lock:
            return sorted({*self._expected, *self._traffic})

    def _observe_ready(self, options: CallbackOptions) -> Iterable[Observation]:
        return [_observed(int(self.ready(name)), name) for name in self._named()]

    def _observe_may_drop_both(self, options: CallbackOptions) -> Iterable[Observation]:
        return [_observed(int(self.may_drop_both(name)), name) for name in self._named()]

    def _observe_instances(self, options: CallbackOptions) -> Iterator[Observation]:
        for name, expected in dict(self._expected).items():
            missing = len(self.missing(name)) if expected else 0
            yield _observed(len(expected) - missing, name, state="ready")
            yield _observed(missing, name, state="missing")

    def _observe_messages(self, options: CallbackOptions) -> Iterator[Observation]:
        for name, traffic in dict(self._traffic).items():
            for direction, counts in traffic._asdict().items():
                for dialect, count in _counts(counts).items():
                    yield _observed(count, name, direction=direction, dialect=dialect)


def _order(report: Report) -> tuple[float, bool]:
    """The later counts, and of two at one time the one that cannot read frames."""
    return report.at, report.mode == "bare"


def _instance(report: Report, now: float, expected: frozenset[str]) -> dict[str, Any]:
    return {
        "instance": report.instance,
        "mode": report.mode,
        "generation": report.generation,
        "age_seconds": now - report.at,
        "quiet_seconds": report.quiet,
        "expected": report.instance in expected,
    }


def _counts(counts: DialectCounts | None) -> dict[str, int]:
    return {dialect: 0 if counts is None else getattr(counts, dialect) for dialect in DIALECTS}


def _observed(value: int, destination: str, **attributes: str) -> Observation:
    named = {"destination": destination, **attributes}
    return Observation(value, {f"tracewire.{name}": value for name, value in named.items()})
