"""`/v1/rule-sets/{a}:compare?with={b}` over the reference population and over a posted cohort, and `rules diff`."""

import gzip
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from app.api.comparison_answers import Comparison
from app.log_lines import FIELDS
from app.rule_sets.comparison import LINE_MOST_BYTES
from app.rule_sets.documents import published_document
from tests.api.command_line import run
from tests.api.keyring import Keyring
from tests.api.service import Author, Outage, Service, ensure_problem, example, faults_of

MARKER = "Zanzibar"


def other_document() -> Any:
    document: Any = published_document("2026.1")
    sleep = next(factor for factor in document["factors"] if factor["id"] == "sleep_short")
    sleep["bands"][0]["ratio"] = 1.9
    document["examples"] = []
    return document


@pytest.fixture
def two(service: Service, author: Author) -> Service:
    author.publish("2026.2", document=other_document())
    return service


def post(service: Service, lines: list[Any], **call: Any) -> Any:
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    headers = {"Content-Type": "application/jsonl", **call.pop("headers", {})}
    path = call.pop("path", "/v1/rule-sets/2026.1:compare?with=2026.2")
    return service.ask("POST", path, content=call.pop("content", body), headers=headers)


def test_two_versions_are_compared_over_the_reference_population(two: Service) -> None:
    answer = two.get("/v1/rule-sets/2026.1:compare?with=2026.2")

    told = answer.json()
    assert answer.status_code == 200
    assert Comparison.model_validate_json(answer.content).model_dump(mode="json", by_alias=True) == told
    assert [factor["id"] for factor in told["changes"]["factors"]["changed"]] == ["sleep_short"]
    people = told["people"]
    assert (people["compared"], people["population"]["reference_count"]) == (11_000, 10_000)
    for joint in people["joints"].values():
        assert sum(sum(row.values()) for row in joint["moves"].values()) == 11_000
        assert {cause["id"] for cause in joint["moved_by"]} == {"sleep_short"}
    (mover, *_) = people["largest_movers"]
    score = two.score(mover["request"], "/v1/scores?rule_set=2026.2").json()["joints"][mover["joint"]]["score"]
    assert score == mover["score"]["after"]
    # Worked out once: the same again costs nothing, and who has it is told so.
    again = two.get("/v1/rule-sets/2026.1:compare?with=2026.2", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert answer.headers["Cache-Control"] == "no-cache"


def test_a_cohort_is_compared_and_nothing_of_it_is_told_or_logged(
    two: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tired = {**example(), "runner": {**example()["runner"], "sleep_hours": 5}}
    lines = [tired, {"id": MARKER, "request": example()}, {"runner": {"sex": MARKER}, "training": {}}, MARKER.encode()]

    answer = post(two, lines)

    people = answer.json()["people"]
    assert (people["rows"], people["compared"]) == (4, 2)
    assert people["faults"] == {"not-a-choice": 1, "not-json": 1}
    assert people["largest_movers"][0]["row"] == 1
    assert people["largest_movers"][0]["request"] is None
    assert answer.headers["Cache-Control"] == "no-store"
    assert MARKER not in answer.text + caplog.text
    packed = gzip.compress(json.dumps(tired).encode())
    assert post(two, [], content=packed, headers={"Content-Encoding": "gzip"}).json()["people"]["compared"] == 1
    assert post(two, []).json()["people"]["rows"] == 0


def test_each_runner_of_a_cohort_is_charged_once_and_told_in_the_log(
    sqlite_store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    key = Keyring(sqlite_store_url).make("rules:read")
    lines = [b"", json.dumps(example()).encode(), b"  ", MARKER.encode(), b"x" * (LINE_MOST_BYTES + 1), b"[]"]
    path = "/v1/rule-sets/2026.1:compare?with=2026.1"
    caplog.set_level(logging.INFO, logger="joint_risk.access")
    with Service(sqlite_store_url, rate_limit_per_minute=9) as service:
        answers = [post(service, lines, path=path, headers=key.header) for _ in range(3)]
        left = service.get("/v1/rule-sets", headers=key.header).headers["RateLimit"]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.json()["people"]["rows"] for answer in answers[:2]] == [4, 4]
    told = ensure_problem(answers[2], 429, "rate-limited")
    assert "people" not in told
    assert left.startswith('"runners";r=1;')
    noted = [getattr(record, FIELDS) for record in caplog.records if record.name == "joint_risk.access"][:3]
    assert [(line["rule_set"], line["runners"]) for line in noted[:2]] == [("2026.1", 4), ("2026.1", 4)]
    assert noted[2]["runners"] == 0  # they came in one piece, which was beyond what was left


def test_a_withdrawn_version_can_still_be_compared(two: Service, sqlite_store_url: str) -> None:
    assert run("rules", "withdraw", "2026.2", "--reason", "a wrong number", store=sqlite_store_url).code == 0
    two.look_at_store()

    assert post(two, [example()]).json()["people"]["compared"] == 1


def test_what_cannot_be_compared_is_refused(two: Service, outage: Outage) -> None:
    ensure_problem(two.get("/v1/rule-sets/2026.1:compare?with=2031.9"), 404, "unknown-rule-set")
    ensure_problem(two.get("/v1/rule-sets/newest:compare?with=2026.1"), 404, "unknown-rule-set")
    assert faults_of(two.get("/v1/rule-sets/2026.1:compare")) == {("/query/with", "missing")}
    ensure_problem(post(two, [], headers={"Content-Type": "text/csv"}), 415, "unsupported-media-type")
    ensure_problem(post(two, [], content=b"no", headers={"Content-Encoding": "gzip"}), 400, "malformed")
    outage.begin()
    ensure_problem(two.get("/v1/rule-sets/2026.1:compare?with=2026.2"), 503, "store-away")
    outage.end()


# ------------------------------------------------------------------------------------------------ the command line


def test_files_and_versions_are_compared_from_the_command_line(tmp_path: Path, sqlite_store_url: str) -> None:
    rules, cohort = tmp_path / "rules.json", tmp_path / "cohort.jsonl"
    rules.write_text(json.dumps(other_document()), encoding="utf-8")
    cohort.write_text(json.dumps({"runner": {**example()["runner"], "sleep_hours": 5}, "training": {}}) + "\n[]\n")

    as_json = run("rules", "diff", "2026.1", str(rules), "--cohort", str(cohort), "--json", store=sqlite_store_url)
    page = run("rules", "diff", "2026.1", str(rules), "--cohort", str(cohort), store=sqlite_store_url)
    draft = run("rules", "diff", str(rules), "2026.1", "--cohort", str(cohort), "--changelog", store=sqlite_store_url)

    assert (as_json.code, page.code, draft.code) == (0, 0, 0)
    assert json.loads(as_json.out)["people"]["compared"] == 1
    assert "1 of 2 rows could not be scored (wrong-type: 1)" in page.out
    assert "sleep_short" in page.out
    assert draft.out.startswith("## 2026.1\n\nWhat is different from unpublished")


def test_what_the_command_line_cannot_compare_says_why(tmp_path: Path, sqlite_store_url: str) -> None:
    nothing = str(tmp_path / "nothing")
    assert run("rules", "diff", "2026.1", "2031.9", store=sqlite_store_url).code == 7
    assert run("rules", "diff", "2026.1", nothing, store=sqlite_store_url).code == 6
    assert run("rules", "diff", "2026.1", "2026.1", "--cohort", nothing, store=sqlite_store_url).code == 6
    assert run("rules", "diff", "2026.1", "2026.1", "--json", "--changelog", store=sqlite_store_url).code == 2
