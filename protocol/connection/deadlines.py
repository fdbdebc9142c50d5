"""When what is open expires: a heap of times and numbers, never of what has them."""

from heapq import heapify, heappop, heappush
from math import inf
from typing import Final

#: Times that are over and may stay in the heap, beside as many as are not.
_LEFT: Final = 64


class Deadlines:
    """The times of what is known by a number.

    ``times``: by number. What is taken out there has none any more.

    What ends in time leaves its entry in the heap, since to find it there would cost more than the
    whole call: it goes when its time has come, or when more than half of a heap is such. So ten
    thousand calls that are open cost nothing while they wait.
    """

    __slots__ = ("_heap", "times")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self.times: dict[int, float] = {}

    def set(self, number: int, time: float) -> None:
        """In place of the one that it has, if any."""
        self.times[number] = time
        heap = self._heap
        heappush(heap, (time, number))
        if len(heap) > _LEFT + 2 * len(self.times):
            heap[:] = [(time, number) for number, time in self.times.items()]
            heapify(heap)

    def due(self, now: float) -> list[int]:
        """The numbers whose time has come, the earliest first, which have none then."""
        heap, times = self._heap, self.times
        found = []
        while heap and heap[0][0] <= now:
            time, number = heappop(heap)
            if times.get(number) == time:
                del times[number]
                found.append(number)
        return found

    @property
    def next(self) -> float:
        """The earliest of the times, inf if there is none."""
        heap, times = self._heap, self.times
        while heap:
            time, number = heap[0]
            if times.get(number) == time:
                return time
            heappop(heap)
        return inf


#: Of every side that had none yet: an idle connection keeps no heap.
NO_DEADLINES: Final = Deadlines()
