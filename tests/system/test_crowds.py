"""A crowd before the door: those that find no room are told at once, and nobody waits for ever."""

import signal
from contextlib import ExitStack, closing
from http.client import HTTPConnection

import httpx

from tests.system.running import JSON, REQUEST, Starter

CROWD = 60


def test_of_a_crowd_some_are_scored_the_others_are_told_to_come_again_and_operators_get_through(start: Starter) -> None:
    server = start(concurrent_calls="3")
    with ExitStack() as stack:
        connections = [stack.enter_context(closing(HTTPConnection(*server.address, timeout=20))) for _ in range(CROWD)]
        for connection in connections:
            connection.request("GET", "/livez")
            connection.getresponse().read()
        server.process.send_signal(signal.SIGSTOP)  # so that all are there when it looks
        for connection in connections[1:]:
            connection.request("POST", "/v1/scores", body=REQUEST, headers=JSON)
        connections[0].request("GET", "/readyz")
        server.process.send_signal(signal.SIGCONT)
        answers = [connection.getresponse() for connection in connections]
        bodies = [answer.read() for answer in answers]

    ready, *statuses = [answer.status for answer in answers]
    assert ready == 200
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 2  # one of the three places may be the operator's
    refused = answers[1 + statuses.index(503)]
    assert refused.headers["Retry-After"] == "1"
    assert b"urn:joint-risk:problem:overloaded" in bodies[answers.index(refused)]
    assert server.score().status_code == 200
    shed = f'joint_risk_http_shed_total{{reason="overloaded"}} {statuses.count(503)}.0'
    assert shed in httpx.get(f"{server.url}/metrics").text
