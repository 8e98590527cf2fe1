"""What a caller may do to the head of a call on a real socket, and what the server says to it."""

import json
import socket
import time

import pytest

from tests.system.running import REQUEST, Server, Starter

SCORE = b"POST /v1/scores HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
ASK = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def say(server: Server, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """Everything that the server answers until it hangs up, or until it has nothing more to say for a while."""
    with socket.create_connection(server.address, timeout=8) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause_s)
        heard = b""
        try:
            while heard_more := connection.recv(65_536):
                heard += heard_more
        except (TimeoutError, ConnectionResetError):
            pass
        return heard


def problem_in(heard: bytes) -> tuple[int, str]:
    """Status and slug of the one answer, which must be a whole problem and the last thing that is said."""
    head, _, body = heard.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert "content-type: application/problem+json" in lines
    assert "connection: close" in lines
    told = json.loads(body)
    assert list(told) == ["type", "title", "status", "detail", "instance", "errors", "errors_left_out"]
    assert f"request-id: {told['instance']}" in lines
    return told["status"], told["type"].rpartition(":")[2]


@pytest.fixture
def impatient(start: Starter) -> Server:
    return start(head_timeout_s="0.5", body_timeout_s="0.5", head_limit_bytes="2048")


def test_a_head_that_dribbles_in_is_not_waited_for(impatient: Server) -> None:
    began = time.monotonic()
    heard = say(impatient, *(ASK[:10], ASK[10:20]), pause_s=0.1)

    assert problem_in(heard) == (408, "too-slow")
    assert time.monotonic() - began < 3


def test_one_that_connects_and_says_nothing_is_hung_up_on_without_a_word(impatient: Server) -> None:
    assert say(impatient) == b""


def test_a_second_call_of_a_connection_has_to_come_in_time_too(impatient: Server) -> None:
    heard = say(impatient, ASK + b"\r\n", ASK[:12], pause_s=0.2)

    first, _, second = heard.partition(b'{"status": "ok"}')
    assert first.startswith(b"HTTP/1.1 200")
    assert problem_in(second) == (408, "too-slow")


def test_a_body_that_dribbles_in_is_not_waited_for(impatient: Server) -> None:
    heard = say(impatient, SCORE % len(REQUEST), REQUEST[:50], pause_s=0.1)

    assert problem_in(heard) == (408, "too-slow")


@pytest.mark.parametrize(
    ("call", "status", "slug"),
    [
        (b"GET /" + b"x" * 5_000 + b" HTTP/1.1\r\n", 414, "address-too-long"),
        (ASK + b"X-Long: " + b"y" * 5_000 + b"\r\n\r\n", 431, "head-too-large"),
        (ASK + b"".join(b"X-%d: z\r\n" % number for number in range(101)) + b"\r\n", 431, "head-too-large"),
        (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2, 3\r\n\r\n", 400, "malformed"),
        (ASK + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "malformed"),
        (b"NONSENSE\r\n\r\n", 400, "malformed"),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400, "malformed"),
    ],
)
def test_a_head_that_cannot_be_taken_is_refused_in_one_shape(
    impatient: Server, call: bytes, status: int, slug: str
) -> None:
    assert problem_in(say(impatient, call)) == (status, slug)
    assert impatient.score().status_code == 200
