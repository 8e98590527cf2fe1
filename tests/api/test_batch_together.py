"""JSON lines that arrive together: scored together, and answered as if each had come alone."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import date
from random import Random
from typing import Any, Final

import pytest

from app.api.batch_lines import COLUMNS_LEAST_ROWS, TOGETHER_MOST_ROWS
from tests.api.keyring import Keyring
from tests.api.service import Service, example
from tests.generative.many_runners import runners_of

PATH: Final = "/v1/scores:batch?detail=scores"
JSONL: Final = {"Content-Type": "application/jsonl"}
DAY: Final = str(date(2026, 11, 23))
Json = dict[str, Any]


async def in_pieces(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def rows_of(chance: Random, count: int) -> list[bytes]:
    """Any runners, many of whom are faulty; now and then a line that is no row, too long, or large."""
    lines = [
        json.dumps({"id": f"row {place}", "as_of": DAY, "request": request}).encode()
        for place, request in enumerate(runners_of(chance, count))
    ]
    for place in range(0, count, 37):
        lines[place] = chance.choice([b"{", b"no JSON", b'{"id":"b"}' * 2, lines[place][:-1] + b" " * 70_000 + b"}"])
    lines[count // 2] = b"x" * 1_100_000
    return lines


def ask(service: Service, pieces: Sequence[bytes], **headers: str) -> list[Json]:
    answer = service.ask("POST", PATH, content=in_pieces(pieces), headers={**JSONL, **headers})
    assert answer.status_code == 200, answer.text
    told = [json.loads(line) for line in answer.content.splitlines()]
    for result in told:
        result.get("problem", {}).pop("instance", None)  # the id of the call
    return told


def test_lines_are_answered_alike_however_they_arrive(shared_service: Service) -> None:
    lines = rows_of(Random(3), 2 * COLUMNS_LEAST_ROWS + 30)
    body = b"".join(line + b"\n" for line in lines)
    one_by_one = [result for line in lines for result in ask(shared_service, [line])]

    assert [result["id"] for result in one_by_one if result["id"]] == [
        json.loads(line)["id"] for line in lines if line.startswith(b'{"id": "row')
    ]
    assert ask(shared_service, [body]) == one_by_one
    assert ask(shared_service, [line + b"\n" for line in lines]) == one_by_one
    assert ask(shared_service, [body[begin : begin + 5_000] for begin in range(0, len(body), 5_000)]) == one_by_one


def test_more_lines_than_are_scored_together_come_in_order(shared_service: Service) -> None:
    count = 2 * TOGETHER_MOST_ROWS + 1
    line = json.dumps({"id": "PLACE", "request": {"runner": {"age_years": 41}, "training": {}}})
    body = b"".join(line.replace("PLACE", str(place)).encode() + b"\n" for place in range(count))

    assert [result["id"] for result in ask(shared_service, [body])] == [str(place) for place in range(count)]


@pytest.mark.parametrize("owner", ["request", "row"])
def test_an_unknown_member_is_passed_over_together_as_alone(shared_service: Service, owner: str) -> None:
    row = {"id": "a", "request": {**example(), "colour": "blue"}}
    line = (
        json.dumps(row if owner == "request" else {"id": "a", "request": example(), "colour": "blue"}).encode() + b"\n"
    )
    refused = ask(shared_service, [line * COLUMNS_LEAST_ROWS])
    lenient = ask(shared_service, [line * COLUMNS_LEAST_ROWS], Prefer="handling=lenient")

    assert [list(result) for result in refused] == [["id", "problem"]] * COLUMNS_LEAST_ROWS
    assert lenient == ask(shared_service, [line], Prefer="handling=lenient") * COLUMNS_LEAST_ROWS
    assert "assessment" in lenient[0]


def test_rows_beyond_what_a_key_has_left_are_refused_in_their_place(sqlite_store_url: str) -> None:
    key = Keyring(sqlite_store_url).make("score")
    line = json.dumps({"id": "a", "request": example()}).encode() + b"\n"
    with Service(sqlite_store_url, rate_limit_per_minute=COLUMNS_LEAST_ROWS + 5) as service:
        told = ask(service, [line * COLUMNS_LEAST_ROWS, line * 6], **key.header)

    problems = [result.get("problem", {}).get("type", "").rpartition(":")[2] for result in told]
    assert problems == [""] * COLUMNS_LEAST_ROWS + ["rate-limited"] * 6


def test_columns_are_not_read_before_lines_come_together(shared_service: Service) -> None:
    """What the column evaluator needs takes a moment and memory, which a service that never needs it does not give."""
    code = "import sys, app.main; print([name for name in ('numpy', 'pyarrow') if name in sys.modules])"
    assert shared_service.score(example()).status_code == 200

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("detail", ["codes", "full"])
def test_longer_answers_of_many_lines_are_those_of_one(shared_service: Service, detail: str) -> None:
    path = PATH.replace("scores", detail).replace(f"/{detail}:", "/scores:")
    line = json.dumps({"id": "a", "request": example()}).encode() + b"\n"
    many, one = (
        shared_service.ask("POST", path, content=line * times, headers=JSONL).content
        for times in (COLUMNS_LEAST_ROWS, 1)
    )

    assert many == one * COLUMNS_LEAST_ROWS
