"""The id of the current request, for log lines and audit entries. A client may set it (X-Request-ID)."""

import re
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
ACCEPTED_ID = re.compile("[A-Za-z0-9._-]{1,128}")
"""Accepted form of a client's request id; any other value is replaced."""
