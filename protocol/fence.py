"""The fence around foreign code: what it raises is logged and counted, and the work goes on.

Foreign is everything of others on a message's path: samplers, processors, propagators, meters,
clocks, functions that an application handed in, ``str()`` of its objects, handlers of its logs.
"""

import time
from logging import Logger
from typing import Final

#: Seconds in which one cause is logged once.
PAUSE: Final = 60.0
#: Causes that are told apart. Further ones share a line.
MOST_CAUSES: Final = 256

_OTHERS: Final = "further causes", Exception


class _Cause:
    """``logged``: when it was last. ``more``: how often it came since."""

    __slots__ = ("logged", "more")

    def __init__(self, logged: float) -> None:
        self.logged, self.more = logged, 0


class Fence:
    """What was contained so far, by place and type of exception, never by text.

    ``failures``: how many there were.
    """

    __slots__ = ("_causes", "failures")

    def __init__(self) -> None:
        self.failures = 0
        self._causes: dict[tuple[str, type[BaseException]], _Cause] = {}

    def report(self, logger: Logger, said: str, error: BaseException) -> None:
        """Logs a failure: the first of its cause with a traceback, then once a minute how many.

        ``said``: where it was, from a closed set of texts.
        """
        self.failures += 1
        now = time.monotonic()
        key = said, type(error)
        cause = self._causes.get(key)
        if cause is None and len(self._causes) >= MOST_CAUSES:
            key = _OTHERS
            cause = self._causes.get(key)
        if cause is not None and now - cause.logged < PAUSE:
            cause.more += 1
            return
        more = cause.more if cause is not None else 0
        self._causes[key] = _Cause(now)
        count = f" ({more} more of the kind since the last line)" if more else ""
        try:
            logger.error("%s%s", said, count, exc_info=error)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            self.failures += 1  # there is no place left to tell it

    def contain(self, logger: Logger, said: str, error: BaseException) -> None:
        """As report; what ends the program is raised on."""
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise error
        self.report(logger, said, error)

    def forget(self) -> None:
        """Every cause is new again."""
        self._causes.clear()


FENCE: Final = Fence()


def shown(value: object) -> str:
    """Text of a foreign object that can be written as UTF-8. Never fails."""
    try:
        text = str(value)
        return text if text.isascii() else text.encode(errors="replace").decode()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        return f"<{type(value).__name__}, whose text cannot be made>"
