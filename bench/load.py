"""A load generator for one known response: raw sockets, one request at a time on each connection.

python -m bench.load PORT CONNECTIONS SECONDS < request

It counts the bytes of a response instead of parsing them, and so uses little of the processor that the server needs;
the first response is read whole and its status checked. Prints JSON: requests per second, and the 50th and 99th
percentile of the response time, in milliseconds.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time


def read_answer(connection: socket.socket) -> bytes:
    """Read one whole response that has a Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 20)
    head, _, _ = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    body = int(lengths[0].split(b":")[1]) if lengths and b" 304 " not in head.split(b"\r\n")[0] + b" " else 0
    whole = len(head) + 4 + body
    while len(data) < whole:
        data += connection.recv(1 << 20)
    return data


def run(port: int, connections: int, seconds: float, request: bytes) -> dict[str, float]:
    selector = selectors.DefaultSelector()
    with socket.create_connection(("127.0.0.1", port)) as first:
        for _ in range(20):  # each worker must have seen the request once
            first.sendall(request)
            answer = read_answer(first)
    status = int(answer.split(b" ", 2)[1])
    if status >= 400:
        raise SystemExit(answer.decode(errors="replace"))
    expected = len(answer) - 1  # the seconds in the RateLimit header have one digit or two
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request)
        selector.register(connection, selectors.EVENT_READ, [time.perf_counter(), 0])
    times: list[float] = []
    begun = time.perf_counter()
    warm, end = begun + seconds / 4, begun + seconds * 5 / 4
    while (now := time.perf_counter()) < end:
        for key, _ in selector.select(1):
            state, connection = key.data, key.fileobj
            received = len(connection.recv(1 << 20))  # type: ignore[union-attr]
            if not received:
                raise SystemExit("the server closed a connection")
            state[1] += received
            if state[1] >= expected:
                now = time.perf_counter()
                if now > warm:
                    times.append(now - state[0])
                state[:] = [now, 0]
                connection.send(request)  # type: ignore[union-attr]
    times.sort()
    return {
        "status": status,
        "perSecond": len(times) / seconds,
        "p50": times[len(times) // 2] * 1000,
        "p99": times[int(len(times) * 0.99)] * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.stdin.buffer.read())))
