"""`POST /v1/scores:batch` in columns: the same scores, bad schemas before the first byte, and streams that lie."""

import gzip
import io
import json
import random
import struct
import sys
from datetime import date
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.ipc
import pytest

from app.scoring.columns import answer_schema
from benchmarks.population import full_bodies, sparse_bodies
from tests.api.command_line import run
from tests.api.service import Author, Service, ensure_problem, example, faults_of

ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}
PATH = "/v1/scores:batch"
NOTHING_IN_LISTS = pa.list_(pa.struct([("m", pa.null())]))
Json = dict[str, Any]


def in_columns(rows: list[Json], *, batch_rows: int = 7, **options: Any) -> bytes:
    table = pa.table({
        "id": [row["id"] for row in rows],
        "as_of": pa.array([date(2026, 11, 23)] * len(rows), pa.date32()),
        "request": [json.dumps(row["request"]) for row in rows],
    })  # fmt: skip
    return as_stream(table, batch_rows=batch_rows, **options)


def as_stream(table: pa.Table, *, batch_rows: int = 65_536, **options: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=batch_rows)
    return sink.getvalue()


def ask(service: Service, body: bytes, query: str = "", **headers: str) -> httpx.Response:
    return service.ask("POST", f"{PATH}{query}", content=body, headers={**ARROW, **headers})


def read(answer: httpx.Response) -> pa.Table:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == ARROW["Content-Type"]
    with pa.ipc.open_stream(answer.content) as opened:
        return opened.read_all()


def runners(count: int) -> list[Json]:
    bodies = [*sparse_bodies(count // 2), *full_bodies(count - count // 2)]
    return [{"id": str(place), "request": json.loads(body)} for place, body in enumerate(bodies)]


def test_columns_lines_and_single_calls_say_the_same(shared_service: Service) -> None:
    rows = runners(24)
    rows.insert(5, {"id": "bad", "request": {"runner": {"knee": {"pain_now": 11}}, "training": {}}})
    rows.append({"id": "see somebody", "request": example("must-see-somebody")})
    table = read(ask(shared_service, in_columns(rows)))

    assert table.schema == answer_schema(contributions="listed")
    for row, told in zip(rows, table.to_pylist(), strict=True):
        alone = shared_service.score({"as_of": "2026-11-23", **row["request"]}, "/v1/scores?detail=codes")
        assert told["id"] == row["id"]
        if alone.status_code != 200:
            assert (told["row_status"], told["problem_code"], told["problem_pointer"]) == (
                "refused", "out-of-range", "/runner/knee/pain_now",
            )  # fmt: skip
            continue
        answer = alone.json()
        for joint in ("knee", "lower_back"):
            said = answer["joints"][joint]
            assert told[f"{joint}_status"] == said["status"]
            assert told[f"{joint}_score"] == said["score"]
            assert told[f"{joint}_level"] == said["level"]
            assert told[f"{joint}_known_share"] == said["known_share"]
            points = [each for each in told["contributions"] if each["joint"] == joint]
            assert [(each["factor"], each["status"], each["points_hundredths"]) for each in points] == [
                (each["factor"], each["status"], round(each["points"] * 100)) for each in said["contributions"]
            ]
        assert told["advice_ids"] == [advice["id"] for advice in answer["advice"]]
        assert told["finding_codes"] == [finding["code"] for finding in answer["findings"]]


def test_an_id_is_as_long_in_columns_as_in_lines(shared_service: Service) -> None:
    rows = [{"id": id_, "request": example()} for id_ in ("", "x" * 128, "x" * 129, "x" * 200)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    answer = shared_service.ask("POST", PATH, content=lines, headers={"Content-Type": "application/jsonl"})
    faults = [json.loads(line).get("problem", {"errors": [{}]})["errors"][0] for line in answer.text.splitlines()]

    told = read(ask(shared_service, in_columns(rows))).to_pylist()
    assert [row["id"] for row in told] == [None, "x" * 128, None, None]
    assert [(row["problem_pointer"], row["problem_code"]) for row in told] == [
        (fault.get("pointer"), fault.get("code")) for fault in faults
    ]
    assert [row["problem_code"] for row in told] == ["too-short", None, "too-long", "too-long"]


def test_structs_whose_lists_are_all_empty_are_read(shared_service: Service) -> None:
    rows = runners(8)
    for row in rows:
        row["request"]["runner"]["knee"] = {"history": "never", "symptoms": []}
    table = pa.Table.from_pylist([{"id": row["id"], **row["request"]} for row in rows])

    assert pa.types.is_null(table.schema.field("runner").type.field("knee").type.field("symptoms").type.value_type)
    alone = [shared_service.score(row["request"]).json() for row in rows]
    told = read(ask(shared_service, as_stream(table))).to_pylist()
    assert [row["knee_score"] for row in told] == [answer["joints"]["knee"]["score"] for answer in alone]


def test_the_least_detail_leaves_the_contributions_out(shared_service: Service) -> None:
    assert read(ask(shared_service, in_columns(runners(2)), "?detail=scores")).schema == answer_schema()


def test_the_answer_is_the_same_however_the_rows_are_cut(shared_service: Service) -> None:
    rows = runners(40)
    tables = [read(ask(shared_service, in_columns(rows, batch_rows=size))) for size in (1, 3, 40)]

    assert tables[0].combine_chunks() == tables[1].combine_chunks() == tables[2].combine_chunks()


def test_packed_bodies_both_ways(shared_service: Service) -> None:
    body = in_columns(runners(3))
    packed = ask(shared_service, gzip.compress(body), **{"Content-Encoding": "gzip", "Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert read(packed) == read(ask(shared_service, body))


def test_a_stream_without_batches_is_answered_with_one(shared_service: Service) -> None:
    assert read(ask(shared_service, in_columns([]))).num_rows == 0


def test_rules_are_pinned_for_the_whole_stream(service: Service, author: Author) -> None:
    author.publish("2026.2")
    table = read(ask(service, in_columns(runners(9)), "?rule_set=2026.2"))

    assert set(table.column("rule_set").to_pylist()) == {"2026.2"}


def test_rows_by_a_withdrawn_version_say_so_first(service: Service, author: Author, sqlite_store_url: str) -> None:
    author.publish("2026.2")
    rows = [*runners(6), {"id": "bad", "request": {"runner": {"knee": {"pain_now": 11}}, "training": {}}}]

    def findings(query: str) -> list[Any]:
        return read(ask(service, in_columns(rows), query)).column("finding_codes").to_pylist()

    before = findings("?rule_set=2026.2")
    assert run("rules", "withdraw", "2026.2", "--reason", "a wrong number", store=sqlite_store_url).code == 0
    service.look_at_store()

    assert before[-1] is None
    assert findings("?rule_set=2026.2") == [
        None if codes is None else ["rule-set-withdrawn", *codes] for codes in before
    ]
    assert findings("") == before


@pytest.mark.parametrize(
    ("table", "found"),
    [
        (pa.table({"age": [1]}), {("", "missing")}),
        (pa.table({"request": pa.array(["{}"]).dictionary_encode()}), {("", "wrong-type")}),
        (
            pa.table({"request": ["{}"], "n": pa.array([[]], pa.list_(pa.struct([("m", pa.null())])))}),
            {("", "wrong-type")},
        ),
        (pa.table({"request": ["{}"], "n": pa.array([[{}]], pa.list_(pa.struct([])))}), {("", "wrong-type")}),
        (pa.table({"request": ["{}"], "n": pa.array(["x"], pa.string_view())}), {("", "wrong-type")}),
    ],
)
def test_a_bad_schema_is_refused_before_the_first_byte(
    shared_service: Service, table: pa.Table, found: set[tuple[str, str]]
) -> None:
    assert faults_of(ask(shared_service, as_stream(table))) == found


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello, this is no stream",
        b"\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\xff\xff\xff\xff\x10\x00\x00\x00" + b"\xff" * 16,
        as_stream(pa.table({"request": ["{}"]}))[:40],
        b"ARROW1\x00\x00",
    ],
)
def test_what_is_no_stream_is_refused_before_the_first_byte(shared_service: Service, body: bytes) -> None:
    ensure_problem(ask(shared_service, body), 400, "malformed")


# The tests' transport takes an answer without an end for a fault of the application.
BROKEN = (AssertionError, httpx.RemoteProtocolError)


@pytest.mark.parametrize(
    "body",
    [
        in_columns(runners(3), compression="zstd"),
        in_columns(runners(3))[:-60],
        as_stream(pa.table({"request": pa.array(["{}"] * 70_000)}), batch_rows=70_000),
        as_stream(pa.table({"request": ["x" * 17_000_000]})),
        as_stream(pa.table({"request": ["{}"], "n": [[1] * 10_001]})),
        as_stream(pa.table({"request": ["{}"], "n": [[None]]})),
    ],
    ids=["packed buffers", "broken off", "too many rows", "too many bytes", "too long a cell", "a list of nulls"],
)
def test_a_stream_that_cannot_be_gone_on_with_ends_broken(shared_service: Service, body: bytes) -> None:
    with pytest.raises(BROKEN):
        ask(shared_service, body)


def test_a_row_count_that_is_a_lie_is_found_before_it_is_believed(shared_service: Service) -> None:
    body = as_stream(pa.table({"request": pa.nulls(3)}))
    rows = struct.pack("<q", 3)
    assert body.count(rows) > 1
    with pytest.raises(BROKEN):
        ask(shared_service, body.replace(rows, struct.pack("<q", 2**40)))


def test_no_change_of_a_byte_does_harm(shared_service: Service) -> None:
    body = in_columns(runners(2))
    chance = random.Random(1)
    for _ in range(60):
        changed = bytearray(body)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            answer = ask(shared_service, bytes(changed))
        except BROKEN:
            continue
        assert answer.status_code in (200, 400, 422), answer.text


def test_a_service_without_the_extra_says_what_is_missing(
    shared_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = in_columns([])
    monkeypatch.delitem(sys.modules, "app.api.batch_arrow", raising=False)
    # None in the table of modules is how Python itself notes that there is no such module.
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = ask(shared_service, body)

    assert "joint-risk[bulk]" in ensure_problem(answer, 415, "unsupported-media-type")["detail"]
    assert answer.headers["Accept-Post"] == "application/json, application/jsonl"
