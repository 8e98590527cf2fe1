"""A crowd before the door: those that find no room are told at once, and nobody waits for ever."""

import socket
from contextlib import ExitStack

import httpx

from tests.system.running import REQUEST, Starter

CROWD = 60
CALL = b"POST /v1/scores HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


def test_of_a_crowd_some_are_scored_the_others_are_told_to_come_again_and_operators_get_through(start: Starter) -> None:
    server = start(concurrent_calls="3")
    with ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(server.address, timeout=20)) for _ in range(CROWD)]
        asking = stack.enter_context(socket.create_connection(server.address, timeout=20))
        for connection in connections:
            connection.sendall(CALL % (len(REQUEST), REQUEST))
        asking.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answers = [connection.recv(65_536) for connection in connections]
        ready = asking.recv(65_536)

    statuses = [int(answer[9:12]) for answer in answers]
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 3
    refused = next(answer for answer in answers if answer.startswith(b"HTTP/1.1 503"))
    assert b"urn:joint-risk:problem:overloaded" in refused
    assert b"retry-after: 1\r\n" in refused.lower()
    assert ready.startswith(b"HTTP/1.1 200")
    assert server.score().status_code == 200
    shed = f'joint_risk_http_shed_total{{reason="overloaded"}} {statuses.count(503)}.0'
    assert shed in httpx.get(f"{server.url}/metrics").text
