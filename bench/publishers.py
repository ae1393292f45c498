"""Clients that publish as fast as they get responses: raw sockets, one request at a time on each connection.

python -m bench.publishers PORT CONNECTIONS SECONDS TEXTS < token

Each publishes a first version and nine successors of it, and repeats. TEXTS is `seen`: the texts were published before
under other names, as when many contracts share a schema; `new`: every text is different, and must be compiled and
compared; or `new, with alternatives`. It runs in its own process and uses little of the processor that the server
needs. Prints JSON, like bench.load.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from itertools import chain, count

from bench.store import SCHEMA


def body(run: str, writer: int, number: int, texts: str) -> bytes:
    schema = json.loads(SCHEMA)
    schema["properties"] |= {f"more_{step}": {"type": "integer"} for step in range(number % 10)}
    if texts != "seen":
        schema["description"] = f"{run} {writer} {number // 10}"
    if texts == "new, with alternatives":
        schema["properties"]["field_0"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    version, text = f"1.{number % 10}.0", json.dumps(schema)
    return json.dumps({"name": f"r{run}.w{writer}.n{number // 10}", "version": version, "jsonSchema": text}).encode()


class Writer:
    """One connection, and the requests sent on it."""

    def __init__(self, port: int, contents: Iterator[bytes], head: bytes) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.begun = 0.0
        self._head = head
        self._bodies = contents
        self._received = b""

    def send(self) -> None:
        content = next(self._bodies)
        self.begun = time.perf_counter()
        self.connection.sendall(b"%sContent-Length: %d\r\n\r\n%s" % (self._head, len(content), content))

    def answered(self) -> bool:
        """Read what has arrived; return whether the response is complete. Ends the process unless its status is 201."""
        data = self._received = self._received + self.connection.recv(1 << 16)
        end = data.find(b"\r\n\r\n")
        if end == -1:
            return False
        start_of_length = data.lower().index(b"content-length:", 0, end) + len(b"content-length:")
        if len(data) < end + 4 + int(data[start_of_length : data.index(b"\r\n", start_of_length)]):
            return False
        if data[9:12] != b"201":
            raise SystemExit(data.decode(errors="replace"))
        self._received = b""
        return True


def publish(port: int, connections: int, seconds: float, texts: str, token: str) -> dict[str, float]:
    run = uuid.uuid4().hex[:8]
    head = (
        "POST /registry/contracts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\n"
    ).encode()

    def contents(writer: int) -> Iterator[bytes]:
        # Built before the start, like those of the raw baseline; a fast writer builds more.
        made = [body(run, writer, number, texts) for number in range(int(seconds * 4000 / connections))]
        return chain(made, (body(run, writer, number, texts) for number in count(len(made))))

    ready = [contents(writer) for writer in range(connections)]
    selector = selectors.DefaultSelector()
    for each in ready:
        # Connect one after the other, as clients do: at once, one worker may accept all of them.
        writer = Writer(port, each, head)
        writer.send()
        selector.register(writer.connection, selectors.EVENT_READ, writer)
        time.sleep(0.01)
    times: list[float] = []
    start = time.perf_counter() + 0.05
    end = start + seconds
    while (now := time.perf_counter()) < end:
        for key, _ in selector.select(1):
            writer = key.data
            if writer.answered():
                now = time.perf_counter()
                if now >= start:
                    times.append(now - writer.begun)
                writer.send()
    times.sort()
    return {
        "perSecond": len(times) / seconds,
        "p50": times[len(times) // 2] * 1000,
        "p99": times[int(len(times) * 0.99)] * 1000,
    }


if __name__ == "__main__":
    port, connections, seconds, texts = sys.argv[1:]
    print(json.dumps(publish(int(port), int(connections), float(seconds), texts, sys.stdin.read().strip())))
