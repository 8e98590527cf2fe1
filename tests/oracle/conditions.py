"""Which flags are raised, which joints they take out of scoring, and which advice is called for."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

from tests.oracle.bands import Pair, exact
from tests.oracle.kinds import Choice, Infinity, Number, Reading, Wire
from tests.oracle.scores import JOINTS, JointScore, Oracle, printed

Condition: TypeAlias = Mapping[str, Any]
SERIOUS: Final = {"emergency", "prompt"}


def as_list(given: Any) -> list[Any]:
    """One or several, as a list."""
    return given if isinstance(given, list) else [given]


def reported(runner: Wire) -> set[str]:
    """The flags that the runner named, for a joint or for the whole body."""
    parts = [runner, *((runner.get(joint) or {}) for joint in JOINTS)]
    return {flag for part in parts for flag in part.get("symptoms") or []}


@dataclass(frozen=True)
class Truths:
    """What is true of one runner under one document; what is unknown is true of nobody."""

    oracle: Oracle
    readings: Mapping[str, Reading]
    reported: frozenset[str]

    @cached_property
    def masks(self) -> dict[str, dict[str, frozenset[int]]]:
        """The possible bands of every factor, by joint."""
        return {joint: self.oracle.masks(self.readings, joint) for joint in JOINTS}

    @cached_property
    def scores(self) -> dict[str, JointScore]:
        """Every joint's points and range, flags left aside."""
        return {joint: self.oracle.score_joint(joint, self.masks[joint]) for joint in JOINTS}

    def in_range(self, condition: Condition) -> bool:
        """Whether a feature lies in a range, or is one of some choices."""
        reading = self.readings.get(condition["feature"])
        if isinstance(reading, Choice):
            return reading.name in as_list(condition.get("is", []))
        if not isinstance(reading, Number) or "is" in condition:
            return False
        quantity = reading.quantity
        if isinstance(quantity, Infinity):
            return "below" not in condition and "to" not in condition
        return all(
            [
                "from" not in condition or quantity >= exact(condition["from"]),
                "above" not in condition or quantity > exact(condition["above"]),
                "below" not in condition or quantity < exact(condition["below"]),
                "to" not in condition or quantity <= exact(condition["to"]),
            ]
        )

    def in_band(self, condition: Condition) -> bool:
        """Whether a factor surely stands in one of the named bands, for any joint or for the named one."""
        wanted = set(as_list(condition["in"]))

        def is_wanted(pair: Pair, place: int) -> bool:
            return bool({pair.labels[place], "reference" if place == pair.reference else "raised"} & wanted)

        for joint in JOINTS if condition.get("joint") is None else [condition["joint"]]:
            masks = self.masks[joint]
            for pair in self.oracle.pairs[joint]:
                if pair.id != condition["factor"] or (joint, pair.id) in self.oracle.excluded:
                    continue
                # What does not apply to a runner counts like the reference band, but stands in none.
                if masks[pair.id] and all(is_wanted(pair, place) for place in masks[pair.id]):
                    return True
        return False

    def holds(self, condition: Condition) -> bool:
        """Whether a condition is true."""
        if "all" in condition:
            return all(self.holds(part) for part in condition["all"])
        if "flag" in condition:
            return condition["flag"] in self.flags
        return self.in_band(condition) if "factor" in condition else self.in_range(condition)

    @cached_property
    def flags(self) -> dict[str, Mapping[str, Any]]:
        """The flags that are raised, by id: reported, or derived from the profile."""
        return {
            flag["id"]: flag
            for flag in self.oracle.document["flags"]
            if (flag["id"] in self.reported if "question" in flag else any(map(self.holds, flag["when"])))
        }

    def joints_of(self, effect: str) -> set[str]:
        """The joints that flags of an effect fall on; the whole body is every joint."""
        named = {flag["joint"] for flag in self.flags.values() if flag["effect"] == effect}
        return set(JOINTS) if "whole_body" in named else named

    @cached_property
    def is_serious(self) -> bool:
        """Whether care comes before any training advice."""
        return any(flag["effect"] == "suspend" and flag["urgency"] in SERIOUS for flag in self.flags.values())

    def status(self, joint: str) -> str:
        """Whether a joint is scored; a suspension outweighs knowing too little."""
        if joint in self.joints_of("suspend"):
            return "suspended"
        known_enough = self.oracle.is_known_enough(self.scores[joint])
        return "scored" if known_enough and joint not in self.joints_of("not_assess") else "not_assessed"

    @cached_property
    def scored(self) -> list[str]:
        """The joints that get a score."""
        return [joint for joint in JOINTS if self.status(joint) == "scored"]

    def advice(self) -> list[tuple[str, dict[str, int] | None]]:
        """Every advice that is called for, best first, with the score of a runner like this one but for that habit."""
        ranked: list[tuple[float, str, dict[str, int] | None]] = []
        for entry in self.oracle.document["advice"]:
            if not any(map(self.holds, entry["when"])) or any(map(self.holds, entry.get("not_when", []))):
                continue
            sets = entry.get("sets") or {}
            then = {joint: self.oracle.but_for(joint, self.masks[joint], sets) for joint in self.scored}
            joints = [joint for joint in self.scored if joint in entry["joints"]]
            similar = {joint: printed(then[joint]) for joint in joints if self.oracle.counts(sets, joint)}
            # Where nothing is scored it comes last: nobody knows what it takes away.
            removed = sum(self.scores[joint].raw - then[joint] for joint in then) if joints else -math.inf
            ranked.append((removed, entry["id"], similar or None))
        return [(name, similar) for _, name, similar in sorted(ranked, key=lambda row: -row[0])]


def truths_of(oracle: Oracle, request: Wire, readings: Mapping[str, Reading]) -> Truths:
    """What is true of the runner of a request."""
    return Truths(oracle, readings, frozenset(reported(request["runner"])))
