"""Logs as JSON lines, with the request id that ties them together."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import Any

import msgspec
from django.core.exceptions import ImproperlyConfigured

from contracts_app.request_context import request_id

_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "request", "server_time"}
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


class JSONFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        line: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if identity := request_id.get():
            line["requestId"] = identity
        line |= {key: value for key, value in record.__dict__.items() if key not in _PLAIN}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _ENCODER.encode(line).decode()


def logging_config(levels: str) -> dict[str, Any]:
    """The logging of `info,registry=debug`: a level for all, and levels for parts. Raises ImproperlyConfigured."""
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
    # Django repeats each refusal as a warning of its own; the access line already tells it.
    loggers.setdefault("django.request", {"level": "ERROR"})
    loggers.setdefault("httpx", {"level": "WARNING"})
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JSONFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": root, "handlers": ["stderr"]},
        "loggers": loggers,
    }
