"""The reference population: as many runners in each band as its share says, and the same ones on every machine."""

import json
from collections import Counter
from functools import cache
from hashlib import sha256

import pytest

from app.population import AS_OF, EDGE_SIZE, EDGES, REFERENCE_SIZE, TRAITS, reference_population
from app.runners import JOINTS, JointId
from app.scoring.engine import Assessment, assess
from tests.unit.requests import published, read

# A change of this digest is another population, and needs another POPULATION_ID.
DIGEST = "a9db729e76d374db9671b2251d6348766b859630a329e714ae221c8382822782"
# DESIGN says about 21 / 60 / 17 / 2 % and 38 / 34 / 26 / 2 %; RULES-CHANGELOG has them exactly.
LEVELS: dict[JointId, tuple[float, ...]] = {"knee": (19.5, 61.2, 17.6, 1.7), "lower_back": (37.6, 34.1, 26.2, 2.1)}
NOT_SCORED = {"experience", "sex", "age", "foot_posture"}


@cache
def lines() -> list[bytes]:
    return [json.dumps(request, sort_keys=True, separators=(",", ":")).encode() for request in reference_population()]


def assessed(part: list[bytes]) -> list[Assessment]:
    rules = published()
    asked = [read(line) for line in part]
    return [assess(rules, told.request, as_of=told.as_of, findings=told.findings) for told in asked]


def test_the_population_is_the_same_on_every_machine_and_python() -> None:
    assert sha256(b"\n".join(lines())).hexdigest() == DIGEST
    assert len(lines()) == REFERENCE_SIZE + EDGE_SIZE
    assert REFERENCE_SIZE >= 10_000


def test_every_request_is_read_without_a_doubt() -> None:
    assert [told.findings for told in map(read, lines()[::97]) if told.findings] == []


def test_traits_have_the_shares_that_the_document_declares() -> None:
    shares = {}
    for joint in JOINTS:
        for pair in published().joints[joint].pairs:
            name = f"{joint}_pain" if pair.factor.id == "current_complaint" else pair.factor.id
            shares[name] = sorted(int(band.share * 1000) for band in pair.bands)
    for name, trait in TRAITS.items():
        assert sum(trait.bands) == 1000
        if name not in NOT_SCORED:
            assert sorted(trait.bands) == shares[name], name


def test_bands_and_levels_of_the_reference_runners_are_as_common_as_the_shares_say() -> None:
    runners = assessed(lines()[:REFERENCE_SIZE])
    for joint, percentages in LEVELS.items():
        for pair in published().joints[joint].pairs:
            if pair.excluded or pair.factor.id == "weekly_progression_unlogged":  # nobody has weekly distances alone
                continue
            found = Counter(told.standing.masks[pair.ruler] for told in runners)
            found[1 << published().rulers[pair.ruler].reference] += found.pop(0, 0)  # what does not apply counts as it
            for number, band in enumerate(pair.bands):
                assert abs(found[1 << number] - float(band.share) * REFERENCE_SIZE) <= 1, (pair.factor.id, number)
        levels = Counter(told.grading.joints[joint].level for told in runners)
        for level, percentage in zip(("low", "typical", "raised", "high"), percentages, strict=True):
            assert levels[level] == pytest.approx(percentage * 100, abs=50), (joint, level)


def test_the_edges_are_those_whom_the_rules_do_not_score_or_know_little_of() -> None:
    edges = assessed(lines()[REFERENCE_SIZE:])
    statuses = {
        kind: {
            edges[number].grading.joints[joint].status
            for number in range(place, EDGE_SIZE, len(EDGES))
            for joint in JOINTS
        }
        for place, kind in enumerate(EDGES)
    }

    assert statuses["under 18"] == statuses["pregnant or shortly after birth"] == {"not_assessed"}
    assert all("suspended" in statuses[kind] for kind in EDGES[2:6])
    assert statuses["nothing known but a training log and an age"] == {"scored", "not_assessed"}
    assert statuses["no training known"] == {"scored"}
    assert {told.as_of for told in edges} == {AS_OF}
