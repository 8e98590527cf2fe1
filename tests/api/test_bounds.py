"""Calls have room, time and a rate; what is refused was not begun, and says when to come again."""

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.api.limits import read_body
from tests.api.keyring import Keyring
from tests.api.service import Service, ensure_problem, example

ROOM = 3


def wait_for_a_word(service: Service) -> asyncio.Event:
    """Adds an address whose answer waits until the event is set."""
    word = asyncio.Event()

    async def answer(_request: Request) -> Response:
        await word.wait()
        return Response(b"done")

    service.app.add_route("/waits", answer)
    return word


def test_a_call_that_finds_no_room_is_refused_at_once_and_operators_are_still_answered(sqlite_store_url: str) -> None:
    with Service(sqlite_store_url, concurrent_calls=ROOM) as service:
        word = wait_for_a_word(service)
        answers: dict[str, Any] = {}

        async def ask(name: str, path: str) -> None:
            answers[name] = await service.ask_now("GET", path)
            if name == "ready":
                word.set()

        async def all_together() -> None:
            waiting = [asyncio.create_task(ask(f"waiting {number}", "/waits")) for number in range(ROOM)]
            await asyncio.sleep(0)
            await ask("refused", "/v1/factors")
            await ask("ready", "/readyz")
            await asyncio.gather(*waiting)
            await ask("after", "/v1/factors")

        service.run(all_together())
        told = ensure_problem(answers["refused"], 503, "overloaded")
        assert answers["refused"].headers["Retry-After"] == "1"
        assert told["errors"] == []
        assert {name: answer.status_code for name, answer in answers.items() if name != "refused"} == {
            **{f"waiting {number}": 200 for number in range(ROOM)},
            "ready": 200,
            "after": 200,
        }
        assert 'joint_risk_http_shed_total{reason="overloaded"} 1.0' in service.get("/metrics").text


def test_a_call_that_takes_too_long_is_given_up(sqlite_store_url: str) -> None:
    with Service(sqlite_store_url, call_timeout_s=0.05) as service:
        wait_for_a_word(service)
        ensure_problem(service.get("/waits"), 503, "overloaded")


def test_a_body_that_does_not_come_is_not_waited_for(sqlite_store_url: str) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"runner": '
        await asyncio.sleep(5)
        yield b"{}}"

    with Service(sqlite_store_url, body_timeout_s=0.05) as service:
        answer = service.ask("POST", "/v1/scores", content=slowly(), headers={"Content-Type": "application/json"})

    ensure_problem(answer, 408, "too-slow")
    assert answer.headers["Connection"] == "close"


def test_a_body_that_comes_in_pieces_scores_as_one_that_came_at_once(sqlite_store_url: str) -> None:
    body = json.dumps(example()).encode()

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 200):
            await asyncio.sleep(0)
            yield body[start : start + 200]

    with Service(sqlite_store_url) as service:
        at_once = service.score(example())
        answer = service.ask("POST", "/v1/scores", content=in_pieces(), headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.content) == (200, at_once.content)


def test_a_caller_who_hangs_up_in_the_middle_of_a_body_is_no_failure_of_the_service() -> None:
    async def hang_up() -> None:
        word = asyncio.Event()
        pieces: list[dict[str, Any]] = [
            {"type": "http.request", "body": b"{", "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive() -> dict[str, Any]:
            asyncio.get_running_loop().call_soon(word.set)
            await word.wait()
            word.clear()
            return pieces.pop(0)

        await read_body(receive, {}, limit_bytes=100, timeout_s=5)

    with pytest.raises(ClientDisconnect):
        asyncio.run(hang_up())


def test_an_address_is_known_by_all_of_its_letters(sqlite_store_url: str) -> None:
    with Service(sqlite_store_url) as service:
        for address in ("/v1/scores%0A", "/v1/scores/", "/v1/Scores"):
            ensure_problem(service.ask("POST", address, content=b"{}"), 404, "not-found")


def test_a_key_has_a_rate_and_every_answer_says_what_is_left(sqlite_store_url: str) -> None:
    key, other = (Keyring(sqlite_store_url).make("score") for _ in range(2))
    with Service(sqlite_store_url, rate_limit_per_minute=2) as service:
        answers = [service.score(example(), headers=key.header) for _ in range(3)]
        another = service.score(example(), headers=other.header)

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert another.status_code == 200
    ensure_problem(answers[2], 429, "rate-limited")
    assert all(answer.headers["RateLimit-Policy"] == '"runners";q=2;w=60' for answer in answers)
    left = [re.fullmatch(r'"runners";r=(\d+);t=(\d+)', answer.headers["RateLimit"]) for answer in answers]
    assert [int(found[1]) for found in left if found] == [1, 0, 0]
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 60


def test_a_batch_beyond_what_is_left_is_refused_whole_and_uses_nothing_up(sqlite_store_url: str) -> None:
    key = Keyring(sqlite_store_url).make("score")
    with Service(sqlite_store_url, rate_limit_per_minute=3) as service:
        row = {"id": "a", "request": example()}
        answers = [
            service.score({"items": [row] * count}, "/v1/scores:batch", headers=key.header) for count in (2, 2, 4, 1, 1)
        ]

    assert [answer.status_code for answer in answers] == [200, 429, 429, 200, 429]


def test_this_machine_alone_has_no_rate(sqlite_store_url: str) -> None:
    with Service(sqlite_store_url, rate_limit_per_minute=1) as service:
        answers = [service.score(example()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert "RateLimit" not in answers[0].headers


@pytest.mark.parametrize("path", ["/livez", "/v1/factors", "/v1/scores", "/nothing"])
def test_no_answer_can_be_made_to_run_or_to_be_framed(shared_service: Service, path: str) -> None:
    headers = shared_service.get(path).headers

    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_pages_of_the_docs_may_run_what_they_bring_and_nothing_else(shared_service: Service) -> None:
    page = shared_service.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)

    assert f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert "default-src 'self'" in policy
