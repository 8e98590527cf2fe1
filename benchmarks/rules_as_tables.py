"""A compiled rule set as any rule engine would be given it: members with bands and points, in groups, in joints.

Only for runners of whom every feature that carries points is known: an unknown is an expectation over bands in ours,
and no peer has a word for that.
"""

from fractions import Fraction
from typing import Any, NamedTuple

from app.features import NOT_APPLICABLE
from app.features.reading import Reading
from app.scoring.compiled import CompiledRuleSet, Pair
from app.scoring.standing import Standing

Cell = float | str | None


class Step(NamedTuple):
    """Where a band of numbers begins, and what it is worth from there on; the highest step is listed first."""

    edge: float
    exclusive: bool
    points: int


class Member(NamedTuple):
    """A factor of one joint: its feature, and the points of every band in hundredths. Null is worth nothing."""

    key: str
    feature: str
    steps: list[Step]
    lowest: int
    choices: dict[str, int]


class Group(NamedTuple):
    """Members of whom only the farthest counts: the least where points protect, else the most."""

    extreme: str
    members: list[Member]


class Joint(NamedTuple):
    """What is added up for a joint, from its base."""

    base: int
    groups: list[Group]


def tables_of(rules: CompiledRuleSet) -> dict[str, Joint]:
    """Every joint of a rule set."""
    joints = {}
    for joint, tables in rules.joints.items():
        groups = []
        for number, group in enumerate(tables.groups):
            pairs = [member.pair for member in group.members]
            protects = any(points < 0 for pair in pairs for points in pair.band_points)
            members = [_member(rules, pair, key=f"{joint}_{number}_{place}") for place, pair in enumerate(pairs)]
            groups.append(Group("min" if protects else "max", members))
        joints[str(joint)] = Joint(tables.base, groups)
    return joints


def _member(rules: CompiledRuleSet, pair: Pair, *, key: str) -> Member:
    ruler = rules.rulers[pair.ruler]
    steps = [
        Step(edge.numerator / edge.denominator, edge.exclusive, pair.band_points[edge.band]) for edge in ruler.edges
    ]
    choices = {choice: pair.band_points[mask.bit_length() - 1] for choice, mask in ruler.choices.items()}
    return Member(key, ruler.feature, steps, pair.band_points[ruler.numbers[0]] if ruler.numbers else 0, choices)


def features_of(tables: dict[str, Joint]) -> list[str]:
    """The features that carry points, each once."""
    members = (member for joint in tables.values() for group in joint.groups for member in group.members)
    return list(dict.fromkeys(member.feature for member in members))


def row_of(standing: Standing, features: list[str]) -> dict[str, Cell]:
    """One runner's features, derived: a number, a choice, or None where the feature does not apply.

    Raises:
        ValueError: one of them is not known.
    """
    return {feature: _cell(standing.reading(feature)) for feature in features}


def _cell(reading: Reading) -> Cell:
    if reading is NOT_APPLICABLE:
        return None
    if isinstance(reading, str):
        return reading
    if isinstance(reading, tuple):
        return float(Fraction(*reading))
    raise ValueError("A feature is not known.")


def zen_decision(tables: dict[str, Joint]) -> dict[str, Any]:
    """The tables as a GoRules decision: a decision table for each feature with its edges, and one sum."""
    nodes: list[dict[str, Any]] = [{"id": "in", "type": "inputNode", "name": "in"}]
    edges = []
    tabled: dict[str, list[Member]] = {}
    for joint in tables.values():
        for group in joint.groups:
            for member in group.members:
                cut = [(step.edge, step.exclusive) for step in member.steps]
                tabled.setdefault(repr((member.feature, cut, list(member.choices))), []).append(member)
    for number, members in enumerate(tabled.values()):
        tests = _zen_tests(members)
        content = {
            "hitPolicy": "first",
            "inputs": [{"id": "i", "name": "i", "field": members[0].feature}],
            "outputs": [{"id": member.key, "name": member.key, "field": member.key} for member in members],
            "rules": [{"_id": f"{number}-{row}", **rule} for row, rule in enumerate(tests)],
        }
        nodes.append({"id": f"t{number}", "type": "decisionTableNode", "name": f"t{number}", "content": content})
        edges += [("in", f"t{number}"), (f"t{number}", "sum")]
    sums = []
    for name, joint in tables.items():
        told = [f"{group.extreme}([{', '.join(member.key for member in group.members)}])" for group in joint.groups]
        sums.append({"id": name, "key": name, "value": _zen_score(f"{joint.base} + {' + '.join(told)}")})
    nodes += [
        {"id": "sum", "type": "expressionNode", "name": "sum", "content": {"expressions": sums}},
        {"id": "out", "type": "outputNode", "name": "out"},
    ]
    edges.append(("sum", "out"))
    return {
        "nodes": nodes,
        "edges": [{"id": f"e{n}", "type": "edge", "sourceId": a, "targetId": b} for n, (a, b) in enumerate(edges)],
    }


def _zen_score(raw: str) -> str:
    return f"floor((min([max([{raw}, 0]), 10000]) + 50) / 100)"


def _zen_tests(members: list[Member]) -> list[dict[str, str]]:
    first = members[0]
    rules = [{"i": "null", **{member.key: "0" for member in members}}]
    rules += [
        {"i": f'"{choice}"', **{member.key: str(member.choices[choice]) for member in members}}
        for choice in first.choices
    ]
    for place, step in enumerate(first.steps):
        rules.append(
            {
                "i": f"{'>' if step.exclusive else '>='} {step.edge}",
                **{member.key: str(member.steps[place].points) for member in members},
            }
        )
    rules.append({"i": "", **{member.key: str(member.lowest) for member in members}})
    return rules


def sql_of(tables: dict[str, Joint], source: str) -> str:
    """The tables as one SELECT over a table of derived features, in DuckDB's SQL."""
    sums = []
    for name, joint in tables.items():
        extreme = {"min": "least", "max": "greatest"}
        told = [f"{extreme[group.extreme]}({', '.join(map(_case, group.members))})" for group in joint.groups]
        raw = f"{joint.base} + {' + '.join(told)}"
        sums.append(f"(least(greatest({raw}, 0), 10000) + 50) // 100 AS {name}")
    return f"SELECT {', '.join(sums)} FROM {source}"


def _case(member: Member) -> str:
    number, choice = f'"{member.feature}"', f'"{choice_column(member.feature)}"'
    whens = [f"WHEN {choice} = '{name}' THEN {points}" for name, points in member.choices.items()]
    whens += [
        f"WHEN {number} {'>' if step.exclusive else '>='} {step.edge} THEN {step.points}" for step in member.steps
    ]
    if member.lowest:
        whens.append(f"WHEN {number} IS NOT NULL THEN {member.lowest}")
    return f"CASE {' '.join(whens)} ELSE 0 END"


def choice_column(feature: str) -> str:
    """Where a feature's choice stands in a table of columns, which hold numbers or text and never both."""
    return f"{feature}_choice"


def columns_of(rows: list[dict[str, Cell]], features: list[str]) -> dict[str, list[Cell]]:
    """The rows as columns: one of numbers and one of choices for each feature, null where the other one is told."""
    columns: dict[str, list[Cell]] = {}
    for feature in features:
        told = [row[feature] for row in rows]
        columns[feature] = [cell if isinstance(cell, float) else None for cell in told]
        columns[choice_column(feature)] = [cell if isinstance(cell, str) else None for cell in told]
    return columns
