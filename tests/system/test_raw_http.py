"""Bytes that no client library would send: whatever comes in on the socket, no 5xx, no hang, no growth.

FUZZ_CALLS says how many; `make fuzz` asks for many more than `make test`. The calls are drawn from a fixed seed, so a
failure names the number of the call that made it.
"""

import gzip
import json
import os
import random
import re
import socket
from collections import Counter
from contextlib import suppress

from tests.system.running import REQUEST, Server, Starter

CALLS = int(os.environ.get("FUZZ_CALLS", "400"))
GROWTH_MOST_BYTES = 40_000_000
ROUTES = [
    b"/v1/scores",
    b"/v1/scores:batch",
    b"/v1/scores:verify",
    b"/v1/factors",
    b"/v1/rule-sets",
    b"/readyz",
    b"/%00",
    b"//",
]
METHODS = [
    b"GET",
    b"POST",
    b"PUT",
    b"DELETE",
    b"HEAD",
    b"OPTIONS",
    b"TRACE",
    b"PATCH",
    b"CONNECT",
    b"get",
    b"B\xc3\xa4d",
]


def bodies(chance: random.Random) -> bytes:
    """A body that is wrong in one of the ways that bodies are wrong."""
    deep = chance.choice([20, 1_000, 100_000])
    return chance.choice(
        [
            REQUEST,
            REQUEST[: chance.randrange(len(REQUEST))],
            b"[" * deep + b"]" * deep,
            b'{"a":' * deep + b"1" + b"}" * deep,
            b'{"runner": {"age_years": ' + b"9" * chance.choice([30, 5_000]) + b"}}",
            b'{"runner": {"age_years": 1e' + b"9" * 400 + b"}}",
            b'{"runner": {"\\ud800": "\\udfff"}}',
            b'{"runner": {"sex": "\xed\xa0\x80"}}',
            b'{"runner": {"knee": {"symptoms": [' + b'"x",' * 20_000 + b'"x"]}}}',
            b'{"runner":{},"runner":{}}',
            b"NaN",
            b"\xff\xfe" + REQUEST,
            b"\x00" * 5_000,
            chance.randbytes(chance.randrange(2_000)),
            b"",
        ]
    )


def framed(chance: random.Random, body: bytes) -> tuple[list[bytes], bytes]:
    """Headers that say how long the body is, truthfully or not, and what follows them."""
    match chance.randrange(14):
        case 1:
            return [b"Transfer-Encoding: chunked"], b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        case 2:
            return [b"Transfer-Encoding: chunked"], b"%x;ext=%b\r\n%b\r\n0\r\nX: y\r\n\r\n" % (
                len(body),
                b"e" * 200,
                body,
            )
        case 3:
            return [b"Transfer-Encoding: chunked"], chance.choice(
                [b"zz\r\n", b"-1\r\n", b"f" * 40 + b"\r\n", b"5\r\nab"]
            )
        case 4:
            return [b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked"], body
        case 5:
            return [
                b"Content-Length: " + chance.choice([b"-1", b"1e3", b"99999999999999999999", b"0x10", b"5, 6"])
            ], body
        case 6:
            packed = gzip.compress(b" " * 30_000_000, compresslevel=9) if chance.random() < 0.2 else gzip.compress(body)
            return [b"Content-Encoding: gzip", b"Content-Length: %d" % len(packed)], packed
        case 7:
            return [b"Content-Encoding: gzip", b"Content-Length: %d" % len(body)], body
        case 8:
            return [b"Expect: 100-continue", b"Content-Length: %d" % len(body)], body
        case _:
            return [b"Content-Length: %d" % len(body)], body


def headers(chance: random.Random) -> list[bytes]:
    """Headers as they may come."""
    drawn = [
        b"Content-Type: application/json",
        b"Content-Type: application/jsonl",
        b"Content-Type: application/json; charset=utf-7",
        b"Accept: " + chance.randbytes(20).hex().encode(),
        b"Accept-Encoding: gzip;q=" + chance.choice([b"1", b"nan", b"-1", b""]),
        b"Authorization: Bearer " + b"j" * chance.choice([1, 60, 6_000]),
        b"traceparent: 00-" + b"0" * chance.choice([10, 32]),
        b"If-None-Match: " + b'"x",' * chance.choice([1, 500]),
        b"Connection: " + chance.choice([b"close", b"keep-alive", b"upgrade"]),
        b"Upgrade: websocket",
        b"Prefer: handling=" + b"l" * 100,
    ]
    broken = [b"X-\x00: y", b" folded: x", b"no colon", b"Host: evil.example", b"X-Forwarded-For: 192.0.2.1"]
    told = chance.sample(drawn, chance.randrange(0, 4))
    return [b"Host: 127.0.0.1", *told, *(chance.choices(broken) if chance.random() < 0.1 else [])]


def call(chance: random.Random) -> bytes:
    """One call, or several behind each other without waiting for answers."""
    calls = b""
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        told, body = framed(chance, bodies(chance))
        query = chance.choice([b"", b"?detail=codes", b"?" + b"a=b&" * 100, b"?rule_set=%ff%00", b"", b""])
        method = b"POST" if chance.random() < 0.8 else chance.choice(METHODS)
        version = b"HTTP/1.1" if chance.random() < 0.9 else chance.choice([b"HTTP/1.0", b"HTTP/9.9", b"HTTP"])
        line = b" ".join([method, chance.choice(ROUTES) + query, version])
        calls += b"\r\n".join([line, *headers(chance), *told, b"", b""]) + body
    return calls


def heard_from(server: Server, sent: bytes) -> bytes:
    """What the server says, until it hangs up or has said nothing for a moment."""
    heard = b""
    with socket.create_connection(server.address, timeout=10) as connection:
        with suppress(OSError):
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while more := connection.recv(262_144):
                heard += more
    return heard


def test_whatever_comes_in_on_the_socket_the_service_answers_and_stays_what_it_was(start: Starter) -> None:
    server = start(head_timeout_s="2", body_timeout_s="2")
    chance = random.Random(2026)
    statuses: Counter[int] = Counter()
    for _ in range(20):
        server.score()
    before_bytes = server.rss_bytes()

    for number in range(CALLS):
        heard = heard_from(server, call(chance))  # a time-out here is a hang, and fails
        found = [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d{3})", heard, re.MULTILINE)]
        assert not [status for status in found if status >= 500], f"call {number}: {heard[:300]!r}"
        statuses.update(found)

    assert server.score().status_code == 200
    assert server.rss_bytes() - before_bytes < GROWTH_MOST_BYTES
    assert {200, 400, 404, 415, 422} <= set(statuses), statuses
    assert not [line for line in server.log_lines() if line["level"] == "error"]
    print(json.dumps({"calls": CALLS, "grown_bytes": server.rss_bytes() - before_bytes, "statuses": statuses}))  # noqa: T201 - what it measured, for `make fuzz`
