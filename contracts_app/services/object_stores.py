"""Backups in an object store: S3 and what speaks its protocol, Google Cloud Storage, Azure; by obstore.

Credentials, region and endpoint come from the environment variables of each provider's own tools, such as
`AWS_ACCESS_KEY_ID` and `AWS_ENDPOINT_URL`: https://developmentseed.org/obstore/latest/authentication/.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from contracts_app.services.backups import DESCRIPTION, InvalidBackup, backups_in

_RETRIES: Any = {"max_retries": 5}


class UploadFailed(Exception):
    """The object store refused, or could not be reached."""


def upload_all(folder: Path, url: str, done: Callable[[str], object]) -> None:
    """Upload every complete backup of a folder that the store does not have; call `done` with the URL of each.

    `backup.json` is written last, so a backup without it is not complete; the next call uploads what is missing of it.
    Files are sent in parts. Raises UploadFailed, OSError.
    """
    try:
        store = _store(url)
        for backup in backups_in(folder):
            there = {each["path"]: each["size"] for page in obstore.list(store, backup.name) for each in page}
            if f"{backup.name}/{DESCRIPTION}" in there:
                continue
            for file in sorted(backup.iterdir(), key=lambda each: each.name == DESCRIPTION):
                path = f"{backup.name}/{file.name}"
                if there.get(path) != file.stat().st_size:
                    obstore.put(store, path, file)
            done(f"{url.rstrip('/')}/{backup.name}")
    except BaseError as error:
        raise UploadFailed(_reason(url, error)) from None


def download(url: str, folder: Path) -> Path:
    """Fetch one backup into a new folder in `folder`, and return that. Raises InvalidBackup, OSError."""
    name = url.rstrip("/").rpartition("/")[2]
    target = folder / name
    try:
        store = _store(url)
        paths = [each["path"] for page in obstore.list(store) for each in page if "/" not in each["path"]]
        if DESCRIPTION not in paths:
            raise InvalidBackup(f"{url} has no {DESCRIPTION}: it is not a backup, or was not uploaded to its end")
        target.mkdir(parents=True, mode=0o700)
        for path in paths:
            with (target / path).open("wb") as file:
                for chunk in obstore.get(store, path).stream():
                    file.write(chunk)
    except BaseError as error:
        raise InvalidBackup(_reason(url, error)) from None
    return target


def is_url(text: str) -> bool:
    return "://" in text


def _store(url: str) -> Any:
    return from_url(url, retry_config=_RETRIES)


def _reason(url: str, error: Exception) -> str:
    # The rest of the text is for the library's own developers.
    return f"{url}: {str(error).partition('Debug source')[0].strip()}"
