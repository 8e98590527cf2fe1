"""`POST /v1/scores`: what goes in, in which forms, and what comes out with which headers."""

import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import BaseModel

from app.api.answers import Score, ScoreCodes, ScoreNumbers
from tests.api.service import EXAMPLES, Author, Service, ensure_problem, example, faults_of, packed

MODELS: dict[str, type[BaseModel]] = {"full": Score, "codes": ScoreCodes, "scores": ScoreNumbers}
RUNNERS = sorted(file.stem for file in EXAMPLES.glob("*.json"))
LIMIT_BYTES = 1_048_576


def test_a_runner_is_scored_and_the_answer_names_its_rules(shared_service: Service) -> None:
    answer = shared_service.score(example())

    assert answer.status_code == 200
    told = answer.json()
    assert 0 <= told["joints"]["knee"]["score"] <= 100
    assert told["as_of"] == "2026-11-23"
    rules = told["rule_set"]
    assert answer.headers["Joint-Rule-Set"] == f"{rules['version']};{rules['digest']}"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Language"] == "en"
    assert answer.headers["Vary"] == "Accept, Accept-Language, Accept-Encoding, Authorization"
    assert answer.headers["Content-Length"] == str(len(answer.content))


def test_the_same_request_gets_the_same_bytes(shared_service: Service) -> None:
    assert shared_service.score(example()).content == shared_service.score(example()).content


@pytest.mark.parametrize("detail", MODELS)
@pytest.mark.parametrize("runner", RUNNERS)
def test_every_size_of_answer_is_what_the_openapi_document_says(
    shared_service: Service, runner: str, detail: str
) -> None:
    answer = shared_service.score(example(runner), f"/v1/scores?detail={detail}")

    told = answer.json()
    described = MODELS[detail].model_validate_json(answer.content)
    # Nothing is missing, nothing is more than described, and no number came out another.
    assert described.model_dump(mode="json", by_alias=True) == told


@pytest.mark.parametrize("request_body", [{"runner": {}, "training": {}}, {"runner": {"age_years": 9}, "training": {}}])
def test_an_answer_about_somebody_unknown_has_every_member_too(
    shared_service: Service, request_body: dict[str, object]
) -> None:
    answer = shared_service.score(request_body)

    assert Score.model_validate_json(answer.content).model_dump(mode="json", by_alias=True) == answer.json()
    assert {joint["score"] for joint in answer.json()["joints"].values()} == {None}


def test_status_and_referral_are_in_every_size(shared_service: Service) -> None:
    told = [
        shared_service.score(example("must-see-somebody"), f"/v1/scores?detail={detail}").json() for detail in MODELS
    ]

    assert {size["joints"]["lower_back"]["status"] for size in told} == {"suspended"}
    assert len({size["referral"]["urgency"] for size in told}) == 1
    assert told[0]["referral"]["urgency"] in ("prompt", "emergency")
    assert all(size["referral"]["reasons"] for size in told)


def test_smaller_sizes_are_smaller(shared_service: Service) -> None:
    sizes = [len(shared_service.score(example(), f"/v1/scores?detail={detail}").content) for detail in MODELS]

    assert sizes[0] > 2 * sizes[1] > 8 * sizes[2]


def test_a_pinned_version_scores_and_an_unknown_one_is_not_found(shared_service: Service) -> None:
    assert shared_service.score(example(), "/v1/scores?rule_set=2026.1").json()["rule_set"]["version"] == "2026.1"
    for unknown in ("2031.1", "2026.01", "latest", "2026.1'--", ""):
        answer = shared_service.score(example(), f"/v1/scores?rule_set={unknown}")
        ensure_problem(answer, 404, "unknown-rule-set")


def test_weaker_evidence_can_be_left_out(shared_service: Service) -> None:
    def excluded(query: str) -> int:
        told = shared_service.score(example(), f"/v1/scores{query}").json()
        return sum(part["status"] == "excluded" for joint in told["joints"].values() for part in joint["contributions"])

    assert excluded("") < excluded("?min_evidence=low") < excluded("?min_evidence=moderate")
    told = shared_service.score(example(), "/v1/scores?min_evidence=moderate").json()
    assert told["receipt"]["min_evidence"] == "moderate"
    assert told["weak_evidence_share"] == 0


@pytest.mark.parametrize("lang", ["en", "en-GB", "de"])
def test_a_language_that_the_rules_do_not_speak_is_answered_in_english(shared_service: Service, lang: str) -> None:
    by_query = shared_service.score(example(), f"/v1/scores?lang={lang}")
    by_header = shared_service.score(example(), headers={"Accept-Language": f"{lang}, fr;q=0.5"})

    for answer in (by_query, by_header):
        assert answer.headers["Content-Language"] == "en"
        assert answer.content == shared_service.score(example()).content


def test_an_unknown_field_is_refused_unless_the_caller_prefers_leniency(shared_service: Service) -> None:
    request = example()
    request["runner"]["shoe_size"] = 43

    assert faults_of(shared_service.score(request)) == {("/runner/shoe_size", "unknown-field")}
    lenient = shared_service.score(request, headers={"Prefer": "respond-async, Handling=lenient"})
    assert lenient.status_code == 200
    assert lenient.headers["Preference-Applied"] == "handling=lenient"
    assert ("unknown-field", "/runner/shoe_size") in {
        (finding["code"], finding["pointer"]) for finding in lenient.json()["findings"]
    }


def test_all_faults_come_at_once_those_of_the_address_included(shared_service: Service) -> None:
    request = example()
    request["runner"]["age_years"] = 700
    request["runner"]["posture"] = "upright"
    request["training"]["sessions"][0] |= {"distance_m": 400_000, "duration_s": 1_200}
    del request["training"]["sessions"][1]["started_on"]

    answer = shared_service.score(request, "/v1/scores?detail=short&ruleset=2026.1&lang=en&lang=en")

    assert faults_of(answer) >= {
        ("/query/detail", "not-a-choice"),
        ("/query/ruleset", "unknown-parameter"),
        ("/query/lang", "repeated-parameter"),
        ("/runner/age_years", "out-of-range"),
        ("/runner/posture", "not-a-choice"),
        ("/training/sessions/0", "impossible-speed"),
        ("/training/sessions/1", "missing"),
    }


def test_more_than_a_hundred_faults_are_counted(shared_service: Service) -> None:
    request = example()
    request["training"]["sessions"] = [{"started_on": "2026-11-20", "distance_m": -1}] * 130

    problem = ensure_problem(shared_service.score(request), 422, "invalid-input")

    assert len(problem["errors"]) == 100
    assert problem["errors_left_out"] == 30


NO_REQUESTS = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "half an object": b"{",
    "no UTF-8": b"\xff\xfe",
    "text": b'"text"',
    "a deep list": b"[" * 100_000,
    "a deep object": b'{"runner":' * 5_000,
    "infinity": b'{"runner":{},"training":{"observed_from":1e999}}',
}


@pytest.mark.parametrize("body", NO_REQUESTS.values(), ids=NO_REQUESTS)
def test_a_body_that_is_no_request_is_refused_and_never_breaks_anything(shared_service: Service, body: bytes) -> None:
    ensure_problem(shared_service.score(body), 422, "invalid-input")


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_read_however_its_type_is_spelled(shared_service: Service, content_type: str) -> None:
    assert shared_service.score(example(), headers={"Content-Type": content_type}).status_code == 200


def test_a_body_without_a_type_is_taken_for_json(shared_service: Service) -> None:
    answer = shared_service.ask("POST", "/v1/scores", content=json.dumps(example()).encode())

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "application/jsonl",
        "json",
    ],
)
def test_another_type_of_body_is_refused(shared_service: Service, content_type: str) -> None:
    answer = shared_service.score(example(), headers={"Content-Type": content_type})

    ensure_problem(answer, 415, "unsupported-media-type")
    assert answer.headers["Accept-Post"] == "application/json"


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/*;q=0.1", "text/html, */*;q=0.01", ""])
def test_json_is_answered_to_whoever_takes_it(shared_service: Service, accept: str) -> None:
    assert shared_service.score(example(), headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("accept", ["image/png", "text/*", "application/json;q=0", "application/fhir+json"])
def test_another_type_of_answer_is_not_to_be_had(shared_service: Service, accept: str) -> None:
    ensure_problem(shared_service.score(example(), headers={"Accept": accept}), 406, "not-acceptable")


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_a_packed_body_is_unpacked(shared_service: Service, encoding: str) -> None:
    answer = shared_service.score(packed(example()), headers={"Content-Encoding": encoding})

    assert answer.json() == shared_service.score(example()).json()


def test_a_body_packed_otherwise_is_refused_with_what_would_do(shared_service: Service) -> None:
    answer = shared_service.score(b"...", headers={"Content-Encoding": "br"})

    ensure_problem(answer, 415, "unsupported-encoding")
    assert answer.headers["Accept-Encoding"] == "gzip, identity"


NOT_PACKED = {
    "never was": b"not packed",
    "cut off": packed({})[:-4],
    "with more behind it": packed({}) + b"more",
    "empty": b"",
}


@pytest.mark.parametrize("body", NOT_PACKED.values(), ids=NOT_PACKED)
def test_a_body_that_does_not_unpack_is_malformed(shared_service: Service, body: bytes) -> None:
    ensure_problem(shared_service.score(body, headers={"Content-Encoding": "gzip"}), 400, "malformed")


def padded(size_bytes: int) -> bytes:
    """The example runner with white space around it."""
    return json.dumps(example()).encode().ljust(size_bytes)


def test_a_body_of_one_mebibyte_is_read_and_one_byte_more_is_too_large(shared_service: Service) -> None:
    assert shared_service.score(padded(LIMIT_BYTES)).status_code == 200
    ensure_problem(shared_service.score(padded(LIMIT_BYTES + 1)), 413, "too-large")


def test_size_is_counted_while_a_body_of_unknown_length_comes_in(shared_service: Service) -> None:
    class Endless(httpx.AsyncByteStream):
        sent = 0

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                self.sent += 65_536
                yield b" " * 65_536

    endless = Endless()
    answer = shared_service.ask("POST", "/v1/scores", content=endless, headers={"Content-Type": "application/json"})

    ensure_problem(answer, 413, "too-large")
    assert endless.sent <= LIMIT_BYTES + 2 * 65_536


def test_size_is_counted_after_unpacking(shared_service: Service) -> None:
    bomb = packed(" " * (200 * LIMIT_BYTES))
    assert len(bomb) < LIMIT_BYTES

    ensure_problem(shared_service.score(bomb, headers={"Content-Encoding": "gzip"}), 413, "too-large")


def test_a_long_answer_is_packed_when_asked_for(shared_service: Service) -> None:
    plain = shared_service.score(example())
    answer = shared_service.score(example(), headers={"Accept-Encoding": "gzip"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.headers["Content-Length"]) < len(plain.content) / 3
    assert answer.content == plain.content
    assert answer.headers["Vary"] == plain.headers["Vary"]


@pytest.mark.parametrize("accept_encoding", ["identity", "br", "gzip;q=0", "*;q=0, gzip;q=0.0"])
def test_an_answer_is_not_packed_for_whoever_does_not_ask(shared_service: Service, accept_encoding: str) -> None:
    answer = shared_service.score(example(), headers={"Accept-Encoding": accept_encoding})

    assert "Content-Encoding" not in answer.headers


def test_a_short_answer_is_not_packed(shared_service: Service) -> None:
    answer = shared_service.score(example(), "/v1/scores?detail=scores", headers={"Accept-Encoding": "gzip"})

    assert len(answer.content) < 1024
    assert "Content-Encoding" not in answer.headers


def test_the_digest_in_the_receipt_is_of_the_codes_answer(shared_service: Service) -> None:
    full = shared_service.score(example()).json()
    codes = shared_service.score(example(), "/v1/scores?detail=codes").json()

    assert full["receipt"] == codes["receipt"]
    assert re.fullmatch("sha256:[0-9a-f]{64}", full["receipt"]["answer_digest"])


def test_a_large_body_full_of_faults_keeps_nobody_else_waiting(shared_service: Service) -> None:
    request = example()
    request["training"]["sessions"] = [{"started_on": "x", "distance_m": -1, "effort": 33, "id": ""}] * 1_900
    body = json.dumps(request).encode()
    large = {"method": "POST", "path": "/v1/scores", "content": body, "headers": {"Content-Type": "application/json"}}

    assert shared_service.race(large=large, small={"method": "GET", "path": "/livez"}) == ["small", "large"]


def test_a_call_is_scored_by_the_rules_that_were_in_force_when_it_began(service: Service, author: Author) -> None:
    author.publish("2026.2")

    class Slow(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            body = json.dumps(example()).encode()
            yield body[:100]
            author.activate(2, "2026.2")
            await service.rules.look()
            yield body[100:]

    answer = service.ask("POST", "/v1/scores", content=Slow())

    assert answer.json()["rule_set"]["version"] == "2026.1"
    assert service.score(example()).json()["rule_set"]["version"] == "2026.2"
