"""Times as the registry writes them: RFC 3339 in UTC with `Z`."""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone
from functools import lru_cache

_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def utc_now() -> str:
    """Return the present time, to the second."""
    return in_utc(int(time.time()))


@lru_cache(16)
def in_utc(second: int) -> str:
    """Return the time of seconds since 1970."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def normal_date_or_timestamp(text: str) -> str:
    """Return an RFC 3339 date or time in UTC; a date means its first moment. Raises ValueError."""
    return normal_timestamp(f"{text}T00:00:00Z" if len(text) == 10 else text)


def moment_of(text: str) -> datetime:
    """Return the time of an RFC 3339 date or time; a date means its first moment. Raises ValueError."""
    return datetime.fromisoformat(normal_date_or_timestamp(text).replace("Z", "+00:00")).astimezone(timezone.utc)


def normal_timestamp(text: str) -> str:
    """Return an RFC 3339 time in UTC, whatever its offset; the fraction is kept. Raises ValueError."""
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not an RFC 3339 date and time")
    if match[3] == "Z":
        datetime.fromisoformat(match[1])  # a date that exists
        return text
    moment = datetime.fromisoformat(match[1] + match[3])
    try:
        moment = moment.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError(f"{text!r} is outside the years 1 to 9999 in UTC") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + (match[2] or "") + "Z"


def milliseconds(text: str) -> int:
    """Return an RFC 3339 time in UTC as whole milliseconds since 1970."""
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(f"{seconds}+00:00").timestamp()) * 1000 + int(fraction[:3].ljust(3, "0"))
