"""Lines and record batches over HTTP say of any runner what the reference says, under any published rules."""

import io
import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final

import pyarrow as pa
import pyarrow.ipc
import pytest

from app.errors import InvalidInputError
from app.rule_sets.documents import canonical_bytes, digest_of
from app.runners import read_request
from app.scoring.assessment import Detail, render
from app.scoring.compiled import CompiledRuleSet, compile_rule_set
from app.scoring.engine import assess
from app.scoring.rule_set import RuleSetDocument
from tests.api.service import Author, Service
from tests.generative.many_runners import (
    FORMS,
    as_text,
    changed_documents,
    expected_row,
    runners_of,
    without_what_no_column_says,
)
from tests.generative.strategies import Request
from tests.oracle.service import shipped_document

# `make equality` sends 100,000 and more through either shape; a seeded share goes with every test.
RUNNERS = int(os.environ.get("EQUALITY_RUNNERS", "1600"))
STREAM_ROWS: Final = 2_000
PROBLEMS_TOLD: Final = 100
BESIDE: Final = date(2026, 11, 23)
"""The day that stands beside requests that name none; so nothing depends on the day on which this runs."""
SHARES: Final = {"2026.1": 0.5, "2026.2": 0.2, "2026.3": 0.2, "2026.4": 0.1}
DETAILS: Final[tuple[Detail, ...]] = ("scores", "codes", "full")
PATH: Final = "/v1/scores:batch"
Json = dict[str, Any]


@cache
def published() -> dict[str, Json]:
    """The documents by version: the shipped one, and three with other edges, ratios, groups, floors and orders."""
    return {"2026.1": shipped_document(), **dict(zip(list(SHARES)[1:], changed_documents(Random(11)), strict=False))}


@cache
def compiled(version: str) -> CompiledRuleSet:
    document = published()[version]
    digest = digest_of(canonical_bytes(document))
    return compile_rule_set(RuleSetDocument.model_validate(document), version=version, digest=digest)


@pytest.fixture(scope="module")
def service(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that holds all the versions."""
    file = tmp_path_factory.mktemp("doors") / "store.db"
    shutil.copyfile(migrated_sqlite_file, file)
    for version, document in islice(published().items(), 1, None):
        Author(f"sqlite:///{file}").publish(version, document=document)
    with Service(f"sqlite:///{file}") as service:
        yield service


def streams_of(version: str, shape: str) -> Iterator[tuple[int, list[Request]]]:
    """The runners of each stream under one version, by the number of the stream; each shape is asked about its own."""
    rows = max(100, round(RUNNERS * SHARES[version]))
    chance = Random(f"{version}/{shape}")
    for number, begin in enumerate(range(0, rows, STREAM_ROWS)):
        yield number, runners_of(chance, min(STREAM_ROWS, rows - begin))


def with_day(request: Request) -> Request:
    """The request as it is read with the day beside it."""
    return request if request.get("as_of") is not None else {**request, "as_of": str(BESIDE)}


@pytest.mark.parametrize("version", SHARES)
def test_every_line_says_what_the_reference_says_byte_for_byte(service: Service, version: str) -> None:
    for number, requests in streams_of(version, "lines"):
        detail = DETAILS[(number + list(SHARES).index(version)) % 3]
        rows = [{"id": str(place), "as_of": str(BESIDE), "request": request} for place, request in enumerate(requests)]
        answer = service.ask(
            "POST",
            f"{PATH}?rule_set={version}&detail={detail}",
            content=b"".join(json.dumps(row).encode() + b"\n" for row in rows),
            headers={"Content-Type": "application/jsonl"},
        )
        assert (answer.status_code, answer.headers["Joint-Rule-Set"]) == (200, rule_set_header(version))
        lines = answer.content.splitlines()
        assert len(lines) == len(requests)
        wrong = [
            (line, request)
            for place, (line, request) in enumerate(zip(lines, requests, strict=True))
            if not is_as_expected(line, request, id=str(place), rules=compiled(version), detail=detail)
        ]
        assert wrong[:2] == []


def rule_set_header(version: str) -> str:
    return f"{version};{compiled(version).digest}"


def is_as_expected(line: bytes, request: Request, *, id: str, rules: CompiledRuleSet, detail: Detail) -> bool:
    """Whether a line is the answer to a request, byte for byte, or has all of its faults."""
    today = datetime.now(UTC).date()
    try:
        read = read_request(json.dumps(request).encode(), today=today, as_of=BESIDE)
        assessment = assess(rules, read.request, as_of=read.as_of, findings=read.findings)
    except InvalidInputError as refused:
        told = json.loads(line)
        faults = [(fault.pointer, fault.code, fault.detail) for fault in refused.faults]
        errors = [(fault["pointer"], fault["code"], fault["detail"]) for fault in told["problem"]["errors"]]
        left_out = told["problem"]["errors_left_out"]
        return told["id"] == id and errors == faults[:PROBLEMS_TOLD] and left_out == len(faults) - len(errors)
    return line == b'{"id":"%b","assessment":%b}' % (id.encode(), render(assessment, detail=detail))


@pytest.mark.parametrize("version", SHARES)
def test_every_row_of_columns_says_what_the_reference_says(service: Service, version: str) -> None:
    for number, requests in streams_of(version, "columns"):
        form = FORMS[(number + list(SHARES).index(version)) % 3]
        said = [with_day(request) for request in requests]
        batch = form(said)
        batch = batch.append_column("id", pa.array([str(place) for place in range(len(said))]))
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            for begin in range(0, batch.num_rows, 700):
                writer.write_batch(batch.slice(begin, 700))
        answer = service.ask(
            "POST",
            f"{PATH}?rule_set={version}&detail=codes",
            content=sink.getvalue(),
            headers={"Content-Type": "application/vnd.apache.arrow.stream"},
        )
        assert answer.status_code == 200, answer.text
        told = pa.ipc.open_stream(answer.content).read_all().to_pylist()
        wrong = []
        for place, (row, request) in enumerate(zip(told, said, strict=True)):
            as_columns = request if form is as_text else without_what_no_column_says(request)
            expected = expected_row(compiled(version), as_columns, today=datetime.now(UTC).date()) | {"id": str(place)}
            wrong += [(name, row[name], expected[name], request) for name in expected if row[name] != expected[name]]
        assert wrong[:2] == []
