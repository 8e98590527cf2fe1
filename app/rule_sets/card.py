"""The card of a rule set: what it is meant for and what not, whom it speaks of, what it rests on, and its limits.

All of it follows from the document, from the versions before it, and from the checks of this release.
"""

import json
from collections.abc import Sequence
from itertools import product
from typing import Any, Final

from app.errors import InvalidRuleSetError
from app.rule_sets.changes import Json, describe_changes
from app.rule_sets.checks import check_document
from app.rule_sets.job_rules import Rules
from app.runners import JOINTS
from app.scoring.compiled import CompiledRuleSet, GroupTable, JointTables
from app.scoring.rule_set import GRADE_RANK
from app.scoring.totals import print_score
from app.scoring.wording import text_in

_COUNTED: Final = ("factors", "advice", "flags", "benefits", "sources")
INTENDED_USE: Final = (
    "General wellness information for adults who run: how often runners like this one have overuse problems of the "
    "knee or the lower back, against the average runner, and why.",
    "To choose what to change first, and to see when a person should look before a score helps.",
    "For platforms and researchers: the same answer for the same request and rules, with every number's source.",
)
NOT_FOR: Final = (
    "A diagnosis, a forecast for one person, or a decision about a person by itself: work, insurance, selection, care.",
    "Saying that somebody is fit to run, or fit to run again.",
    "Children, people in pregnancy or shortly after birth, and whoever else gets no score: the studies "
    "did not cover them.",
    "Sudden injuries, and joints other than the knee and the lower back.",
)
GENERAL_LIMITS: Final = (
    "Most of the studies behind it count every running injury, not knees or backs; weights say how far each is trusted "
    "for a joint, and are a declared judgement.",
    "What the average runner is like is declared by shares, most of them assumed; factors are taken to be independent.",
    "The score is calibrated to those shares by construction. It has not been tested against what later happened to "
    "runners.",
    "An advice that rests on an association does not say that it works.",
)


def write_card(rules: Rules, about: dict[str, Any], predecessors: Sequence[Rules]) -> bytes:
    """The card as JSON: a job for a process of its own.

    Args:
        about: when, by whom and why it was published.
        predecessors: every version below it, highest first; one that this release cannot load is passed over.

    Raises:
        InvalidRuleSetError: this release cannot load the rules.
    """
    before = [each for each in map(_compiled_or_none, predecessors) if each is not None]
    card = describe_card(rules.compiled(), about=about, predecessors=before)
    return json.dumps(card, ensure_ascii=False, separators=(",", ":")).encode()


def _compiled_or_none(rules: Rules) -> CompiledRuleSet | None:
    try:
        return rules.compiled()
    except InvalidRuleSetError:
        return None


def describe_card(rules: CompiledRuleSet, *, about: dict[str, Any], predecessors: Sequence[CompiledRuleSet]) -> Json:
    """Everything that stands on the card of a rule set."""
    document = rules.document
    findings = check_document(document, predecessors=[each.document for each in predecessors])
    return {
        "version": rules.version,
        "digest": rules.digest,
        **about,
        "intended_use": list(INTENDED_USE),
        "not_for": [*NOT_FOR, *(text_in(flag.text) for flag in document.flags if flag.effect == "not_assess")],
        "notice": text_in(document.texts.notice),
        "population": _describe_population(rules),
        "evidence": {joint: _describe_evidence(rules, rules.joints[joint]) for joint in JOINTS},
        "known_limits": {
            "general": list(GENERAL_LIMITS),
            "factors": [
                {
                    "factor": factor.id,
                    "title": text_in(factor.title),
                    "contested": factor.contested,
                    "limits": text_in(factor.limits),
                }
                for factor in document.factors
            ],
        },
        "difference": _describe_difference(rules, predecessors[0]) if predecessors else None,
        "checks": {
            "ok": not any(finding.severity == "error" for finding in findings),
            "findings": [
                {name: getattr(finding, name) for name in ("severity", "code", "path", "message")}
                for finding in findings
            ],
        },
        "counts": {
            name: len(getattr(document, name)) for name in ("factors", "advice", "flags", "benefits", "sources")
        },
    }


def _describe_difference(rules: CompiledRuleSet, before: CompiledRuleSet) -> Json:
    return {"from": before.version, "digest": before.digest, "changes": describe_changes(before, rules)}


def _describe_population(rules: CompiledRuleSet) -> Json:
    scored = {
        pair.factor.id: pair.factor for joint in JOINTS for pair in rules.joints[joint].pairs if not pair.excluded
    }
    return {
        "shares": [
            {"factor": id, "title": text_in(factor.title), "shares_from": factor.shares_from}
            for id, factor in scored.items()
        ],
        "assumed_count": sum(factor.shares_from == "assumed" for factor in scored.values()),
        "levels": {joint: level_shares(rules, rules.joints[joint]) for joint in JOINTS},
        "base": {joint: rules.base[joint] / 100 for joint in JOINTS},
    }


def _describe_evidence(rules: CompiledRuleSet, tables: JointTables) -> Json:
    """Factors by grade, the best evidence first; those that weigh nothing under `none`."""
    by_grade: dict[str, list[Json]] = {}
    for pair in sorted(tables.pairs, key=lambda pair: -GRADE_RANK[pair.grade]):
        shown = [0] if pair.excluded else pair.band_points
        by_grade.setdefault(pair.grade or "none", []).append(
            {
                "factor": pair.factor.id,
                "title": text_in(pair.factor.title),
                "weight": float(pair.weight),
                "contested": pair.factor.contested,
                "points": {"lowest": min(shown) / 100, "highest": max(shown) / 100},
                "measure": pair.factor.evidence.measure,
                "outcome": pair.factor.evidence.outcome,
                "sources": [
                    {"id": source, "citation": rules.document.sources[source].citation}
                    for source in pair.factor.evidence.sources
                ],
            }
        )
    return by_grade


def level_shares(rules: CompiledRuleSet, tables: JointTables) -> dict[str, float]:
    """How common each level is among runners of whom all is known, by the declared shares; adds up to 1.

    Exact but for the rounding to four decimals: groups are independent, so their points are added by convolution.
    """
    sums: dict[int, float] = {tables.base: 1.0}
    for group in tables.groups:
        chances = _chances(rules, group)
        added: dict[int, float] = {}
        for points, chance in sums.items():
            for more, own in chances.items():
                added[points + more] = added.get(points + more, 0.0) + chance * own
        sums = added
    shares = dict.fromkeys((cut.id for cut in rules.document.levels.cuts), 0.0)
    for points, chance in sums.items():
        shares[rules.level_of[print_score(points)]] += chance
    return {level: round(share, 4) for level, share in shares.items()}


def _chances(rules: CompiledRuleSet, group: GroupTable) -> dict[int, float]:
    """What a group is worth and how often, over every combination of its members' bands."""
    chances: dict[int, float] = {}
    pairs = [member.pair for member in group.members]
    for bands in product(*(range(len(pair.bands)) for pair in pairs)):
        chance = 1.0
        for pair, band in zip(pairs, bands, strict=True):
            chance *= float(pair.bands[band].share)
        if chance:
            index = sum(member.offsets[1 << band] for member, band in zip(group.members, bands, strict=True))
            points = group.entries[index].points
            chances[points] = chances.get(points, 0.0) + chance
    return chances
