"""The doors of the checks: whatever an author wrote gets its findings, and a sound document gets none."""

import json
import pickle
from importlib import resources

import pytest
import yaml

from app.rule_sets.checks import CHECKS, CheckFinding, check_bytes, check_document, check_written
from app.rule_sets.documents import published_document
from app.scoring.rule_set import RuleSetDocument
from tests.small_rule_set import SMALL_RULE_SET
from tests.unit.requests import Json, document


def shipped_bytes() -> bytes:
    return (resources.files("app.rule_sets") / "published" / "2026.1.yaml").read_bytes()


def test_the_published_rules_break_no_promise() -> None:
    assert check_document(document()) == []


def test_the_published_rules_go_through_the_door_for_bytes() -> None:
    assert check_bytes(shipped_bytes(), media_type="application/yaml") == []


@pytest.mark.parametrize(
    ("raw", "media_type", "path", "code"),
    [
        (b"\xff", "application/yaml", "", "not-utf-8"),
        (b"factors: [", "application/yaml", "/factors", "yaml-syntax"),
        (b"[]", "application/json", "", "document-not-a-map"),
        (b"{}", "text/html", "", "media-type-unknown"),
        (b"{}", "application/json", "/factors", "missing"),
    ],
)
def test_bytes_that_are_no_document_get_findings(raw: bytes, media_type: str, path: str, code: str) -> None:
    found = check_bytes(raw, media_type=media_type)

    assert (path, code) in [(finding.path, finding.code) for finding in found]
    assert {(finding.severity, finding.counterexample) for finding in found} == {("error", None)}


def test_what_has_no_shape_is_told_as_every_reader_of_documents_tells_it() -> None:
    written: Json = published_document("2026.1")
    written["factors"][0]["bands"][1]["share"] = "a quarter"
    written["colour"] = "red"

    found = check_written(written)

    assert {(finding.path, finding.code) for finding in found} == {
        ("/factors/0/bands/1/share", "wrong-kind"),
        ("/colour", "unknown-member"),
    }


def test_a_place_is_named_as_its_author_wrote_it() -> None:
    written: Json = yaml.safe_load(SMALL_RULE_SET)
    written["factors"][0]["bands"][0]["weights"] = {"knee": 0.6}

    found = check_written(written)

    assert ("/factors/0/bands/0/weights", "above-ceiling") in [(each.path, each.code) for each in found]


def test_findings_travel_between_processes_and_as_json() -> None:
    model = RuleSetDocument.model_validate(yaml.safe_load(SMALL_RULE_SET))
    found = check_document(model)

    assert found
    assert all(isinstance(each, CheckFinding) for each in found)
    assert pickle.loads(pickle.dumps(found)) == found
    assert json.loads(json.dumps([each._asdict() for each in found]))


def test_the_same_document_gets_the_same_findings() -> None:
    model = RuleSetDocument.model_validate(yaml.safe_load(SMALL_RULE_SET))

    assert check_document(model) == check_document(model)


def test_every_finding_has_a_code_of_its_check() -> None:
    codes = [code for check in CHECKS.values() for code in check.codes]

    assert len(codes) == len(set(codes))
    assert all(check.promise.endswith(".") for check in CHECKS.values())
