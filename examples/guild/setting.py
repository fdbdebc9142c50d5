"""How the fleet traces: what the demo switches between to compare what each way costs."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
)
from opentelemetry.trace import TraceState, get_current_span

from tracewire.codec import NOT_SAMPLED, TraceContext
from tracewire.protocol import Tracing
from tracewire.protocol.tracing.policy import Propagate

Remedy = Literal["context", "roots", "peek"]


@dataclass(frozen=True)
class Setting:
    """``every``: one operation in so many is sampled, none of 0. ``traced``: whether there is
    tracing at all. ``without``: the remedy that is left out:

    - context: whoever is not sampled still gets the context, ids and all
    - roots: whoever a fan-out does not choose is told nothing, and asks its own sampler
    - peek: whoever receives extracts the context by OpenTelemetry's text map, and starts a span,
      before the decision is looked at

    ``told``: whether spans are reported one by one, and not only counted.
    """

    name: str
    every: int = 0
    traced: bool = True
    without: Remedy | None = None
    told: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        return cls(**fields)

    @property
    def policy(self) -> Propagate:
        if not self.traced:
            return "off"
        return "ids" if self.without == "context" else "decision"

    def sampler(self) -> Sampler:
        return ParentBased(Every(self.every) if self.every else ALWAYS_OFF)

    def rest(self, tracing: Tracing) -> Any:
        """What those recipients of a fan-out get for a trace whom it does not choose."""
        if self.without == "roots":
            return None
        trace, _ = tracing.inject()
        if self.without == "context" and isinstance(trace, TraceContext):
            return TraceContext(trace.trace_id, trace.span_id, trace.flags & ~1)
        return NOT_SAMPLED


class Every(Sampler):
    """Samples one root in so many, the first among them: counts of it can be foretold."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._seen = 0

    def should_sample(self, parent_context: Any, *arguments: Any, **options: Any) -> SamplingResult:
        decision = Decision.DROP if self._seen % self._number else Decision.RECORD_AND_SAMPLE
        self._seen += 1
        return SamplingResult(decision, trace_state=_state(parent_context))

    def get_description(self) -> str:
        return f"one in {self._number}"


def _state(context: Any) -> TraceState:
    return get_current_span(context).get_span_context().trace_state
