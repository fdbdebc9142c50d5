"""The spans of one process: told to the one that started it, or counted."""

from collections.abc import Sequence
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import NoOpTracerProvider
from opentelemetry.trace import TracerProvider as AnyProvider

from examples.demo.control import report
from examples.demo.telemetry import facts_of

from .setting import Setting

_TOLD: Final = ("tracewire.fanout.recipients", "tracewire.fanout.kept")


class Spans:
    """``ended``: how many were recorded, and ``roots``: how many of them have no parent."""

    def __init__(self) -> None:
        self.ended = self.roots = 0

    def provider(self, setting: Setting) -> AnyProvider:
        if not setting.traced:
            return NoOpTracerProvider()
        provider = TracerProvider(sampler=setting.sampler(), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(_Export(self, setting.told)))
        return provider


class _Export(SpanExporter):
    def __init__(self, spans: Spans, told: bool) -> None:
        self._spans, self._told = spans, told

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            self._spans.ended += 1
            self._spans.roots += span.parent is None
            if self._told:
                attributes = span.attributes or {}
                pair = [attributes[key] for key in _TOLD if key in attributes]
                report(event="span", **facts_of(span), pair=pair)
        return SpanExportResult.SUCCESS
