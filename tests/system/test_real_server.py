"""The real process on a real socket: it scores, it goes on while it drains, and it ends when told to."""

import gzip
import json
import re
import resource
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from tests.api.service import Author
from tests.system.running import END_MOST_S, JSON, REQUEST, Server, Starter, wait_until


def test_a_runner_is_scored_over_a_socket(server: Server) -> None:
    answer = server.score()

    assert answer.status_code == 200
    assert answer.json()["joints"]["knee"]["score"] is not None
    assert answer.headers["Joint-Rule-Set"].startswith("2026.1;sha256:")
    assert "server" not in answer.headers


def test_one_connection_serves_many_calls_whatever_became_of_the_one_before(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        packed = {**JSON, "Content-Encoding": "gzip"}
        answers = [
            client.post("/v1/scores", content=REQUEST, headers=JSON),
            client.post("/v1/scores", content=b"{", headers=JSON),
            client.post("/v1/scores", content=b" " * 3_000_000, headers=JSON),
            client.head("/v1/rule-sets/active"),
            client.get("/nothing"),
            client.post("/v1/scores", content=gzip.compress(REQUEST), headers=packed),
            client.post("/v1/scores", content=iter([REQUEST[:100], REQUEST[100:]]), headers=JSON),
        ]

    assert [answer.status_code for answer in answers] == [200, 422, 413, 200, 404, 200, 200]


def test_a_service_that_dies_leaves_no_memory_of_its_calls_on_a_disk(start: Starter) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard == 0:
        pytest.skip("this machine lets nobody leave a core")
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        server = start()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    limits = Path(f"/proc/{server.process.pid}/limits").read_text(encoding="ascii")
    assert re.search(r"^Max core file size +0 ", limits, re.MULTILINE), limits


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(server: Server) -> None:
    with socket.create_connection(server.address, timeout=5) as connection:
        connection.sendall(
            b"POST /v1/scores HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_head_over_a_socket_has_the_length_and_no_body(server: Server) -> None:
    connection = HTTPConnection(*server.address)
    try:
        connection.request("HEAD", "/v1/rule-sets/2026.1")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 10_000
        # The connection is in step: the next call on it is answered as it should be.
        connection.request("GET", "/livez")
        assert json.loads(connection.getresponse().read()) == {"status": "ok"}
    finally:
        connection.close()


def test_many_calls_at_once_get_the_same_bytes(server: Server) -> None:
    with ThreadPoolExecutor(8) as callers:
        answers = {answer.content for answer in callers.map(lambda _: server.score(), range(40))}

    assert len(answers) == 1


def test_a_web_page_that_points_its_own_name_here_gets_nothing(server: Server) -> None:
    answer = server.score(Host="evil.example")

    assert answer.status_code == 421
    assert answer.json()["type"] == "urn:joint-risk:problem:host-refused"


def test_the_log_names_routes_and_nothing_that_was_sent(server: Server) -> None:
    httpx.post(f"{server.url}/v1/scores?lang=Canary", content=b'{"runner": "Canary"}', headers=JSON)
    httpx.get(f"{server.url}/Canary?canary=1")

    assert server.end() == 0
    log = server.log()
    told = [json.loads(line) for line in log.splitlines() if '"route"' in line]
    assert {("POST", "/v1/scores", 422), ("GET", "unmatched", 404)} <= {
        (line["method"], line["route"], line["status"]) for line in told
    }
    assert "canary" not in log.lower()
    assert "Traceback" not in log


def test_on_sigterm_it_goes_on_for_a_while_saying_that_it_is_not_ready_and_then_ends(
    start: Starter,
) -> None:
    server = start(drain_s="4")
    assert httpx.get(f"{server.url}/readyz").status_code == 200

    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503, most_s=3)

    assert httpx.get(f"{server.url}/readyz").json()["status"] == "draining"
    answer = server.score()
    assert answer.status_code == 200
    assert answer.headers["Connection"] == "close"
    assert server.process.wait(timeout=END_MOST_S) == 0
    assert "Traceback" not in server.log()


def test_a_second_sigterm_ends_the_wait(start: Starter) -> None:
    server = start(drain_s="20")
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: httpx.get(f"{server.url}/readyz").status_code == 503)

    started = time.monotonic()
    assert server.end() == 0
    assert time.monotonic() - started < 10


def test_a_call_in_hand_is_answered_before_the_end(server: Server) -> None:
    with socket.create_connection(server.address, timeout=10) as connection:
        head = f"POST /v1/scores HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(REQUEST)}\r\n\r\n".encode()
        connection.sendall(head + REQUEST[:200])
        # An answer on another connection: by then the first part of this call has been read too.
        server.score()
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not is_listening(server.address))
        connection.sendall(REQUEST[200:])
        received = b""
        while part := connection.recv(65_536):
            received += part

    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.rstrip().endswith(b"}")
    assert server.process.wait(timeout=END_MOST_S) == 0


def is_listening(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def test_rules_that_somebody_activates_are_in_force_within_the_poll(start: Starter, tmp_path: Path) -> None:
    server = start(poll_s="0.2")
    author = Author(f"sqlite:///{tmp_path / 'store.db'}")
    author.publish("2026.2")
    author.activate(2, "2026.2")

    wait_until(lambda: server.score().headers["Joint-Rule-Set"].startswith("2026.2;"))
    assert httpx.get(f"{server.url}/readyz").json()["rule_set"]["version"] == "2026.2"
