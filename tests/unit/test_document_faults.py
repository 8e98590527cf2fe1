"""The author of a rule-set document is told every place that has to change, in terms of what was written."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from app.errors import Fault, InvalidRuleSetError
from app.rule_sets.documents import check_document, line_of, load_document, published_document, read_document
from app.rule_sets.schema_document import derive_schema, write_schema
from tests.small_rule_set import SMALL_RULE_SET

YAML = "application/yaml"


def small() -> dict[str, Any]:
    return read_document(SMALL_RULE_SET.encode(), media_type=YAML)


def faults_of_loading(text: str) -> list[Fault]:
    with pytest.raises(InvalidRuleSetError) as refused:
        load_document(text.encode(), media_type=YAML)
    return refused.value.faults


def places(faults: list[Fault]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in faults]


def test_a_sound_document_is_loaded() -> None:
    assert check_document(small()) == []
    assert load_document(SMALL_RULE_SET.encode(), media_type=YAML).factors[0].title == {
        "en": "How long a plank is held"
    }


BAND = "/factors/0/bands/0"
REMOVED = object()


@pytest.mark.parametrize(
    ("place", "content", "pointer", "code"),
    [
        (f"{BAND}/ratio", -1, f"{BAND}/ratio", "number-out-of-range"),
        (f"{BAND}/ratio", "2", f"{BAND}/ratio", "wrong-kind"),
        (f"{BAND}/ratio", True, f"{BAND}/ratio", "wrong-kind"),
        (f"{BAND}/low", REMOVED, f"{BAND}/low", "missing"),
        (f"{BAND}/low", 2.2, BAND, "contradiction"),
        (f"{BAND}/lowest", 2.2, f"{BAND}/lowest", "unknown-member"),
        (f"{BAND}/reference", True, BAND, "contradiction"),
        (f"{BAND}/above", 1, BAND, "contradiction"),
        (f"{BAND}/effects", [{"ratio": 0}], f"{BAND}/effects/0/ratio", "number-out-of-range"),
        (f"{BAND}/share", 1.5, f"{BAND}/share", "number-out-of-range"),
        (f"{BAND}/share", "0.25", f"{BAND}/share", "wrong-kind"),
        (f"{BAND}/share", "2_5", f"{BAND}/share", "number-out-of-range"),
        (f"{BAND}/power", True, f"{BAND}/power", "wrong-kind"),
        (f"{BAND}/power", 1.5, f"{BAND}/power", "wrong-kind"),
        (f"{BAND}/is", 5, f"{BAND}/is", "wrong-kind"),
        (f"{BAND}/is", [], f"{BAND}/is", "too-short"),
        ("/factors/0/bands/1/reference", "yes", "/factors/0/bands/1/reference", "wrong-kind"),
        ("/factors/0/bands", None, "/factors/0/bands", "wrong-kind"),
        ("/factors/0/bands", [], "/factors/0/bands", "too-short"),
        ("/factors/0/title", "", "/factors/0/title", "too-short"),
        ("/factors/0/title", 5, "/factors/0/title", "wrong-kind"),
        ("/factors/0/limits/de", "", "/factors/0/limits/de", "too-short"),
        ("/factors/0/limits/de", 5, "/factors/0/limits/de", "wrong-kind"),
        ("/factors/0/joints/knee/grade", "best", "/factors/0/joints/knee/grade", "unknown-choice"),
        ("/factors/0/joints/foot", {"grade": None, "weight": 0}, "/factors/0/joints/foot", "unknown-choice"),
        ("/factors/0/evidence/checked_on", "soon", "/factors/0/evidence/checked_on", "wrong-form"),
        ("/factors", {}, "/factors", "wrong-kind"),
        ("/levels", REMOVED, "/levels", "missing"),
        ("/levels/cuts/1/from", "50", "/levels/cuts/1/from", "wrong-kind"),
        ("/advice/0/when/0/in", [None], "/advice/0/when/0/in/0", "wrong-kind"),
        (
            "/advice/0/when/0",
            {"all": [{"factor": "plank"}, {"flag": "x_y"}]},
            "/advice/0/when/0/all/0",
            "contradiction",
        ),
        ("/sources/Doe 2020", {"citation": "Doe"}, "/sources/Doe 2020", "wrong-form"),
    ],
)
def test_a_fault_of_the_model_points_to_what_the_author_wrote(
    place: str, content: Any, pointer: str, code: str
) -> None:
    document = small()
    *way, last = place.split("/")[1:]
    part: Any = document
    for step in way:
        part = part[int(step) if isinstance(part, list) else step]
    part[int(last) if isinstance(part, list) else last] = content
    if content is REMOVED:
        del part[last]

    found = places(check_document(document))

    assert (pointer, code) in found
    if "effects" not in place:
        assert found == [(pointer, code)]


def test_an_effect_behind_listed_ones_keeps_its_own_pointer() -> None:
    document = small()
    band = document["factors"][0]["bands"][0]
    band["effects"] = [{"ratio": 2, "low": 1, "high": 3, "register_row": "plank_short"}]
    band["ratio"] = 0
    assert places(check_document(document)) == [(f"{BAND}/ratio", "number-out-of-range")]


@pytest.mark.parametrize("effects", [5, None, "abc", {}])
def test_effects_that_are_no_list_are_a_fault_beside_a_short_one_too(effects: Any) -> None:
    document = small()
    document["factors"][0]["bands"][0]["effects"] = effects
    assert all(fault.pointer.startswith(BAND) for fault in check_document(document))
    assert check_document(document)


def test_a_union_tells_its_fault_once_with_every_choice() -> None:
    document = small()
    flag = {"id": "it", "joint": "foot", "effect": "note", "urgency": None, "question": "?", "text": "t", "action": "a"}
    document["flags"] = [{**flag, "basis": "source"}]
    (fault,) = check_document(document)
    assert (fault.pointer, fault.code) == ("/flags/0/joint", "unknown-choice")
    assert all(choice in fault.detail for choice in ("knee", "lower_back", "whole_body"))


def test_what_parts_say_of_each_other_is_checked_too() -> None:
    document = small()
    document["advice"][0]["sources"] = ["nobody-1900"]
    document["factors"][0]["feature"] = "shoe_colour"
    assert set(places(check_document(document))) >= {
        ("/advice/0/sources/0", "unknown-source"),
        ("/factors/0/feature", "unknown-feature"),
    }


def test_a_document_with_more_faults_than_anybody_reads_is_refused_in_one_line() -> None:
    document = small()
    document["advice"] = [{}] * 2_000
    (fault,) = check_document(document)
    assert fault.code == "too-many-faults"
    assert "14000" in fault.detail


def test_faults_of_reading_and_of_the_model_are_told_together_and_with_their_lines() -> None:
    text = SMALL_RULE_SET.replace("feature: plank_seconds", "feature: !!str plank_seconds")
    text = text.replace("    group: plank\n", "").replace("from: 60", "from: -.inf").replace("in: raised", "in: 5")
    faults = faults_of_loading(text)
    assert [(fault.pointer, fault.code, fault.detail.partition(":")[0]) for fault in faults] == [
        ("/factors/0/feature", "yaml-tag", "Line 4, column 14"),
        ("/factors/0/bands/1/from", "number-out-of-range", "Line 10, column 16"),
        ("/factors/0/group", "missing", "Line 2, column 5"),
        ("/advice/0/when/0/in", "wrong-kind", "Line 21, column 28"),
    ]


def test_a_fault_of_reading_hides_no_other_one_and_brings_none_along() -> None:
    text = SMALL_RULE_SET.replace("when: [{factor: plank", "when: [{factor: *it").replace(
        "notice:", "colour: {a: &b c}\n  notice:"
    )
    text = text.replace("weight: 0.5", "weight: .nan")
    assert places(faults_of_loading(text)) == [
        ("/factors/0/joints/knee/weight", "number-out-of-range"),
        ("/advice/0/when/0/factor", "yaml-alias"),
        ("/texts/colour/a", "yaml-anchor"),
        ("/texts/colour", "unknown-member"),
    ]


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("", 1),
        ("/factors/0/title", 3),
        ("/factors/0/bands/1/share", 11),
        ("/factors/0/bands/1/shares", 11),
        ("/factors/0/evidence/sources/0", 13),
        ("/nothing/here", 1),
        ("/texts/joints/lower_back", 43),
    ],
)
def test_the_line_of_a_place_is_where_its_name_stands_or_should(pointer: str, line: int) -> None:
    assert line_of(SMALL_RULE_SET.encode(), pointer=pointer) == line


def test_what_cannot_be_read_has_no_lines() -> None:
    assert line_of(b"a: [", pointer="/a") is None


# The schema


def schema_faults(document: Any) -> list[str]:
    validator = jsonschema_rs.Draft202012Validator(derive_schema())
    return sorted("/".join(map(str, error.instance_path)) for error in validator.iter_errors(document))


def test_the_schema_takes_what_authors_write() -> None:
    jsonschema_rs.meta.validate(derive_schema())
    assert schema_faults(published_document("2026.1")) == []
    assert schema_faults(small()) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda document: document["factors"][0].pop("group"), "factors/0"),
        (lambda document: document["factors"][0].update(limits={}), "factors/0/limits"),
        (lambda document: document["factors"][0].update(title=""), "factors/0/title"),
        (lambda document: document["factors"][0]["bands"][0].update(share="0.25"), "factors/0/bands/0/share"),
        (lambda document: document["factors"][0]["bands"][0].pop("low"), "factors/0/bands/0"),
        (lambda document: document["factors"][0]["bands"][0].pop("ratio"), "factors/0/bands/0"),
        (lambda document: document["factors"][0]["bands"][0].update({"is": []}), "factors/0/bands/0/is"),
        (lambda document: document["sources"].update({"Doe 2020": {"citation": "Doe"}}), "sources"),
        (lambda document: document.update(version="2026.1"), ""),
    ],
)
def test_the_schema_refuses_what_the_model_refuses(change: Callable[[Any], object], place: str) -> None:
    document = copy.deepcopy(small())
    change(document)
    assert place in schema_faults(document)
    assert check_document(document)


def test_the_schema_is_written_alike_every_time_and_says_what_everything_is(tmp_path: Path) -> None:
    write_schema(tmp_path / "one.json")
    subprocess.run([sys.executable, "-m", "app.rule_sets.schema_document", tmp_path / "other.json"], check=True)
    raw = (tmp_path / "one.json").read_bytes()
    assert raw == (tmp_path / "other.json").read_bytes()
    assert raw.endswith(b"}\n")
    assert b"\r" not in raw
    schema = json.loads(raw)
    assert schema["$id"] == "urn:joint-risk:rule-set:1"
    assert all(part["title"] and part["description"] for part in [schema, *schema["$defs"].values()])
