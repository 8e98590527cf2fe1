"""What differs between two rule sets, entry by entry: what each factor is worth by band and joint, before and after."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

from app.runners import JOINTS, JointId
from app.scoring.compiled import CompiledRuleSet, Pair
from app.scoring.rule_set import Factor, Part
from app.scoring.wording import text_in

Json = dict[str, Any]


class Entry(Protocol):
    """An entry of a catalogue: it has an id."""

    @property
    def id(self) -> str:
        """Stable for ever."""
        ...

    def model_dump(self, *, mode: str, by_alias: bool) -> dict[str, Any]:
        """All that it says."""
        ...


_CATALOGUES: Final = ("advice", "flags", "benefits")


def describe_changes(before: CompiledRuleSet, after: CompiledRuleSet) -> Json:
    """Everything that the second rule set says otherwise than the first, in the order of the documents.

    Points are those of a band alone, whatever else counts in its group; a factor that weighs nothing is worth nothing.
    """
    one, other = before.document, after.document
    return {
        "factors": _compare_factors(before, after),
        **{name: _compare_entries(getattr(one, name), getattr(other, name)) for name in _CATALOGUES},
        "levels": {"changed": one.levels != other.levels, "before": _levels(before), "after": _levels(after)},
        "base": {
            joint: {"before": _points(before.base[joint]), "after": _points(after.base[joint])} for joint in JOINTS
        },
        "texts": _members_changed(one.texts, other.texts),
        "rates": _members_changed(one.rates, other.rates),
        "sources": _compare_maps(one.sources, other.sources),
        "examples_changed": one.examples != other.examples,
    }


def _compare_factors(before: CompiledRuleSet, after: CompiledRuleSet) -> Json:
    one = {factor.id: factor for factor in before.document.factors}
    other = {factor.id: factor for factor in after.document.factors}
    changed = [
        {**_name(other[id], before, after), "members": _members_changed(one[id], other[id])}
        for id in one
        if id in other and one[id] != other[id]
    ]
    added = [id for id in other if id not in one]
    removed = [id for id in one if id not in other]
    return {
        "added": [_name(other[id], before, after) for id in added],
        "removed": [_name(one[id], before, after) for id in removed],
        "changed": changed,
        "unchanged_count": len(one) - len(removed) - len(changed),
    }


def _name(factor: Factor, before: CompiledRuleSet, after: CompiledRuleSet) -> Json:
    return {"id": factor.id, "title": text_in(factor.title), "joints": _joints(before, after, factor.id)}


def _joints(before: CompiledRuleSet, after: CompiledRuleSet, factor: str) -> Json:
    """A factor as it acts on each joint, before and after; null where it does not."""
    told: Json = {}
    for joint in JOINTS:
        at = [_at_joint(rules, joint, factor) for rules in (before, after)]
        if any(at):
            told[joint] = {"before": at[0], "after": at[1]}
    return told


def _at_joint(rules: CompiledRuleSet, joint: JointId, factor: str) -> Json | None:
    pair = next((pair for pair in rules.joints[joint].pairs if pair.factor.id == factor), None)
    if pair is None:
        return None
    return {
        "evidence": pair.grade,
        "weight": float(pair.weight),
        "group": pair.factor.group,
        "feature": pair.factor.feature_of(joint),
        "bands": [_band(rules, pair, number) for number in range(len(pair.bands))],
    }


def _band(rules: CompiledRuleSet, pair: Pair, number: int) -> Json:
    band = pair.bands[number]
    return {
        "band": rules.rulers[pair.ruler].labels[number],
        "reference": band.reference,
        "points": 0.0 if pair.excluded else _points(pair.band_points[number]),
        "share": float(band.share),
    }


def _points(hundredths: int) -> float:
    return hundredths / 100


def _levels(rules: CompiledRuleSet) -> Json:
    levels = rules.document.levels
    return {
        "cuts": [{"id": cut.id, "from": cut.from_} for cut in levels.cuts],
        "known_share_floor": float(levels.known_share_floor),
    }


def _compare_entries(before: Sequence[Entry], after: Sequence[Entry]) -> Json:
    one, other = (
        {entry.id: entry.model_dump(mode="json", by_alias=True) for entry in all_} for all_ in (before, after)
    )
    changed = [
        {"id": id, "members": [name for name in told if told[name] != other[id].get(name)]}
        for id, told in one.items()
        if id in other and told != other[id]
    ]
    return {"added": _only(other, one), "removed": _only(one, other), "changed": changed}


def _compare_maps(before: dict[str, Any], after: dict[str, Any]) -> Json:
    changed = [name for name in before if name in after and before[name] != after[name]]
    return {"added": _only(after, before), "removed": _only(before, after), "changed": changed}


def _only(one: Iterable[str], other: Iterable[str]) -> list[str]:
    there = set(other)
    return [id for id in one if id not in there]


def _members_changed(one: Part, other: Part) -> list[str]:
    """The names of the members that say something else, as authors write them."""
    return [
        field.alias or name
        for name, field in type(one).model_fields.items()
        if getattr(one, name) != getattr(other, name)
    ]
