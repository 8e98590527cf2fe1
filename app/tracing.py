"""Traces and metrics for an OpenTelemetry collector, where one is named; the `telemetry` extra brings the libraries.

A span holds the route's template, the method, the status, the rule set's version and the number of runners, and joins
the caller's trace. What else callers send along (`tracestate`, `baggage`) may say anything about anybody: it is neither
read nor passed on.
"""

import re
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple, Self

from app import __version__

_TRACEPARENT: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_SERVICE: Final = "joint-risk"
_METRICS_EVERY_MS: Final = 15_000
CLOSE_MOST_S: Final = 3.0
"""What is left is sent within this time or given up: it comes out of the 25 s within which a process is gone."""


class TraceParent(NamedTuple):
    """Where a call stands in its caller's trace (W3C Trace Context, level 1).

    Attributes:
        trace_id: 32 hexadecimal digits.
        span_id: 16 of them: the caller's span.
        sampled: whether the caller records the trace.
    """

    trace_id: str
    span_id: str
    sampled: bool


def read_traceparent(header: bytes) -> TraceParent | None:
    """The trace that a `traceparent` header names, or None where it names none.

    >>> read_traceparent(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").span_id
    '00f067aa0ba902b7'
    >>> read_traceparent(b"00-00000000000000000000000000000000-00f067aa0ba902b7-01") is None
    True
    """
    found = _TRACEPARENT.fullmatch(header.strip())
    if found is None:
        return None
    version, trace_id, span_id, flags = (part.decode() for part in found.groups())
    later = header.strip().count(b"-") > 3
    if version == "ff" or (version == "00" and later) or not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return TraceParent(trace_id, span_id, bool(int(flags, 16) & 1))


class Tracing:
    """Sends a span for every call and the two figures that dashboards start with, in batches, beside the calls.

    Args:
        endpoint: base address of an OTLP/HTTP receiver; `/v1/traces` and `/v1/metrics` are added to it.
        share: of the traces that begin here, how many are recorded, 0 to 1; a caller's own choice is kept.

    Raises:
        ModuleNotFoundError: the `telemetry` extra is not installed.
    """

    def __init__(self, *, endpoint: str, share: float = 1.0) -> None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

        base = endpoint.rstrip("/")
        # Not the detected one: it would hold the host, the user and the command line.
        resource = Resource({"service.name": _SERVICE, "service.version": __version__})
        self._spans: TracerProvider = TracerProvider(
            # Closed by `close`, which has a bound; the libraries' own way, when the interpreter ends, has none.
            shutdown_on_exit=False,
            resource=resource,
            sampler=ParentBased(TraceIdRatioBased(share)),
        )
        self._spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{base}/v1/traces")))
        reader = PeriodicExportingMetricReader(
            OTLPMetricExporter(endpoint=f"{base}/v1/metrics"), export_interval_millis=_METRICS_EVERY_MS
        )
        self._meters: MeterProvider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self._tracer = self._spans.get_tracer(_SERVICE, __version__)
        meter = self._meters.get_meter(_SERVICE, __version__)
        self._durations = meter.create_histogram(
            "http.server.request.duration", unit="s", description="Duration of HTTP server requests."
        )
        self._runners = meter.create_counter("joint_risk.runners", unit="{runner}", description="Runners answered for.")

    @classmethod
    def starting(cls, endpoint: str | None, *, share: float) -> Self | None:
        """What sends to this receiver, or None where none is named."""
        return None if endpoint is None else cls(endpoint=endpoint, share=share)

    def begin(self, parent: TraceParent | None) -> Any:
        """A span of the caller's trace, or of a new one; to be given to `end`."""
        from opentelemetry.context import Context
        from opentelemetry.trace import (
            NonRecordingSpan,
            SpanContext,
            SpanKind,
            TraceFlags,
            set_span_in_context,
        )

        context = Context()
        if parent is not None:
            flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
            theirs = SpanContext(int(parent.trace_id, 16), int(parent.span_id, 16), is_remote=True, trace_flags=flags)
            context = set_span_in_context(NonRecordingSpan(theirs), context)
        return self._tracer.start_span("call", context=context, kind=SpanKind.SERVER)

    def end(self, span: Any, *, told: Mapping[str, str | int], duration_s: float) -> None:
        """Ends a span with what may be told of its call: `route`, `method`, `status`, `rule_set`, `runners`."""
        from opentelemetry.trace import StatusCode

        http = {
            "http.request.method": told["method"],
            "http.route": told["route"],
            "http.response.status_code": told["status"],
        }
        span.update_name(f"{told['method']} {told['route']}")
        span.set_attributes(http)
        runners = told.get("runners")
        if isinstance(runners, int):
            span.set_attribute("joint_risk.runners", runners)
            self._runners.add(runners)
        if "rule_set" in told:
            span.set_attribute("joint_risk.rule_set.version", told["rule_set"])
        if int(told["status"]) >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()
        self._durations.record(duration_s, http)

    def close(self) -> None:
        """Sends what is left; a receiver that does not answer is waited for `CLOSE_MOST_S`, for everything together."""
        # The libraries bound neither: a span in hand is waited for thirty seconds, and then its sender. So each is
        # closed by a thread that the process does not wait for when it ends.
        closing = [
            threading.Thread(target=close, name="tracing close", daemon=True)
            for close in (self._spans.shutdown, self._close_meters)
        ]
        deadline_s = time.monotonic() + CLOSE_MOST_S
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join(max(0.0, deadline_s - time.monotonic()))

    def _close_meters(self) -> None:
        # It raises where it does not come to an end in time; nobody is left who could do anything about that.
        with suppress(Exception):
            self._meters.shutdown(timeout_millis=CLOSE_MOST_S * 1000)
