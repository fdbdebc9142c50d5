"""Rollout: which destinations are sent frames (sections 5.4 and 9 of the specification)."""

from collections.abc import Callable, Mapping
from logging import getLogger
from typing import Final

from tracewire.codec import is_frame
from tracewire.codec.writing import Buffer, Extensions

from ..constants import instance_of, one_of
from ..errors import ModeUnknown
from ..fence import FENCE, shown
from ..tracing import Tracing
from .census import Census
from .traffic import DIALECTS, Dialect

_logger = getLogger("tracewire.rollout")

#: Destinations whose last answer is kept.
_MOST_ANSWERS: Final = 1_000


class NotReady(RuntimeError):
    """Receivers of a destination are not known to read frames, so it was not switched. R-2"""


class Rollout:
    """Says for each destination whether it is sent frames. May be shared by threads.

    A destination is a name for where messages go: a queue, a subject, an address. That it is framed
    is the deployer's word that every receiver of it reads frames; a frame that reaches one that
    does not is lost.

    Args:
        default: bare or framed, for destinations that the mapping does not have, bare if it is not
            given; and for those that the function never gave a dialect for.
        destinations: the configuration, as a mapping, or as a function that is asked anew for each
            message and so must be quick. Where it fails or gives no dialect, that is logged once a
            minute, and its last answer for the destination holds, else the default.
        tracing: makes the envelopes.
        census: asked before a switch to frames, and told of what is sent.

    Raises:
        ValueError: a dialect is neither bare nor framed.
    """

    def __init__(
        self,
        default: Dialect | None = None,
        destinations: Mapping[str, Dialect] | Callable[[str], Dialect] | None = None,
        *,
        tracing: Tracing | None = None,
        census: Census | None = None,
    ) -> None:
        self._default = None if default is None else _checked(default, "the default")
        self._configured: dict[str, Dialect] = {}
        self._ask: Callable[[str], Dialect] | None = None
        if callable(destinations):
            self._ask = destinations
        elif destinations is not None:
            instance_of("destinations", destinations, Mapping)  # type: ignore[type-abstract]
            for destination, dialect in destinations.items():
                self._configured[destination] = _checked(dialect, f"destination {destination!r}")
        self._answered: dict[str, Dialect] = {}
        self._switched: dict[str, Dialect] = {}
        self._tracing = Tracing() if tracing is None else instance_of("tracing", tracing, Tracing)
        self._census = None if census is None else instance_of("census", census, Census)

    def mode(self, destination: str) -> Dialect:
        """What the next message to a destination is sent as.

        Args:
            destination: its name.

        Returns:
            bare or framed.

        Raises:
            ModeUnknown: the rollout's function never gave one, and there is no default.
        """
        return self._switched.get(destination) or self.configured(destination)

    def configured(self, destination: str) -> Dialect:
        """What is configured for a destination, whatever was switched while running.

        Args:
            destination: its name.

        Returns:
            bare or framed.

        Raises:
            ModeUnknown: the rollout's function never gave one, and there is no default.
        """
        if self._ask is None:
            return self._configured.get(destination, self._default or "bare")
        try:
            answer = _checked(self._ask(destination), "the rollout's function")
        except BaseException as error:
            FENCE.contain(_logger, "the function of a rollout gave no dialect", error)
            return self._last_answer(destination, error)
        if self._answered.get(destination) != answer:
            self._keep_answer(destination, answer)
        return answer

    def _last_answer(self, destination: str, error: BaseException) -> Dialect:
        held = self._answered.get(destination) or self._default
        if held is None:
            said = f"the rollout's function gave no dialect for destination {destination!r}"
            why = f"{type(error).__name__}: {shown(error)}"
            raise ModeUnknown(f"{said}, and there is no default: {why}") from error
        return held

    def _keep_answer(self, destination: str, answer: Dialect) -> None:
        self._answered[destination] = answer
        if len(self._answered) > _MOST_ANSWERS:
            self._answered.pop(next(iter(self._answered)), None)  # another thread may have taken it

    def wrap(
        self, destination: str, message: Buffer, extensions: Extensions | None = None
    ) -> bytes:
        """The bytes to send: the message in an envelope with the current context, or as it is.

        Args:
            destination: the logical name that is rolled out, as a channel or a queue.
            message: the application's bytes.
            extensions: what the envelope has as well, as `Tracing.wrap` takes them. A bare message
                has no place for them and goes without.

        Returns:
            The bytes, counted as sent where there is a census.

        Raises:
            ValueError: a bare message begins like a frame (M-5).
            FrameError: the extensions make no valid frame.
            ModeUnknown: the rollout's function never gave one, and there is no default.
        """
        mode = self.mode(destination)
        if mode == "framed":
            data = self._tracing.wrap(message, extensions)
        elif is_frame(message):
            said = f"a message to {destination!r}, which is sent bare, begins like a frame"
            raise ValueError(f"{said}; switch the destination to framed, or change the message")
        else:
            data = bytes(message)
        if self._census is not None:
            try:
                self._census.sent(destination, mode)
            except BaseException as error:  # its clock is the application's
                FENCE.contain(_logger, "a message could not be counted for the census", error)
        return data

    def switch(self, destination: str, mode: Dialect) -> None:
        """Sets a destination, whatever is configured, from its next message on.

        It holds for this process, and until it ends: configure it as well. Connections that are
        open stay as they are.

        Args:
            destination: its name.
            mode: bare or framed.

        Raises:
            NotReady: to framed, and the census says that not every receiver reads frames; it
                names who does not.
            ValueError: the mode is neither.
        """
        if _checked(mode, f"destination {destination!r}") == "framed":
            self._check_ready(destination)
        self._set(destination, mode)

    def switch_unready(self, destination: str) -> None:
        """Switches to frames without asking the census, for somebody who knows better than it.

        A receiver that reads no frames loses every message from then on.

        Args:
            destination: its name.
        """
        self._set(destination, "framed")

    def reset(self, destination: str) -> None:
        """Goes back to what is configured.

        Args:
            destination: its name.

        Raises:
            NotReady: that means from bare to framed, and the census is not ready, as in `switch`.
            ModeUnknown: the rollout's function never gave one, and there is no default.
        """
        if self.configured(destination) == "framed" and self.mode(destination) == "bare":
            self._check_ready(destination)
        self._switched.pop(destination, None)
        _logger.info("destination %r is sent what is configured", destination)

    def _set(self, destination: str, mode: Dialect) -> None:
        self._switched[destination] = mode
        _logger.info("destination %r is switched to %s", destination, mode)

    def _check_ready(self, destination: str) -> None:
        missing = () if self._census is None else self._census.missing(destination)
        if missing:
            names = "; ".join(f"{name}: {why}" for name, why in missing)
            said = f"not every receiver of {destination!r} is known to read frames: {names}"
            raise NotReady(said)


def _checked(mode: Dialect, where: str) -> Dialect:
    return one_of(f"the mode of {where}", mode, DIALECTS)
