"""The description of the API: as the code is, valid, with real examples, and to be read without any other host."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from app.api.openapi_document import describe_api, document_bytes
from app.rule_sets.checks import check_written
from app.rule_sets.documents import read_document
from tests.api.service import EXAMPLES, Service, example

FILE = Path(__file__).resolve().parents[2] / "openapi" / "openapi.json"
OPERATIONS = {
    "import_training",
    "score_batch",
    "score_runner", "list_factors", "list_rule_sets", "get_active_rule_set", "list_activations", "get_rule_set",
    "get_rule_set_texts", "verify_score", "get_testpack", "get_card", "compare_rule_sets",
    "compare_rule_sets_over_cohort",
    "get_liveness", "get_readiness", "get_metrics",
    "get_startup",
    "list_drafts", "save_draft", "get_draft", "delete_draft", "check_draft", "publish_draft",
    "activate_rule_set", "cancel_activation", "withdraw_rule_set",
}  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return describe_api()


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}


def test_the_file_is_what_the_code_says() -> None:
    # Where this fails the interface has changed: `make openapi` writes the file, and its difference is for a review.
    assert json.loads(FILE.read_bytes()) == json.loads(document_bytes())
    assert FILE.read_bytes() == document_bytes()


def test_the_same_code_writes_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    written = tmp_path / "openapi.json"
    subprocess.run([sys.executable, "-m", "app.api.openapi_document", str(written)], check=True, cwd=FILE.parents[1])

    assert written.read_bytes() == document_bytes()


def test_every_answer_with_a_body_that_is_described_can_be_given(document: dict[str, Any]) -> None:
    described = operations(document)
    empty = {
        (name, status)
        for name, operation in described.items()
        for status, answer in operation["responses"].items()
        if status.startswith("2") and "content" not in answer
    }
    assert empty == {("delete_draft", "204")}
    for name in ("activate_rule_set", "cancel_activation", "withdraw_rule_set"):
        assert [status for status in described[name]["responses"] if status < "400"] == ["201"]


def test_no_answer_closes_its_enumerations_since_values_may_be_added_within_v1(document: dict[str, Any]) -> None:
    reached: dict[str, object] = {}

    def closed_in(told: object) -> list[object]:
        """What is closed in a description, and in all that it refers to."""
        if isinstance(told, list):
            return [found for part in told for found in closed_in(part)]
        if not isinstance(told, dict):
            return []
        name = str(told.get("$ref", "")).rpartition("/")[2]
        found: list[object] = [told] if "enum" in told or "const" in told else []
        if name and name not in reached:
            reached[name] = document["components"]["schemas"][name]
            found += closed_in(reached[name])
        return found + [
            each for member, part in told.items() if not member.startswith("example") for each in closed_in(part)
        ]

    contents = [
        answer.get("content")
        for operation in operations(document).values()
        for status, answer in operation["responses"].items()
    ]
    assert closed_in(contents) == []
    assert {"ImportedActivity", "ImportFinding", "Problem"} <= reached.keys()


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    validate(document)


def test_everything_that_the_document_refers_to_is_in_it(document: dict[str, Any]) -> None:
    referred = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))

    assert referred <= set(document["components"]["schemas"])
    assert "Score" in referred
    assert "Problem" in referred


def test_every_operation_has_a_name_for_clients_and_words_for_people(document: dict[str, Any]) -> None:
    named = operations(document)

    assert set(named) == OPERATIONS
    assert all(operation["summary"] and operation["tags"] for operation in named.values())


def test_every_operation_says_how_it_refuses(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        refusals = {int(status): told for status, told in operation["responses"].items() if int(status) >= 400}
        if name in ("get_liveness", "get_readiness", "get_startup", "get_metrics"):
            continue
        assert {406, 421, 422, 503} <= set(refusals), name
        assert all(set(told["content"]) == {"application/problem+json"} for told in refusals.values())
    assert {404, 413, 415} <= {int(status) for status in operations(document)["score_runner"]["responses"]}


def test_every_field_of_the_request_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("ScoreRequest", "Runner", "Training", "Session", "PlannedRun", "Knee", "LowerBack", "Shoes"):
        undescribed = [field for field, told in schemas[name]["properties"].items() if not told.get("description")]
        assert undescribed == [], name


def test_the_examples_are_requests_that_can_be_sent_and_answers_that_come_back(
    document: dict[str, Any], shared_service: Service
) -> None:
    scoring = operations(document)["score_runner"]
    requests = scoring["requestBody"]["content"]["application/json"]["examples"]
    answers = scoring["responses"]["200"]["content"]["application/json"]["examples"]

    assert {name: told["value"] for name, told in requests.items()} == {
        file.stem: example(file.stem) for file in EXAMPLES.glob("*.json")
    }
    assert len(answers) >= 2
    for name, told in answers.items():
        runner, _, detail = name.rpartition("-")
        assert shared_service.score(example(runner), f"/v1/scores?detail={detail}").json() == told["value"]


def test_the_examples_fit_the_schemas(document: dict[str, Any]) -> None:
    content = operations(document)["score_runner"]
    for part in (content["requestBody"], content["responses"]["200"]):
        told = part["content"]["application/json"]
        schema = {**told["schema"], "components": document["components"]}
        for shown in told["examples"].values():
            OAS31Validator(schema).validate(shown["value"])


def test_the_example_of_a_receipt_is_verified(document: dict[str, Any], shared_service: Service) -> None:
    content = operations(document)["verify_score"]["requestBody"]["content"]["application/json"]

    assert content["examples"]
    for told in content["examples"].values():
        OAS31Validator({**content["schema"], "components": document["components"]}).validate(told["value"])
        assert shared_service.score(told["value"], "/v1/scores:verify").json() == {"same": True, "differs": None}


def test_the_example_of_a_draft_is_a_rule_set_that_can_be_published(document: dict[str, Any]) -> None:
    content = operations(document)["save_draft"]["requestBody"]["content"]

    assert set(content) == {"application/yaml", "application/json"}
    for told in content.values():
        schema = {**told["schema"], "components": document["components"]}
        for name, shown in told["examples"].items():
            file = EXAMPLES / f"{name}.yaml"
            assert shown["value"] == read_document(file.read_bytes(), media_type="application/yaml")
            assert check_written(shown["value"]) == []
            OAS31Validator(schema).validate(shown["value"])
        assert not OAS31Validator(schema).is_valid({"runner": {}, "training": {}})


def test_every_link_leads_to_an_operation_and_says_what_it_needs(document: dict[str, Any]) -> None:
    named = operations(document)
    links = [
        link
        for operation in named.values()
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    ]

    assert len(links) == 30
    for link in links:
        taken = {told["name"] for told in named[link["operationId"]].get("parameters", [])}
        assert set(link["parameters"]) <= taken
        assert link["description"]


def test_the_document_is_served_as_it_is_written(shared_service: Service) -> None:
    assert shared_service.get("/openapi.json").content == document_bytes()


class Links(HTMLParser):
    """Every address that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [address for name, address in attrs if name in ("src", "href") and address]


def test_the_docs_load_nothing_from_another_host(shared_service: Service) -> None:
    page = shared_service.get("/docs")
    links = Links()
    links.feed(page.text)

    assert page.status_code == 200
    assert len(links.found) >= 3
    assert not re.search(r"https?://|//cdn", page.text)
    for address in links.found:
        assert shared_service.get(f"/{address}").status_code == 200
    assert "openapi.json" in page.text
