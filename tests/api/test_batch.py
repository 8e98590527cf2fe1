"""`POST /v1/scores:batch` as a list and as lines: order, ids, problems in place, sizes, and what every shape shares."""

import gzip
import json
from typing import Any

import httpx
import pytest

from app.api.batch_answers import BatchResults
from app.api.streams import StreamRoom
from tests.api.service import EXAMPLES, Author, Outage, Service, ensure_problem, example, faults_of

PATH = "/v1/scores:batch"
JSONL = {"Content-Type": "application/jsonl"}
RUNNERS = sorted(file.stem for file in EXAMPLES.glob("*.json"))
UNKNOWN: dict[str, Any] = {"runner": {}, "training": {}}
TOO_MUCH_PAIN = {"runner": {"knee": {"pain_now": 11}}, "training": {}}
Json = dict[str, Any]


def as_lines(*rows: object) -> bytes:
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


def ask_in_lines(service: Service, *rows: object, query: str = "", **headers: str) -> list[Json]:
    answer = service.ask("POST", f"{PATH}{query}", content=as_lines(*rows), headers={**JSONL, **headers})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/jsonl"
    return [json.loads(line) for line in answer.text.splitlines()]


def ask_as_list(service: Service, *rows: object, query: str = "", **beside: object) -> list[Json]:
    answer = service.score({"items": list(rows), **beside}, f"{PATH}{query}")
    assert answer.status_code == 200, answer.text
    results: list[Json] = answer.json()["results"]
    return results


def without_instance(problem: Json) -> Json:
    return {name: told for name, told in problem.items() if name != "instance"}


# ------------------------------------------------------------------------------------------- equal to single calls


@pytest.mark.parametrize("detail", ["full", "codes", "scores"])
def test_a_row_is_answered_byte_for_byte_as_the_same_runner_alone(shared_service: Service, detail: str) -> None:
    alone = [shared_service.score(example(name), f"/v1/scores?detail={detail}").content for name in RUNNERS]
    rows = [{"id": name, "request": example(name)} for name in RUNNERS]

    listed = shared_service.score({"items": rows}, f"{PATH}?detail={detail}").content
    lines = shared_service.ask("POST", f"{PATH}?detail={detail}", content=as_lines(*rows), headers=JSONL).content

    expected = [
        b'{"id":"' + name.encode() + b'","assessment":' + answer + b"}"
        for name, answer in zip(RUNNERS, alone, strict=True)
    ]
    assert listed == b'{"results":[' + b",".join(expected) + b"]}"
    assert lines == b"".join(line + b"\n" for line in expected)


def test_a_row_that_cannot_be_scored_has_the_problem_that_it_would_have_alone(shared_service: Service) -> None:
    alone = ensure_problem(shared_service.score(TOO_MUCH_PAIN), 422, "invalid-input")
    rows = [{"id": "a", "request": example()}, {"id": "b", "request": TOO_MUCH_PAIN}, {"id": "c", "request": example()}]

    for results in (ask_as_list(shared_service, *rows), ask_in_lines(shared_service, *rows)):
        assert [list(result) for result in results] == [["id", "assessment"], ["id", "problem"], ["id", "assessment"]]
        assert [result["id"] for result in results] == ["a", "b", "c"]
        assert without_instance(results[1]["problem"]) == without_instance(alone)


def test_the_list_and_the_lines_say_the_same_of_every_row(shared_service: Service) -> None:
    rows: list[object] = [
        {"id": "good", "request": example()},
        {"id": "good", "request": example("must-see-somebody")},
        {"id": "ünïcode \N{RUNNER}", "request": example("sound-runner"), "as_of": "2026-11-24"},
        {"id": "no request"},
        {"id": "", "request": example()},
        {"id": "x" * 129, "request": example()},
        {"id": 7, "request": example()},
        {"request": example(), "more": 1},
        {"id": "wrong", "request": []},
        {"id": "wrong day", "request": example(), "as_of": "yesterday"},
        {"id": "far day", "request": {"runner": {}, "training": {}}, "as_of": "2199-01-01"},
        {"id": "too much", "request": TOO_MUCH_PAIN},
        None,
        [],
        3,
    ]

    def told(results: list[Json]) -> list[Json]:
        return [{**result, "problem": without_instance(result.get("problem", {}))} for result in results]

    listed, lines = ask_as_list(shared_service, *rows), ask_in_lines(shared_service, *rows)
    assert told(listed) == told(lines)
    assert [list(result)[1] for result in listed] == ["assessment"] * 3 + ["problem"] * 12


def test_every_answer_is_what_the_openapi_document_says(shared_service: Service) -> None:
    rows = [{"id": "a", "request": example()}, {"id": "b", "request": TOO_MUCH_PAIN}]
    answer = shared_service.score({"items": rows}, PATH)

    described = BatchResults.model_validate_json(answer.content)
    assert described.model_dump(mode="json", by_alias=True, exclude_unset=True) == answer.json()


# --------------------------------------------------------------------------------------------- what is wrong with a row


@pytest.mark.parametrize(
    ("row", "id", "found"),
    [
        ({"request": {"runner": {}, "training": {}}}, None, {("/id", "missing")}),
        ({"id": 7, "request": {"runner": {}, "training": {}}}, None, {("/id", "wrong-type")}),
        ({"id": "", "request": {"runner": {}, "training": {}}}, None, {("/id", "too-short")}),
        ({"id": "i" * 129, "request": {"runner": {}, "training": {}}}, None, {("/id", "too-long")}),
        ({"id": "a"}, "a", {("/request", "missing")}),
        ({"id": "a", "request": "{}"}, "a", {("/request", "wrong-type")}),
        ({"id": "a", "request": {}, "color": 1}, "a",
         {("/color", "unknown-field"), ("/runner", "missing"), ("/training", "missing")}),
        ({"id": "a", "request": UNKNOWN, "as_of": "1999-12-31"}, "a", {("/as_of", "out-of-range")}),
        ({"id": "a", "request": UNKNOWN, "as_of": 5}, "a", {("/as_of", "not-a-date")}),
        ({"id": "a", "request": {"runner": {"knee": {"symptoms": ["no_such_flag"]}}, "training": {}}}, "a",
         {("/runner/knee/symptoms/0", "unknown-symptom")}),
        (b"{", None, {("", "not-json")}),
        (b"\xff", None, {("", "not-json")}),
        (b'{"id": "a", "request": ' + b"[" * 500, None, {("", "not-json")}),
    ],
)  # fmt: skip
def test_all_that_is_wrong_with_a_row_is_named(
    shared_service: Service, row: object, id: str | None, found: set[tuple[str, str]]
) -> None:
    bad, good = ask_in_lines(shared_service, row, {"id": "next", "request": example()})

    assert bad["id"] == id
    assert {(fault["pointer"], fault["code"]) for fault in bad["problem"]["errors"]} == found
    assert good["id"] == "next"
    assert good["assessment"]["joints"]


def test_an_id_of_128_characters_comes_back_as_it_was(shared_service: Service) -> None:
    id = "\N{RUNNER}" * 64 + '"\\\u2028 ' + "é" * 60

    assert [result["id"] for result in ask_in_lines(shared_service, {"id": id, "request": example()})] == [id]


def test_a_line_that_is_too_long_is_passed_over_to_its_end(shared_service: Service) -> None:
    row = {"id": "a", "request": example()}
    results = ask_in_lines(shared_service, row, b"x" * 3_000_000, row)

    assert [list(result)[1] for result in results] == ["assessment", "problem", "assessment"]
    assert results[1]["problem"]["type"].endswith(":too-large")
    assert results[1]["id"] is None


def test_a_line_of_one_mebibyte_is_read(shared_service: Service) -> None:
    row = as_lines({"id": "a", "request": example()}).strip()
    padded = row[:-1] + b" " * (1_048_576 - len(row)) + b"}"

    assert [list(result)[1] for result in ask_in_lines(shared_service, padded, padded + b" ")] == [
        "assessment",
        "problem",
    ]


def test_blank_lines_are_no_rows_and_the_last_line_needs_no_end(shared_service: Service) -> None:
    row = json.dumps({"id": "a", "request": example()}).encode()
    answer = shared_service.ask("POST", PATH, content=b"\r\n\n" + row + b"\r\n \n" + row, headers=JSONL)

    assert len(answer.text.splitlines()) == 2


# --------------------------------------------------------------------------------------- what stands beside the rows


def test_the_nearest_day_wins(shared_service: Service) -> None:
    rows: list[object] = [
        {"id": "beside all", "request": UNKNOWN},
        {"id": "beside its request", "request": UNKNOWN, "as_of": "2026-11-02"},
        {"id": "its own", "request": {**UNKNOWN, "as_of": "2026-11-03"}, "as_of": "2026-11-02"},
    ]
    results = ask_as_list(shared_service, *rows, query="?detail=scores", as_of="2026-11-01")

    assert [result["assessment"]["as_of"] for result in results] == ["2026-11-01", "2026-11-02", "2026-11-03"]


def test_the_day_may_stand_behind_the_items(shared_service: Service) -> None:
    body = b'{"items": [{"id": "a", "request": {"runner": {}, "training": {}}}], "as_of": "2026-11-01"}'
    answer = shared_service.score(body, f"{PATH}?detail=scores")

    assert answer.json()["results"][0]["assessment"]["as_of"] == "2026-11-01"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", {("", "not-json")}),
        (b'{"items": [', {("", "not-json")}),
        (b'{"items": []} x', {("", "not-json")}),
        (b'{"items": [1 2]}', {("", "not-json")}),
        (b'{"items" []}', {("", "not-json")}),
        (b'{"items": [' + b"[" * 100_000, {("", "not-json")}),
        (b"[]", {("", "wrong-type")}),
        (b"{}", {("/items", "missing")}),
        (b'{"items": 3, "as_of": [], "wrong": 1, "Jane Doe": 2}',
         {("/items", "wrong-type"), ("/as_of", "not-a-date"), ("/wrong", "unknown-field"), ("", "unknown-field")}),
        (b'{"items": [], "as_of": "2199-01-01"}', {("/as_of", "out-of-range")}),
        (b'{"items": [' + b",".join([b"1"] * 1_001) + b"]}", {("/items", "too-many")}),
    ],
)  # fmt: skip
def test_a_body_that_is_no_batch_is_refused_as_a_whole(
    shared_service: Service, body: bytes, found: set[tuple[str, str]]
) -> None:
    answer = shared_service.score(body, PATH)

    assert faults_of(answer) == found
    assert "Jane" not in answer.text


def test_a_thousand_rows_are_answered(shared_service: Service) -> None:
    rows = [{"id": str(number), "request": example("sound-runner")} for number in range(1_000)]

    assert [row["id"] for row in ask_as_list(shared_service, *rows, query="?detail=scores")] == [
        str(number) for number in range(1_000)
    ]
    assert ask_as_list(shared_service) == []


def test_a_list_over_16_mebibytes_is_refused(shared_service: Service) -> None:
    limit = 16 * 1024 * 1024
    body = b'{"items": []' + b" " * (limit - 13) + b"}"

    assert shared_service.score(body, PATH).json() == {"results": []}
    ensure_problem(shared_service.score(body + b" ", PATH), 413, "too-large")


def test_all_rows_are_scored_by_the_rules_in_the_header(service: Service, author: Author) -> None:
    author.publish("2026.2")
    rows = [{"id": "a", "request": example()}] * 3

    answer = service.score({"items": rows}, f"{PATH}?rule_set=2026.2")
    assert answer.headers["Joint-Rule-Set"].startswith("2026.2;sha256:")
    assert {row["assessment"]["rule_set"]["version"] for row in answer.json()["results"]} == {"2026.2"}
    assert answer.headers["Cache-Control"] == "no-store"
    ensure_problem(service.score({"items": rows}, f"{PATH}?rule_set=2026.9"), 404, "unknown-rule-set")


def test_a_pinned_version_that_is_not_in_memory_needs_the_store(service: Service, outage: Outage) -> None:
    outage.begin()

    ensure_problem(service.score({"items": []}, f"{PATH}?rule_set=2026.7"), 503, "store-away")
    assert service.score({"items": [{"id": "a", "request": example()}]}, PATH).status_code == 200


def test_weaker_evidence_can_be_left_out(shared_service: Service) -> None:
    alone = shared_service.score(example(), "/v1/scores?min_evidence=moderate").json()
    (row,) = ask_in_lines(shared_service, {"id": "a", "request": example()}, query="?min_evidence=moderate")

    assert row["assessment"] == alone


def test_unknown_fields_are_passed_over_where_that_is_preferred(shared_service: Service) -> None:
    row = {"id": "a", "request": {"runner": {"wings": 2}, "training": {}}, "more": 1}

    assert "problem" in ask_in_lines(shared_service, row)[0]
    told = ask_in_lines(shared_service, row, Prefer="handling=lenient")[0]["assessment"]
    assert passed_over(told) == ["/more", "/runner/wings"]


def faults_in(result: dict[str, Any]) -> set[tuple[str, str]]:
    return {(fault["pointer"], fault["code"]) for fault in result["problem"]["errors"]}


def passed_over(assessment: dict[str, Any]) -> list[str]:
    return [finding["pointer"] for finding in assessment["findings"] if finding["code"] == "unknown-field"]


def test_what_is_unknown_beside_a_request_is_refused_or_passed_over_with_a_finding(shared_service: Service) -> None:
    row = {"id": "a", "request": example(), "colour": "blue", "Jane Doe": 1}
    lenient = {"Prefer": "handling=lenient"}

    assert faults_in(ask_in_lines(shared_service, row)[0]) == {("/colour", "unknown-field"), ("", "unknown-field")}
    (refused,) = shared_service.score({"items": [row]}, PATH).json()["results"]
    assert faults_in(refused) == {("/colour", "unknown-field"), ("", "unknown-field")}
    listed = shared_service.score({"items": [row]}, PATH, headers=lenient).json()["results"]
    assert listed == ask_in_lines(shared_service, row, **lenient)
    assert passed_over(listed[0]["assessment"]) == ["/colour", ""]
    assert "Jane" not in json.dumps(listed)


def test_what_is_unknown_beside_the_items_is_refused_or_said_in_every_result(shared_service: Service) -> None:
    body = {
        "items": [{"id": "a", "request": example()}, {"id": "b", "request": example(), "more": 1}],
        "colour": "blue",
    }

    assert faults_of(shared_service.score(body, PATH)) == {("/colour", "unknown-field")}
    told = shared_service.score(body, PATH, headers={"Prefer": "handling=lenient"}).json()["results"]
    assert [passed_over(result["assessment"]) for result in told] == [["/colour"], ["/colour", "/more"]]


def test_of_very_many_members_beside_a_request_a_hundred_are_named(shared_service: Service) -> None:
    row = {"id": "a", "request": example(), **{f"k{number}": 0 for number in range(500)}}
    (told,) = ask_in_lines(shared_service, row, Prefer="handling=lenient")

    codes = [finding["code"] for finding in told["assessment"]["findings"]]
    assert (codes.count("unknown-field"), codes.count("unknown-fields-left-out")) == (100, 1)


def test_the_receipt_of_a_row_with_members_passed_over_is_verified_with_its_answer(shared_service: Service) -> None:
    request = {**example(), "shoe": "red"}
    row = {"id": "a", "request": request, "colour": "blue"}
    (told,) = ask_in_lines(shared_service, row, query="?detail=codes", Prefer="handling=lenient")
    answer = told["assessment"]
    kept = {"request": request, "receipt": answer["receipt"], "rule_set": answer["rule_set"]["version"]}

    def verdict(answer: dict[str, Any]) -> object:
        return shared_service.score({**kept, "answer": answer}, "/v1/scores:verify").json()["same"]

    assert passed_over(answer) == ["/colour", "/shoe"]
    assert verdict(answer) is True
    assert verdict({**answer, "findings": answer["findings"][1:]}) is False
    assert verdict({**answer, "findings": [*answer["findings"][:1], *answer["findings"]]}) is False


# ------------------------------------------------------------------------------------------------------ the carrying


def test_packed_bodies_are_unpacked_and_answers_are_packed_when_asked_for(shared_service: Service) -> None:
    row = {"id": "a", "request": example()}
    plain = shared_service.ask("POST", PATH, content=as_lines(row, row), headers=JSONL)
    # Two members one after the other are one body, as `cat a.gz b.gz` makes it.
    packed = gzip.compress(as_lines(row)) + gzip.compress(as_lines(row))
    headers = {**JSONL, "Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
    answer = shared_service.ask("POST", PATH, content=packed, headers=headers)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.content == plain.content
    listed = gzip.compress(json.dumps({"items": [row]}).encode())
    assert shared_service.score(listed, PATH, headers={"Content-Encoding": "gzip"}).status_code == 200


def test_a_small_packed_list_that_unpacks_to_too_much_is_refused(shared_service: Service) -> None:
    bomb = gzip.compress(b'{"items": [' + b" " * 50_000_000 + b"]}")

    ensure_problem(shared_service.score(bomb, PATH, headers={"Content-Encoding": "gzip"}), 413, "too-large")


@pytest.mark.parametrize(
    ("headers", "status", "slug"),
    [
        ({"Content-Type": "text/csv"}, 415, "unsupported-media-type"),
        ({"Content-Type": "application/jsonl; charset=utf-16"}, 415, "unsupported-media-type"),
        ({"Content-Type": "application/jsonl", "Accept": "application/json"}, 406, "not-acceptable"),
        ({"Content-Type": "application/jsonl", "Content-Encoding": "br"}, 415, "unsupported-encoding"),
    ],
)
def test_what_cannot_be_read_or_written_is_refused_before_the_first_byte(
    shared_service: Service, headers: dict[str, str], status: int, slug: str
) -> None:
    ensure_problem(shared_service.ask("POST", PATH, content=b"", headers=headers), status, slug)


def test_a_mistyped_parameter_is_refused_before_the_first_byte(shared_service: Service) -> None:
    answer = shared_service.ask("POST", f"{PATH}?ruleset=2026.1", content=b"", headers=JSONL)

    assert faults_of(answer) == {("/query/ruleset", "unknown-parameter")}


def test_a_stream_that_does_not_fit_into_memory_is_refused_before_the_first_byte(service: Service) -> None:
    room: StreamRoom = service.app.state.streams
    with room.reserved(service.app.state.settings.stream_memory_bytes):
        answer = service.ask("POST", PATH, content=as_lines({"id": "a"}), headers=JSONL)
        ensure_problem(answer, 503, "overloaded")
        assert int(answer.headers["Retry-After"]) >= 1
        ensure_problem(service.score({"items": []}, PATH), 503, "overloaded")

    assert service.score({"items": []}, PATH).status_code == 200


def test_what_was_set_aside_is_given_back_whatever_became_of_a_call(service: Service) -> None:
    room: StreamRoom = service.app.state.streams
    ask_in_lines(service, {"id": "a", "request": example()})
    service.score({"items": [{"id": "a", "request": example()}]}, PATH)
    service.score(b"{", PATH)
    service.score(b"{}", PATH)

    with room.reserved(service.app.state.settings.stream_memory_bytes):
        pass


def test_a_batch_lets_a_single_call_go_first(service: Service) -> None:
    rows = [{"id": "a", "request": example()}] * 1_000
    headers = {"Content-Type": "application/json"}
    batch = {"method": "POST", "path": PATH, "content": json.dumps({"items": rows}).encode(), "headers": headers}
    single = {"method": "POST", "path": "/v1/scores", "content": json.dumps(example()).encode(), "headers": headers}

    assert service.race(batch=batch, single=single) == ["single", "batch"]


def test_the_answer_to_nothing_is_nothing(shared_service: Service) -> None:
    answer: httpx.Response = shared_service.ask("POST", PATH, content=b"", headers=JSONL)

    assert (answer.status_code, answer.content) == (200, b"")
