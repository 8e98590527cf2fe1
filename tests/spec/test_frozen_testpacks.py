"""Every published version's test pack, as it was frozen, is answered today as then: no feature means another thing."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from app.features import FEATURES, Facts, Reading
from app.population import AS_OF
from app.rule_sets.documents import canonical_bytes, digest_of, published_document
from app.rule_sets.job_rules import Rules
from app.rule_sets.testpack import answer_case, check_case, join_testpack, read_testpack, write_testpack
from app.runners import JOINTS
from app.scoring.compiled import CompiledRuleSet, MinEvidence, compile_rule_set
from app.scoring.rule_set import RuleSetDocument

FOLDER = Path(__file__).resolve().parents[1] / "samples" / "testpacks"
PUBLISHED = sorted(
    file.name.removesuffix(".yaml")
    for file in (resources.files("app.rule_sets") / "published").iterdir()
    if file.name.endswith(".yaml")
)
# What one factor of 2026.1 reads, or one condition; a change of any must be noticed.
READ_BY_2026_1 = sorted({
    *(
        factor.feature_of(joint)
        for factor in RuleSetDocument.model_validate(published_document("2026.1")).factors
        for joint in factor.joints
    ),
    "running_years", "age_years", "pregnancy", "knee_pain_at_rest", "knee_surgery_clearance",
    "lower_back_surgery_clearance", "weekly_met_min",
})  # fmt: skip

Case = dict[str, Any]


@cache
def frozen(version: str) -> tuple[dict[str, Any], list[Case]]:
    return read_testpack(gzip.decompress((FOLDER / f"{version}.jsonl.gz").read_bytes()))


def rules_of(version: str, least: MinEvidence | None = None) -> CompiledRuleSet:
    document = published_document(version)
    return compile_rule_set(
        RuleSetDocument.model_validate(document),
        version=version,
        digest=digest_of(canonical_bytes(document)),
        min_evidence=least,
    )


def differences(version: str, cases: list[Case]) -> Iterator[tuple[str, list[str]]]:
    """Every case that is answered otherwise now, and where."""
    rules: dict[Any, CompiledRuleSet] = {}
    for case in cases:
        least = case["min_evidence"]
        if least not in rules:
            rules[least] = rules_of(version, least)
        answer = answer_case(rules[least], case)
        differs = check_case(case, answer)
        if answer["receipt"]["answer_digest"] != case["answer_digest"]:
            differs.append("/receipt/answer_digest")
        if differs:
            yield case["id"], differs


@pytest.mark.parametrize("version", PUBLISHED)
def test_a_published_version_answers_its_frozen_test_pack_as_it_did(version: str) -> None:
    head, cases = frozen(version)

    assert head["digest"] == rules_of(version).digest
    assert len(cases) > 500
    assert list(differences(version, cases)) == []


def test_every_band_flag_advice_and_benefit_of_2026_1_stands_in_its_pack() -> None:
    rules = rules_of("2026.1")
    _, cases = frozen("2026.1")
    bands: dict[tuple[str, str], set[str]] = defaultdict(set)
    ids: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        expected = case["expected"]
        for joint, told in expected["joints"].items():
            ids["status"].add(told["status"])
            for shown in told["contributions"]:
                bands[joint, shown["factor"]].add(shown["band"])
        for name, entries in (
            ("advice", expected["advice"]),
            ("benefits", expected["benefits"]),
            ("flags", expected["referral"]["reasons"]),
        ):
            ids[name] |= {entry["id"] for entry in entries}
    for joint in JOINTS:
        for pair in rules.joints[joint].pairs:
            assert set(rules.rulers[pair.ruler].labels) <= bands[joint, pair.factor.id], pair.factor.id
    assert ids["advice"] == {advice.id for advice in rules.document.advice}
    assert ids["benefits"] == {benefit.id for benefit in rules.document.benefits}
    assert ids["flags"] == {flag.id for flag in rules.document.flags if flag.urgency is not None}
    assert ids["status"] == {"scored", "suspended", "not_assessed"}


@pytest.mark.parametrize("feature", READ_BY_2026_1)
def test_a_feature_that_means_another_thing_is_noticed(feature: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a number a thousandth more or less; of choices the next one."""
    meant = FEATURES[feature]
    thousandths = 1001

    def derive(facts: Facts) -> Reading:
        reading = meant.derive(facts)
        if isinstance(reading, tuple):
            return (reading[0] * thousandths, reading[1] * 1000)
        if isinstance(reading, str) and len(meant.choices) > 1:
            return meant.choices[(meant.choices.index(reading) + 1) % len(meant.choices)]
        return reading

    monkeypatch.setitem(FEATURES, feature, replace(meant, derive=derive))
    _, cases = frozen("2026.1")

    noticed = next(differences("2026.1", cases), None)
    if noticed is None:  # a cut that is met from below is passed only from above
        thousandths = 999
        noticed = next(differences("2026.1", cases), None)
    assert noticed is not None


def test_the_same_rules_give_the_same_pack() -> None:
    canonical = canonical_bytes(published_document("2026.1"))
    pack = write_testpack(Rules("2026.1", digest_of(canonical), canonical))

    # A change of this digest is another pack, drawn from the same rules: good where it was meant.
    assert sha256(pack).hexdigest() == sha256(gzip.decompress((FOLDER / "2026.1.jsonl.gz").read_bytes())).hexdigest()
    assert read_testpack(join_testpack(pack)) == read_testpack(pack) == frozen("2026.1")
    assert {case["request"]["as_of"] for case in frozen("2026.1")[1]} == {str(AS_OF)}


def test_a_case_that_is_answered_otherwise_is_told_where() -> None:
    case = next(case for case in frozen("2026.1")[1] if case["expected"]["advice"] and case["expected"]["benefits"])
    answer = answer_case(rules_of("2026.1"), case)
    assert check_case(case, answer) == []
    altered = json.loads(json.dumps(answer))
    altered["joints"]["knee"]["score"] = 3
    altered["advice"].append({"id": "sing"})
    del altered["benefits"][-1]
    altered["joints"]["knee"]["contributions"][0]["number"] = 9.99
    altered["a_later_member"] = 1

    assert set(check_case(case, altered)) == {
        "/joints/knee/score",
        f"/advice/{len(answer['advice'])}",
        f"/benefits/{len(answer['benefits']) - 1}",
        "/joints/knee/contributions/0/number",
    }


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"form": "joint-risk-testpack-1", "case_count": 2}\n{}\n', b"[]"])
def test_what_is_no_whole_pack_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"pack|EOF"):
        read_testpack(raw)
