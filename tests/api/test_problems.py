"""Every refusal has one shape, and never repeats what was sent."""

import logging
from collections.abc import AsyncIterator

import pytest
from fastapi import Request
from starlette.responses import Response, StreamingResponse

from app.api.problems import STATUS_OF, TITLE_OF
from app.log_lines import FIELDS
from tests.api.service import Service, ensure_problem, example

CANARY = "Canary-93"


NOWHERE = ["/", "/v1", "/v1/score", "/v1/scores/", "/v2/scores", "/v1/rule-sets/2026.1/nothing", f"/{CANARY}"]


@pytest.mark.parametrize("path", NOWHERE)
def test_an_address_where_nothing_is_gets_404(shared_service: Service, path: str) -> None:
    ensure_problem(shared_service.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/scores", "POST"),
        ("HEAD", "/v1/scores", "POST"),
        ("PUT", "/v1/scores", "POST"),
        ("OPTIONS", "/v1/scores", "POST"),
        ("DELETE", "/v1/rule-sets/2026.1", "GET, HEAD"),
        ("POST", "/v1/rule-sets", "GET, HEAD"),
        ("POST", "/v1/rule-sets/active", "GET, HEAD"),
        ("POST", "/readyz", "GET, HEAD"),
    ],
)
def test_a_method_that_an_address_does_not_know_gets_405_and_the_ones_it_knows(
    shared_service: Service, method: str, path: str, allowed: str
) -> None:
    answer = shared_service.ask(method, path)

    assert answer.headers["Allow"] == allowed
    if method == "HEAD":
        assert (answer.status_code, answer.content) == (405, b"")
    else:
        ensure_problem(answer, 405, "method-not-allowed")


def test_every_slug_that_can_leave_has_a_title() -> None:
    assert {error.slug for error, status in STATUS_OF.items() if status != 500} <= set(TITLE_OF)


@pytest.mark.parametrize(
    "damage",
    [
        {"as_of": CANARY},
        {CANARY: 1},
        {"runner": CANARY},
        {"runner": {"age_years": CANARY}},
        {"runner": {"sex": CANARY}},
        {"runner": {CANARY: CANARY}},
        {"runner": {"knee": {"symptoms": [CANARY]}}},
        {"runner": {"knee": {"symptoms": ["canary_93"]}}},
        {"runner": {"symptoms": {"a": CANARY}}},
        {"training": {"time_zone": CANARY}},
        {"training": {"sessions": [{"started_on": CANARY}]}},
        {"training": {"sessions": [{"started_at": f"2026-11-20T10:00:00{CANARY}"}]}},
        {"training": {"sessions": [{"id": CANARY, "distance_m": 1}]}},
        {"training": {"weekly_distance_m": [CANARY]}},
    ],
)
def test_what_was_sent_is_in_no_problem_and_no_log(
    shared_service: Service, damage: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = shared_service.score({**example(), **damage}, f"/v1/scores?detail={CANARY}&{CANARY}=1&lang={CANARY}")

    ensure_problem(answer, 422, "invalid-input")
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("joint_risk"))
    assert ours
    for told in (answer.text, str(answer.headers), ours):
        assert "anary" not in told


def test_a_version_that_nobody_published_is_not_repeated(shared_service: Service) -> None:
    for path in (f"/v1/rule-sets/{CANARY}", f"/v1/rule-sets/{CANARY}/texts", f"/v1/factors?rule_set={CANARY}"):
        answer = shared_service.get(path)
        ensure_problem(answer, 404, "unknown-rule-set")
        assert CANARY not in answer.text


async def _fail(_request: Request) -> Response:
    raise RuntimeError(f"age_years={CANARY}")


async def _break_off(_request: Request) -> StreamingResponse:
    async def half_an_answer() -> AsyncIterator[bytes]:
        yield b"half an ans"
        raise RuntimeError(f"age_years={CANARY}")

    return StreamingResponse(half_an_answer())


async def _read_number(number: int) -> int:
    return number


def test_an_error_that_nobody_foresaw_tells_nothing_and_is_logged_without_values(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.app.add_route("/fails", _fail)

    with caplog.at_level(logging.DEBUG):
        answer = service.get("/fails")

    problem = ensure_problem(answer, 500, "internal")
    assert CANARY not in answer.text + caplog.text
    (trace,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert vars(trace)[FIELDS] == {"request_id": problem["instance"]}
    assert "RuntimeError" in trace.getMessage()
    assert "_fail" in trace.getMessage()


def test_an_answer_that_fails_half_way_breaks_off(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.app.add_route("/breaks-off", _break_off)

    with pytest.raises(ConnectionAbortedError) as broken:
        service.get("/breaks-off")

    assert CANARY not in f"{broken.value!r}" + caplog.text
    assert broken.value.__suppress_context__


def test_the_frameworks_own_refusal_takes_our_shape(service: Service) -> None:
    service.app.get("/numbers")(_read_number)

    answer = service.get(f"/numbers?number={CANARY}")

    problem = ensure_problem(answer, 422, "invalid-input")
    assert problem["errors"] == [
        {"pointer": "/query/number", "code": "int-parsing", "detail": "This cannot be used as it is."}
    ]


def test_hundreds_of_parameters_are_refused_in_one_go(shared_service: Service) -> None:
    answer = shared_service.get("/v1/rule-sets?" + "&".join(f"x{number}=1" for number in range(300)))

    assert len(ensure_problem(answer, 422, "invalid-input")["errors"]) == 1
