"""`joint-risk bulk`: every form in and out, resuming, refusing to mix, and a run that is killed in the middle."""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from app.bulk.manifest import Options
from app.bulk.parts import FORMS
from app.bulk.run import RulesFile, begin_run
from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from app.runners import read_request
from app.scoring.assessment import render
from app.scoring.columns import ANSWER_SCHEMA
from app.scoring.compiled import compile_rule_set
from app.scoring.engine import assess
from app.scoring.rule_set import RuleSetDocument
from benchmarks.population import full_bodies, sparse_bodies
from tests.api.command_line import run
from tests.api.service import Author
from tests.system.running import ROOT, wait_until

Json = dict[str, Any]
AS_OF = "2026-11-23"
ROWS_A_PART = int(os.environ.get("BULK_ROWS", "300"))
BAD: Json = {"runner": {"knee": {"pain_now": 11}}, "training": {}}


class Bulk:
    """Runs the command against a store of the test's own."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._environment = {**os.environ, "JOINT_RISK_DATABASE_URL": database_url}

    def start(self, *arguments: object, as_of: str = AS_OF) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "app.cli", "bulk", *map(str, arguments), "--as-of", as_of]
        return subprocess.Popen(
            command, cwd=ROOT, env=self._environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, *arguments: object, code: int = 0, as_of: str = AS_OF) -> str:
        """Runs it to its end in this process, and returns what it said."""
        words = ("bulk", *map(str, arguments), "--as-of", as_of, "--workers", "1")
        ending = run(*words, store=self._database_url)
        assert ending.code == code, ending.out + ending.err
        return ending.out + ending.err


@pytest.fixture
def bulk(sqlite_store_url: str) -> Bulk:
    return Bulk(sqlite_store_url)


def requests(count: int) -> list[Json]:
    return [json.loads(body) for body in (*sparse_bodies(count // 2), *full_bodies(count - count // 2))]


def write_lines(file: Path, rows: list[Json]) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    file.write_bytes(gzip.compress(text, mtime=0) if file.suffix == ".gz" else text)


def write_text_column(file: Path, rows: list[Json]) -> None:
    table = pa.table(
        {"id": [row["id"] for row in rows], "request": [json.dumps(row["request"]) for row in rows]},
    )
    if file.suffix == ".parquet":
        pq.write_table(table, file, row_group_size=7)
        return
    new = pa.ipc.new_stream if file.suffix == ".arrows" else pa.ipc.new_file
    with new(str(file), table.schema) as writer:
        writer.write_table(table, max_chunksize=7)


def write_cells(file: Path, rows: list[Json]) -> None:
    """The request as one cell, or each of its members as a cell named by its path."""
    with file.open("w", newline="") as opened:
        if len(rows) % 2:
            writer = csv.DictWriter(opened, ["id", "request"])
            writer.writeheader()
            writer.writerows({"id": row["id"], "request": json.dumps(row["request"])} for row in rows)
            return
        flat = [
            {
                "id": row["id"],
                "as_of": row["request"].get("as_of", ""),
                **{
                    f"{owner}.{name}": member if isinstance(member, str) else json.dumps(member)
                    for owner in ("runner", "training")
                    for name, member in row["request"][owner].items()
                },
            }
            for row in rows
        ]
        names = dict.fromkeys(name for row in flat for name in row)
        writer = csv.DictWriter(opened, names, restval="")
        writer.writeheader()
        writer.writerows(flat)


WRITERS: dict[str, Callable[[Path, list[Json]], None]] = {
    ".jsonl": write_lines, ".jsonl.gz": write_lines, ".parquet": write_text_column, ".arrow": write_text_column,
    ".arrows": write_text_column, ".csv": write_cells,
}  # fmt: skip


def scored(folder: Path, name: str = "*.parquet") -> list[Json]:
    return [row for file in sorted(folder.rglob(name)) for row in pq.read_table(file, partitioning=None).to_pylist()]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


# ---------------------------------------------------------------------------------------------------- what comes out


def test_every_form_that_comes_in_comes_to_the_same(bulk: Bulk, tmp_path: Path) -> None:
    rows: list[Json] = [{"id": str(place), "request": request} for place, request in enumerate(requests(20))]
    rows.insert(4, {"id": "bad", "request": BAD})
    for suffix, write in WRITERS.items():
        (tmp_path / "in" / f"kind={suffix[1:]}").mkdir(parents=True)
        write(tmp_path / "in" / f"kind={suffix[1:]}" / f"part{suffix}", rows)
        if suffix == ".csv":  # an even number of rows is written the other way
            write(tmp_path / "in" / "kind=csv" / "more.csv", [*rows, rows[-1]])
    bulk.run(tmp_path / "in", tmp_path / "out")

    outputs = {file.relative_to(tmp_path / "out"): file for file in (tmp_path / "out").rglob("*.parquet")}
    assert sorted(map(str, outputs)) == sorted(
        [*(f"kind={suffix[1:]}/part.parquet" for suffix in WRITERS), "kind=csv/more.parquet"]
    )
    tables = [pq.read_table(file, partitioning=None) for file in outputs.values()]
    assert {tuple(table.schema.names) for table in tables} == {tuple(ANSWER_SCHEMA.names)}
    expected = [answer_alone(row["id"], row["request"]) for row in rows]
    for table in tables:
        told = [shortened(row) for row in table.to_pylist()]
        assert told[: len(expected)] == expected


def answer_alone(id: str, request: Json) -> Json:
    """What one call says of a runner, as far as it is compared here."""
    if request is BAD:
        return {"id": id, "row_status": "refused", "knee": None, "lower_back": None, "code": "out-of-range"}
    document = published_document("2026.1")
    rules = compile_rule_set(
        RuleSetDocument.model_validate(document), version="2026.1", digest=digest_of(canonical_bytes(document))
    )
    read = read_request(json.dumps(request).encode(), today=date(2026, 11, 24), as_of=date.fromisoformat(AS_OF))
    joints = json.loads(render(assess(rules, read.request, as_of=read.as_of, findings=read.findings)))["joints"]
    scores = {joint: joints[joint]["score"] for joint in ("knee", "lower_back")}
    return {"id": id, "row_status": "assessed", **scores, "code": None}


def shortened(row: Json) -> Json:
    return {
        "id": row["id"],
        "row_status": row["row_status"],
        "knee": row["knee_score"],
        "lower_back": row["lower_back_score"],
        "code": row["problem_code"],
    }


@pytest.mark.parametrize("form", FORMS)
def test_every_form_that_goes_out_holds_the_same_rows(bulk: Bulk, tmp_path: Path, form: str) -> None:
    source = tmp_path / "runners.jsonl"
    write_lines(source, [{"id": f'{place},"é', "request": each, "team": "a"} for place, each in enumerate(requests(6))])
    bulk.run(source, tmp_path / "out", "--format", form, "--contributions", "--keep", "team")

    file = tmp_path / "out" / f"runners.{form}"
    if form == "parquet":
        rows = pq.read_table(file).to_pylist()
    elif form == "arrow":
        with pa.ipc.open_file(str(file)) as opened:
            rows = opened.read_all().to_pylist()
    elif form == "jsonl":
        rows = [json.loads(line) for line in file.read_text().splitlines()]
    else:
        with file.open(newline="") as opened_text:
            rows = [
                {**row, "contributions": json.loads(row["contributions"]), "knee_score": int(row["knee_score"])}
                for row in csv.DictReader(opened_text)
            ]
    assert [row["id"] for row in rows] == [f'{place},"é' for place in range(6)]
    assert list(rows[0]) == [*ANSWER_SCHEMA.names, "contributions", "team"]
    assert {row["team"] for row in rows} == {"a"}
    assert {str(row["as_of"]) for row in rows} == {AS_OF}
    assert all(
        {"joint", "factor", "band", "status", "points_hundredths"} == set(told)
        for row in rows
        for told in row["contributions"]
    )
    assert all(isinstance(row["knee_score"], int) for row in rows)


def test_a_kept_column_has_its_type_where_the_file_settles_one_and_is_text_elsewhere(
    bulk: Bulk, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    request = requests(1)[0]
    write_lines(
        tmp_path / "in" / "a.jsonl", [{"id": "a", "request": request, "n": kept} for kept in (5, "5", [1, None], None)]
    )
    pq.write_table(pa.table({"id": ["b"], "request": [json.dumps(request)], "n": [5]}), tmp_path / "in" / "b.parquet")
    bulk.run(tmp_path / "in", tmp_path / "out", "--keep", "n")

    assert [row["n"] for row in scored(tmp_path / "out", "a.*")] == ["5", "5", "[1, null]", None]
    assert [row["n"] for row in scored(tmp_path / "out", "b.*")] == [5]


def test_refused_rows_stand_in_a_side_file_and_no_value_does(bulk: Bulk, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    good = requests(1)[0]
    write_lines(source / "a.jsonl", [{"id": "1", "request": good}, {"id": "2", "request": BAD}])
    (source / "b.jsonl").write_bytes(b'{"id": "3"}\n\n{"id": Canary\n' + json.dumps({"id": "4", **good}).encode())
    said = bulk.run(source, tmp_path / "out")

    assert (tmp_path / "out" / "_refused.csv").read_text() == (
        "part,row,id,pointer,code\n"
        "a.jsonl,2,2,/runner/knee/pain_now,out-of-range\n"
        "b.jsonl,1,3,,wrong-type\n"
        "b.jsonl,2,,,not-json\n"
    )
    assert "5 runners in 2 parts, by 2026.1" in said
    assert "3 rows refused" in said
    summary = json.loads((tmp_path / "out" / "_summary.json").read_text())
    assert summary["refused"] == {"out-of-range": 1, "wrong-type": 1, "not-json": 1}
    assert sum(summary["statuses"]["knee"].values()) == 2
    assert not any(b"Canary" in content for content in contents(tmp_path / "out").values())


def test_who_moves_between_levels_is_counted(bulk: Bulk, sqlite_store_url: str, tmp_path: Path) -> None:
    document: Json = published_document("2026.1")
    for cut in document["levels"]["cuts"]:
        if cut["id"] == "typical":
            cut["from"] -= 10  # fewer runners are low
    Author(sqlite_store_url).publish("2026.2", document=document)
    write_lines(tmp_path / "in.jsonl", [{"id": "a", "request": request} for request in requests(200)])
    said = bulk.run(tmp_path / "in.jsonl", tmp_path / "out", "--rule-set", "2026.2", "--compare", "2026.1")

    moves = json.loads((tmp_path / "out" / "_summary.json").read_text())["moves"]["knee"]
    assert sum(moves.values()) == 200
    assert moves.get("low > typical", 0) > 0
    assert not [move for move in moves if move.endswith("> low") and move != "low > low"]
    assert "low > typical" in said


def test_rules_may_come_from_a_file_and_then_no_store_is_needed(tmp_path: Path) -> None:
    bulk = Bulk("postgresql://nobody@127.0.0.1:1/none")  # where no store is
    write_lines(tmp_path / "in.jsonl", [{"id": "a", "request": requests(1)[0]}])
    rules = ROOT / "app" / "rule_sets" / "published" / "2026.1.yaml"
    bulk.run(tmp_path / "in.jsonl", tmp_path / "out", "--rules", rules)

    (row,) = scored(tmp_path / "out")
    assert row["rule_set"] == "unpublished"
    assert row["digest"] == digest_of(canonical_bytes(published_document("2026.1")))


def test_a_bundle_stands_in_for_the_store(bulk: Bulk, sqlite_store_url: str, tmp_path: Path) -> None:
    assert run("rules", "export", "--bundle", str(tmp_path / "rules.json"), store=sqlite_store_url).code == 0
    write_lines(tmp_path / "in.jsonl", [{"id": "a", "request": requests(1)[0]}])
    elsewhere = Bulk("postgresql://nobody@127.0.0.1:1/none")
    elsewhere.run(tmp_path / "in.jsonl", tmp_path / "out", "--bundle", tmp_path / "rules.json", "--compare", "2026.1")
    bulk.run(tmp_path / "in.jsonl", tmp_path / "same", "--compare", "2026.1")

    assert contents(tmp_path / "out") == contents(tmp_path / "same")


def test_rows_by_a_withdrawn_version_say_so_and_a_run_goes_on_as_it_was_begun(
    bulk: Bulk, source: Path, sqlite_store_url: str, tmp_path: Path
) -> None:
    document: Json = published_document("2026.1")
    document["texts"]["notice"] = "These are the rules 2026.2."
    canonical = canonical_bytes(document)
    Author(sqlite_store_url).publish("2026.2", document=document)
    begin_run(
        source,
        tmp_path / "begun",
        rules=RulesFile("2026.2", digest_of(canonical), canonical),
        compared=None,
        today=date(2026, 11, 24),
        as_of=date.fromisoformat(AS_OF),
        options=Options("parquet", contributions=False, keep=()),
    )
    assert run("rules", "withdraw", "2026.2", "--reason", "a wrong number", store=sqlite_store_url).code == 0
    for name in ("begun", "new"):
        bulk.run(source, tmp_path / name, "--rule-set", "2026.2")

    begun, new = ([row["finding_codes"] for row in scored(tmp_path / name)] for name in ("begun", "new"))
    assert len(begun) == 2
    assert new == [["rule-set-withdrawn", *codes] for codes in begun]


def test_a_part_without_rows_becomes_a_part_without_rows(bulk: Bulk, tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"request": pa.array([], pa.string()), "n": pa.array([], pa.int8())}), tmp_path / "a.parquet"
    )
    bulk.run(tmp_path / "a.parquet", tmp_path / "out", "--keep", "n")

    table = pq.read_table(tmp_path / "out" / "a.parquet")
    assert (table.num_rows, table.schema.names) == (0, [*ANSWER_SCHEMA.names, "n"])


# ------------------------------------------------------------------------------------------------ what is not mixed


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "ab":
        write_lines(folder / f"{name}.jsonl", [{"id": name, "request": requests(1)[0]}])
    return folder


def test_a_run_that_is_done_is_only_told_again(bulk: Bulk, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    bulk.run(source, out)
    before = {file: file.stat().st_mtime_ns for file in out.rglob("*") if file.is_file()}

    assert "2 parts were done before" in bulk.run(source, out)
    assert {file: file.stat().st_mtime_ns for file in out.rglob("*") if file.is_file()} == before


def test_every_difference_is_named_before_anything_is_scored(
    bulk: Bulk, source: Path, sqlite_store_url: str, tmp_path: Path
) -> None:
    bulk.run(source, tmp_path / "out")
    before = contents(tmp_path / "out")
    Author(sqlite_store_url).publish("2026.2")
    write_lines(source / "a.jsonl", [{"id": "other", "request": requests(1)[0]}])
    (source / "b.jsonl").rename(source / "c.jsonl")

    said = bulk.run(
        source, tmp_path / "out", "--rule-set", "2026.2", "--compare", "2026.1", "--format", "csv", "--keep", "team",
        "--contributions", as_of="2026-11-01", code=13,
    )  # fmt: skip
    for difference in (
        "as_of: begun for 2026-11-23, now 2026-11-01",
        "rules: begun by 2026.1 (sha256:",
        "compared: begun against none, now 2026.1 (sha256:",
        "options/form: begun with parquet, now csv",
        "options/contributions: begun with False, now True",
        "options/keep: begun with (), now ('team',)",
        "parts/a.jsonl: the input part has changed",
        "parts/b.jsonl: the input part is gone",
        "parts/c.jsonl: the input part is new",
    ):
        assert difference in said
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (lambda source, out: (source / "notes.txt", out), 6, "cannot be read"),
        (lambda source, out: (source.parent / "empty", out), 3, "no file of runners"),
        (lambda source, out: (source, source / "out"), 3, "apart"),
        (lambda source, out: (source, source.parent / "taken"), 13, "not empty"),
        (lambda source, out: (source, out, "--keep", "knee_score"), 3, "there already"),
        (lambda source, out: (source.parent / "good.parquet", out, "--keep", "team"), 3, "no column team"),
        (lambda source, out: (source, out, "--rule-set", "2026.9"), 7, "No published rule set"),
        (lambda source, out: (source.parent / "same", out), 3, "would become"),
        (lambda source, out: (source.parent / "damaged.parquet", out), 3, "damaged"),
        (lambda source, out: (source.parent / "other.csv", out), 3, "no column 'request'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    bulk: Bulk,
    source: Path,
    tmp_path: Path,
    make: Callable[[Path, Path], tuple[object, ...]],
    code: int,
    says: str,
) -> None:
    for name in ("empty", "taken", "same"):
        (tmp_path / name).mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    for suffix in (".csv", ".jsonl"):
        (tmp_path / "same" / f"a{suffix}").write_text("id,request\n")
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    pq.write_table(pa.table({"request": ["{}"]}), tmp_path / "good.parquet")
    (tmp_path / "other.csv").write_text("age\n1\n")

    assert says in bulk.run(*make(source, tmp_path / "out"), code=code)


# ------------------------------------------------------------------------------------------------------ what is killed


def test_a_run_that_is_killed_twice_goes_on_and_comes_out_byte_for_byte_as_if_it_had_not_been(
    bulk: Bulk, tmp_path: Path
) -> None:
    told = requests(ROWS_A_PART)
    for number in range(6):
        folder = tmp_path / "in" / f"country={number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        rows = [{"id": f"{number}-{place}", "request": request} for place, request in enumerate(told)]
        write_text_column(folder / f"{number}.parquet", [*rows, {"id": "bad", "request": BAD}])
    bulk.run(tmp_path / "in", tmp_path / "undisturbed")  # by one process, and the other by two

    out = tmp_path / "out"
    for parts_done in (1, 3):
        process = bulk.start(tmp_path / "in", out, "--workers", 2)
        wait_until(lambda: len(list(out.rglob("[0-9].parquet"))) >= parts_done)  # noqa: B023 - called at once
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not (out / "_SUCCESS").exists()
        done = list(out.rglob("[0-9].parquet"))
        assert parts_done <= len(done) < 6
        # Nothing that has its place is half written.
        assert {pq.read_metadata(file).num_rows for file in done} == {ROWS_A_PART + 1}
    assert "parts were done before" in bulk.run(tmp_path / "in", out)

    assert contents(out) == contents(tmp_path / "undisturbed")


def test_two_runs_do_not_work_in_one_folder(bulk: Bulk, source: Path, tmp_path: Path) -> None:
    write_lines(source / "a.jsonl", [{"id": "a", "request": request} for request in requests(500)])
    first = bulk.start(source, tmp_path / "out")
    wait_until((tmp_path / "out" / "_work").exists)

    assert "Another process is at work" in bulk.run(source, tmp_path / "out", code=13)
    first.communicate(timeout=60)
    assert first.returncode == 0
