"""The rule sets over HTTP: bodies that never change, validators, forms, lists, texts, and the inputs that are read."""

import json

import pytest

from app.api.rule_set_answers import ActivationList, Inputs, PublishedRuleSet, RuleSetList, RuleSetTexts
from app.rule_sets.documents import canonical_bytes, digest_of, published_document, read_document
from tests.api.service import Author, Service, ensure_problem, example, faults_of

SHIPPED = "/v1/rule-sets/2026.1"
FOR_EVER = "private, max-age=31536000, immutable"
VARY = "Accept, Accept-Language, Accept-Encoding, Authorization"
READS = [
    SHIPPED,
    "/v1/rule-sets/active",
    f"{SHIPPED}/texts",
    "/v1/factors",
    "/v1/rule-sets",
    "/v1/rule-sets/activations",
]


def digest() -> str:
    return digest_of(canonical_bytes(published_document("2026.1")))


def test_a_version_is_told_with_its_document_byte_for_byte(shared_service: Service) -> None:
    answer = shared_service.get(SHIPPED)

    told = answer.json()
    assert list(told) == ["version", "digest", "published_at", "published_by", "reason", "document"]
    assert told["document"] == published_document("2026.1")
    canonical = answer.content.partition(b'"document":')[2][:-1]
    assert digest_of(canonical) == told["digest"] == digest()
    assert answer.headers["ETag"] == f'"{digest()}.json"'
    assert answer.headers["Cache-Control"] == FOR_EVER
    assert answer.headers["Vary"] == VARY
    assert PublishedRuleSet.model_validate_json(answer.content).model_dump(mode="json") == told


def test_a_version_can_be_had_as_yaml_that_reads_back_as_the_same(shared_service: Service) -> None:
    answer = shared_service.get(SHIPPED, headers={"Accept": "application/yaml"})

    assert answer.headers["Content-Type"] == "application/yaml"
    assert answer.headers["ETag"] == f'"{digest()}.yaml"'
    assert read_document(answer.content, media_type="application/yaml") == shared_service.get(SHIPPED).json()


def test_the_active_rule_set_is_the_same_body_to_be_asked_for_again(shared_service: Service) -> None:
    answer = shared_service.get("/v1/rule-sets/active")

    assert answer.content == shared_service.get(SHIPPED).content
    assert answer.headers["Content-Location"] == SHIPPED
    assert answer.headers["ETag"] == f'"{digest()}.json"'
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", [SHIPPED, "/v1/rule-sets/active", f"{SHIPPED}/texts", "/v1/factors"])
def test_whoever_has_a_body_is_not_sent_it_again(shared_service: Service, path: str) -> None:
    first = shared_service.get(path)
    tag = first.headers["ETag"]

    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = shared_service.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        for name in ("ETag", "Cache-Control", "Vary"):
            assert again.headers[name] == first.headers[name]
    assert shared_service.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    yaml_tag = tag.replace(".json", ".yaml")
    assert yaml_tag == tag or shared_service.get(path, headers={"If-None-Match": yaml_tag}).status_code == 200


@pytest.mark.parametrize("path", [*READS, "/livez", "/readyz", "/startupz", "/openapi.json", "/docs"])
def test_head_answers_what_get_does_but_the_body(shared_service: Service, path: str) -> None:
    get, head = shared_service.get(path), shared_service.ask("HEAD", path)

    assert (head.status_code, head.content) == (200, b"")
    own = ("request-id", "date")
    assert {k: v for k, v in head.headers.items() if k not in own} == {
        k: v for k, v in get.headers.items() if k not in own
    }


@pytest.mark.parametrize("path", READS)
def test_a_form_that_cannot_be_written_is_refused(shared_service: Service, path: str) -> None:
    ensure_problem(shared_service.get(path, headers={"Accept": "text/csv"}), 406, "not-acceptable")


@pytest.mark.parametrize("path", READS)
def test_a_mistyped_parameter_is_refused(shared_service: Service, path: str) -> None:
    assert faults_of(shared_service.get(f"{path}?ruleset=2026.1")) == {("/query/ruleset", "unknown-parameter")}


def test_versions_are_listed_highest_first_page_by_page(service: Service, author: Author) -> None:
    for number in (2, 10, 9):
        author.publish(f"2026.{number}")
    pages, path = [], "/v1/rule-sets?limit=3"
    while True:
        answer = service.get(path)
        told = answer.json()
        assert RuleSetList.model_validate_json(answer.content).model_dump(mode="json") == told
        pages.append([(item["version"], item["active"]) for item in told["items"]])
        if told["next"] is None:
            break
        path = f"/v1/rule-sets?limit=3&cursor={told['next']}"

    assert pages == [[("2026.10", False), ("2026.9", False), ("2026.2", False)], [("2026.1", True)]]
    assert "document" not in service.get("/v1/rule-sets").json()["items"][0]


def test_activations_are_listed_newest_first_with_the_last_number_as_validator(
    service: Service, author: Author
) -> None:
    author.publish("2026.2")
    author.activate(2, "2026.2")
    author.activate(3, None, cancels=(2,))

    answer = service.get("/v1/rule-sets/activations?limit=2")

    told = answer.json()
    assert ActivationList.model_validate_json(answer.content).model_dump(mode="json") == told
    assert answer.headers["ETag"] == '"3"'
    assert [(row["sequence"], row["version"], row["cancels"], row["active"]) for row in told["items"]] == [
        (3, None, [2], False),
        (2, "2026.2", [], False),
    ]
    rest = service.get(f"/v1/rule-sets/activations?cursor={told['next']}").json()
    assert [(row["sequence"], row["active"]) for row in rest["items"]] == [(1, True)]
    assert rest["next"] is None


@pytest.mark.parametrize("path", ["/v1/rule-sets", "/v1/rule-sets/activations"])
def test_a_cursor_that_no_list_gave_out_is_malformed(shared_service: Service, path: str) -> None:
    for cursor in ("", "x", "djIwMjYuMQ%3D%3D%3D", "djkwMDAuMQ", "YS0x", "YTk5eA", "%00", "a" * 500, "é"):
        answer = shared_service.get(f"{path}?cursor={cursor}")
        ensure_problem(answer, 400, "malformed")


def test_a_cursor_of_one_list_is_none_of_another(service: Service, author: Author) -> None:
    author.publish("2026.2")
    cursor = service.get("/v1/rule-sets?limit=1").json()["next"]

    ensure_problem(service.get(f"/v1/rule-sets/activations?cursor={cursor}"), 400, "malformed")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many", "1.5", ""])
def test_a_page_has_one_to_a_hundred_items(shared_service: Service, limit: str) -> None:
    assert {pointer for pointer, _ in faults_of(shared_service.get(f"/v1/rule-sets?limit={limit}"))} == {"/query/limit"}


def test_texts_stand_for_every_id_of_a_codes_answer(shared_service: Service) -> None:
    answer = shared_service.get(f"{SHIPPED}/texts?lang=en")
    texts = answer.json()
    assert RuleSetTexts.model_validate_json(answer.content).model_dump(mode="json", by_alias=True) == texts
    assert answer.headers["Cache-Control"] == FOR_EVER

    full = shared_service.score(example()).json()
    codes = shared_service.score(example(), "/v1/scores?detail=codes").json()

    for joint, assessed in codes["joints"].items():
        for code, said in zip(assessed["contributions"], full["joints"][joint]["contributions"], strict=True):
            factor = texts["factors"][code["factor"]]
            bands = {band["band"]: band for band in factor["joints"][joint]["bands"]}
            assert factor["title"] == said["title"]
            assert factor["sources"] == said["sources"]
            assert code["band"] is None or bands[code["band"]]["published"] == said["published"]
    for kind, member in (("advice", "text"), ("benefits", "text")):
        for code, said in zip(codes[kind], full[kind], strict=True):
            numbers = code.get("numbers", {})
            assert texts[kind][code["id"]][member].format(**numbers) == said["text"]
    assert texts["notice"] == full["notice"]
    assert texts["sources"].items() >= full["sources"].items()


def test_texts_stand_for_every_reason_of_a_referral(shared_service: Service) -> None:
    texts = shared_service.get(f"{SHIPPED}/texts").json()
    reasons = shared_service.score(example("must-see-somebody")).json()["referral"]["reasons"]

    assert reasons
    for reason in reasons:
        flag = texts["flags"][reason["id"]]
        assert {**reason, "text": flag["text"], "action": flag["action"], "joint": flag["joint"]} == reason


def test_every_input_is_told_with_what_it_is_used_for(shared_service: Service) -> None:
    answer = shared_service.get("/v1/factors")

    told = answer.json()
    assert json.loads(Inputs.model_validate_json(answer.content).model_dump_json()) == told
    inputs = {entry["field"]: entry for entry in told["inputs"]}
    assert inputs["/runner/age_years"]["unit"] == "years"
    assert inputs["/runner/core_strength"]["choices"] == ["weak", "average", "strong"]
    assert all(entry["meaning"] and entry["used_for"] and entry["if_absent"] for entry in told["inputs"])
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Joint-Rule-Set"] == f"2026.1;{digest()}"


def test_the_inputs_of_a_version_can_be_asked_for(service: Service, author: Author) -> None:
    author.publish("2026.2")

    assert service.get("/v1/factors?rule_set=2026.2").json()["rule_set"]["version"] == "2026.2"
