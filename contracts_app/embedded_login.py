"""The login of the embedded nats-server: a secret of each start, in a file that only the service's user may read."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

LOGIN = "login.json"


def write_login(folder: Path, url: str) -> dict[str, str]:
    """Make a new login for the server at `url`, and return its url, user and password."""
    login = {"url": url, "user": "registry", "password": secrets.token_urlsafe(32)}
    write_private(folder / LOGIN, json.dumps(login))
    return login


def write_private(path: Path, text: str) -> None:
    """Write a file anew that only this user may read."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def read_login(folder: Path) -> dict[str, str]:
    """Return the login of the embedded server that runs, or ran last, in this folder; empty where there is none."""
    try:
        login = json.loads((folder / LOGIN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: str(login[key]) for key in ("url", "user", "password") if key in login}
