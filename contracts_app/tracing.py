"""Spans of OpenTelemetry. Without a configured exporter they cost next to nothing (serving/telemetry.py sets it up)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import propagate, trace

_tracer = trace.get_tracer("contract-registry")


@contextmanager
def span(name: str, **attributes: Any) -> Iterator[trace.Span]:
    """Record what happens inside as a span `registry.<name>`, with attributes `registry.<attribute>`."""
    with _tracer.start_as_current_span(f"registry.{name}") as current:
        if current.is_recording():
            for key, value in attributes.items():
                current.set_attribute(f"registry.{key}", value)
        yield current


def trace_headers() -> dict[str, str]:
    """Return the W3C headers that tie a message to the present trace; none outside of a recorded one."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def trace_id() -> str:
    """Return the id of the present trace in hexadecimal digits; empty outside of a recorded one."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid and context.trace_flags.sampled else ""
