"""What was acknowledged, and the writers and readers that hold the registries to it."""

from __future__ import annotations

import threading
import time
from collections import Counter

import httpx

from tests.api.conftest import ALL, make_token

HEADERS = {"Authorization": f"Bearer {make_token(*ALL, 'contracts:admin')}", "Accept": "application/json"}
NAME = "drill.clock"


class Ledger:
    """Records each acknowledged version, with the time of the acknowledgement, and every contradiction to it."""

    def __init__(self, *urls: str) -> None:
        self.urls = urls
        self.acknowledged: dict[int, str] = {}
        self.faults: list[str] = []
        self.cut: list[str] = []
        """Requests whose connection was closed before the response."""
        self.outcomes: Counter[tuple[str, int]] = Counter()
        self.slowest_health = 0.0
        self.last_success: dict[str, float] = {}
        """When each registry last answered a read and acknowledged a write."""
        self.last_write: dict[str, float] = {}
        self._lock = threading.Lock()
        self._number = 0
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Ledger:
        for number in range(8):
            self._begin(self._write, self.urls[number % len(self.urls)])
        for url in self.urls:
            for each in (self._read_latest, self._read_list, self._check_health):
                self._begin(each, url)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    def _begin(self, work, url: str) -> None:
        thread = threading.Thread(target=self._repeat, args=(work, url), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _repeat(self, work, url: str) -> None:
        with httpx.Client(base_url=url, headers=HEADERS, timeout=30) as client:
            while not self._stopping.is_set():
                try:
                    work(client, url)
                except httpx.HTTPError as error:
                    if isinstance(error, (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)):
                        self.cut.append(f"{work.__name__} {url}: {error!r}")
                    time.sleep(0.05)

    def _write(self, client: httpx.Client, url: str) -> None:
        with self._lock:
            self._number += 1
            number = self._number
        body = {"name": NAME, "version": f"1.{number}.0", "jsonSchema": {"type": "object", "title": f"{number} {url}"}}
        answer = client.post("/registry/contracts", json=body)
        self.outcomes["write", answer.status_code] += 1
        if answer.status_code == 201:
            with self._lock:
                if number in self.acknowledged:
                    self.faults.append(f"1.{number}.0 was acknowledged twice")
                self.acknowledged[number] = answer.json()["digest"]
            self.last_write[url] = time.monotonic()
        elif answer.status_code not in (409, 422, 503):
            self.faults.append(f"a write: {answer.status_code} {answer.text[:200]}")
        time.sleep(0.02)

    @property
    def highest(self) -> int:
        with self._lock:
            return max(self.acknowledged, default=0)

    def _read_latest(self, client: httpx.Client, url: str) -> None:
        floor = self.highest
        answer = client.get(f"/registry/contracts/{NAME}/latest")
        self._judge(url, "latest", answer, floor, lambda: int(answer.json()["version"].split(".")[1]))

    def _read_list(self, client: httpx.Client, url: str) -> None:
        floor = self.highest
        answer = client.get("/registry/contracts")
        self._judge(
            url,
            "list",
            answer,
            floor,
            lambda: max((int(each["version"].split(".")[1]) for each in answer.json()["contracts"]), default=0),
        )
        time.sleep(0.02)

    def _judge(self, url: str, what: str, answer: httpx.Response, floor: int, shown) -> None:
        self.outcomes[what, answer.status_code] += 1
        if answer.status_code == 200:
            if (found := shown()) < floor:
                self.faults.append(f"stale {what} of {url}: {found} after {floor} was acknowledged")
            self.last_success[url] = time.monotonic()
        elif answer.status_code == 404 and floor:
            self.faults.append(f"a false 404 for {what} of {url}")
        elif answer.status_code not in (404, 503):
            self.faults.append(f"{what} of {url}: {answer.status_code} {answer.text[:200]}")

    def _check_health(self, client: httpx.Client, url: str) -> None:
        started = time.monotonic()
        client.get("/healthz")
        self.slowest_health = max(self.slowest_health, time.monotonic() - started)
        time.sleep(0.05)

    def wait_for_success(self, seconds: float, store_works=lambda: True) -> None:
        """Wait until every registry reads and writes again: at most so many seconds after the store itself works."""
        begun = works_since = time.monotonic()
        while not all(min(self.last_success.get(url, 0), self.last_write.get(url, 0)) > begun for url in self.urls):
            if not store_works():
                works_since = time.monotonic()
            if time.monotonic() - works_since > seconds:
                self.faults.append(f"no success within {seconds} s: {self.last_success} {self.last_write} {begun}")
                break
            time.sleep(0.02)

    def check(self) -> None:
        """Read back every acknowledged version from each registry; raise AssertionError for any contradiction."""
        assert self.acknowledged, self.outcomes
        for url in self.urls:
            with httpx.Client(base_url=url, headers=HEADERS, timeout=30) as client:
                for number, digest in sorted(self.acknowledged.items()):
                    answer = client.get(f"/registry/contracts/{NAME}/1.{number}.0")
                    if answer.status_code != 200 or answer.json()["digest"] != digest:
                        self.faults.append(f"1.{number}.0 is lost at {url}: {answer.status_code} {answer.text[:100]}")
        assert not self.faults, (len(self.faults), self.faults[:10], self.outcomes)
