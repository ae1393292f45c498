"""Logs: JSON lines for programs, or lines for people where development mode writes to a terminal."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

import msgspec
from django.core.exceptions import ImproperlyConfigured

from contracts_app.request_context import request_id
from contracts_app.tracing import trace_id

FORMATS = ("auto", "json", "text")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "request", "server_time"}
_LEVELS = {
    "trace": "DEBUG",
    "debug": "DEBUG",
    "info": "INFO",
    "warn": "WARNING",
    "warning": "WARNING",
    "error": "ERROR",
    "critical": "CRITICAL",
    "off": "CRITICAL",
}
_TARGETS = {"registry": ("contracts_app", "linter_app", "registry_project")}
_ENCODER = msgspec.json.Encoder(enc_hook=str)


class _LineFormatter(logging.Formatter):
    """One line for each record, or for each member of a record's `batch` (contracts_app/serving/access_log.py)."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        batch = fields.pop("batch", None) or [(record.created, fields)]
        return "\n".join(self.line(record, created, each) for created, each in batch)

    def line(self, record: logging.LogRecord, created: float, fields: dict[str, Any]) -> str:
        raise NotImplementedError


class JSONFormatter(_LineFormatter):
    """JSON objects, with the request id that ties the lines of a request together."""

    def line(self, record: logging.LogRecord, created: float, fields: dict[str, Any]) -> str:
        line: dict[str, Any] = {
            "time": f"{_seconds(int(created))}.{int(created % 1 * 1000):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if identifier := request_id.get():
            line["requestId"] = identifier
        if trace := trace_id():
            line["traceId"] = trace
        line |= fields
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return _ENCODER.encode(line).decode()
        except UnicodeEncodeError:  # a surrogate in a field must not lose the line
            return _ENCODER.encode({key: _encodable(value) for key, value in line.items()}).decode()


@lru_cache(2)
def _seconds(second: int) -> str:
    return datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else str(value)


class TextFormatter(_LineFormatter):
    """Time, level and message, with the fields that matter to a person at a terminal."""

    def line(self, record: logging.LogRecord, created: float, fields: dict[str, Any]) -> str:
        moment = datetime.fromtimestamp(created).strftime("%H:%M:%S")
        if record.getMessage() == "request" and "route" in fields:
            text = "{method} {route} {status} in {durationMs} ms".format_map(fields)
            text += f" by {fields['subject']}" if fields.get("subject") else ""
        else:
            shown = ", ".join(f"{key} {value}" for key, value in fields.items() if value not in (None, ""))
            text = record.getMessage() + (f" ({shown})" if shown else "")
        line = f"{moment} {record.levelname.lower():8} {text}".encode("utf-8", "backslashreplace").decode()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def logging_config(levels: str, *, text: bool = False) -> dict[str, Any]:
    """Return the logging of `info,registry=debug`: a level for all, then for parts. Raises ImproperlyConfigured."""
    root = "INFO"
    loggers: dict[str, dict[str, str]] = {}
    for part in filter(None, (part.strip() for part in levels.split(","))):
        target, found, level = part.rpartition("=")
        if level.lower() not in _LEVELS:
            raise ImproperlyConfigured(f"LOG_LEVEL: {level!r} is not one of {', '.join(_LEVELS)}")
        if not found:
            root = _LEVELS[level.lower()]
            continue
        for name in _TARGETS.get(target, (target.replace("::", "."),)):
            loggers[name] = {"level": _LEVELS[level.lower()]}
    # Django repeats each refusal as a warning of its own; the access log has it already.
    loggers.setdefault("django.request", {"level": "ERROR"})
    loggers.setdefault("httpx", {"level": "WARNING"})
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": TextFormatter if text else JSONFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"level": root, "handlers": ["stderr"]},
        "loggers": loggers,
    }
