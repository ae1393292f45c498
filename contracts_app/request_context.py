"""The id of the request at work, for log lines and audit entries. A client may give it (X-Request-ID)."""

import re
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
ACCEPTED_ID = re.compile("[A-Za-z0-9._-]{1,128}")
"""What is taken from a client; all else is replaced."""
