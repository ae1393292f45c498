"""The id of the request at work, for log lines and audit entries."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
