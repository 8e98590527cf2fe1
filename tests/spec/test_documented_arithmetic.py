"""The page that shows how a score is made is right, line by line, by the rule set and by the engine.

The grey boxes of the page are read as equations and worked out with plain arithmetic; its tables are compared with the
rule set (again plain arithmetic, without the engine) and with what the engine prints.
"""

import ast
import json
import math
import operator
import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest

from app.rule_sets.documents import published_document
from app.runners import JOINTS, JointId, read_request
from app.scoring.assessment import render
from app.scoring.compiled import CompiledRuleSet, compile_rule_set
from app.scoring.engine import assess
from app.scoring.rule_set import RuleSetDocument

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-a-score-is-made.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "examples" / "risky-runner.json").read_bytes()
TODAY = date(2026, 11, 24)

Json = dict[str, Any]

# --- the page --------------------------------------------------------------------------------------------------------

_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[[float], float]] = {"log2": math.log2, "sqrt": math.sqrt, "floor": math.floor}
_LITERAL = re.compile(r"−?\d+(?:\.(\d+))?")


def work_out(written: str) -> float:
    """What an expression of the page comes to; anything but plain arithmetic is an error."""
    text = written.replace("×", "*").replace("−", "-").replace("^", "**").strip()
    return _value(ast.parse(text, mode="eval").body)


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=sign, right=right):
            return _OPERATORS[type(sign)](_value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]):
            return _FUNCTIONS[name](_value(argument))
        case _:
            raise ValueError(f"not plain arithmetic: {ast.unparse(node)}")


def holds(left: str, right: str) -> bool:
    """Whether both sides agree, to as many decimals as a bare number on the right has."""
    literal = _LITERAL.fullmatch(right.strip())
    if literal is None:
        return math.isclose(work_out(left), work_out(right), rel_tol=1e-12)
    # Twelve decimals first: 0.7 × 0.95 is 0.665, and not the binary fraction below it.
    exact = Decimal(f"{work_out(left):.12f}")
    rounded = exact.quantize(Decimal(1).scaleb(-len(literal[1] or "")), rounding=ROUND_HALF_EVEN)
    return rounded == Decimal(right.strip().replace("−", "-"))


def grey_boxes() -> list[str]:
    """The lines of the page's boxes."""
    boxes: list[str] = re.findall(r"^```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [line for box in boxes for line in box.splitlines()]


def claims() -> list[str]:
    """Every equation or comparison in the boxes; labels beside them are set off by two spaces or more."""
    parts = [part for line in grey_boxes() for part in re.split(r" {2,}", line.strip())]
    return [part for part in parts if re.search(r"[=<>]", part)]


def table(under: str) -> list[list[str]]:
    """The rows of the first table below a heading, cells stripped, without its head."""
    section = PAGE.split(f"\n## {under}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def number(cell: str) -> Decimal:
    """A number as the page writes it, with a real minus sign."""
    return Decimal(cell.replace("−", "-"))


# --- the rule set, in plain arithmetic -----------------------------------------------------------------------------


@cache
def document() -> Json:
    return published_document("2026.1")


def effects_of(band: Json) -> list[Json]:
    return band.get("effects") or ([band] if "ratio" in band else [])


def bands_of(factor: Json, joint: str) -> list[Json]:
    bands: list[Json] = factor["joints"][joint].get("bands") or factor["bands"]
    return bands


def weight_of(effect: Json, factor: Json, joint: str) -> float:
    return float(effect.get("weights", {}).get(joint, factor["joints"][joint]["weight"]))


def hundredths(factor: Json, joint: str, band: Json) -> int:
    """25 × weight × log2(ratio) for each effect, each rounded to hundredths half to even, then added."""
    return sum(
        round(2500 * weight_of(effect, factor, joint) * effect.get("power", 1) * math.log2(effect["ratio"]))
        for effect in effects_of(band)
    )


def counting() -> Iterator[tuple[JointId, Json]]:
    """Every (joint, factor) that weighs something."""
    for joint in JOINTS:
        for factor in document()["factors"]:
            if joint in factor["joints"] and factor["joints"][joint]["grade"] is not None:
                yield joint, factor


def groups_of(joint: str) -> dict[str, list[Json]]:
    groups: dict[str, list[Json]] = {}
    for at, factor in counting():
        if at == joint:
            groups.setdefault(factor["group"], []).append(factor)
    return groups


def chances(joint: str, members: list[Json]) -> Iterator[tuple[int, float]]:
    """What a group is worth in every combination of its members' bands, with the share of runners in it."""
    choices = [[(hundredths(each, joint, band), band["share"]) for band in bands_of(each, joint)] for each in members]
    extreme = min if any(points < 0 for bands in choices for points, _ in bands) else max
    for combination in product(*choices):
        yield extreme(points for points, _ in combination), math.prod(share for _, share in combination)


def worth_unknown(joint: str, members: list[Json]) -> int:
    """Hundredths of a point of a group of which nothing is known: its mean risk, back on the scale of points."""
    return round(2500 * math.log2(math.fsum(share * 2 ** (points / 2500) for points, share in chances(joint, members))))


BandRow = tuple[str, Decimal, list[tuple[float, int]], list[tuple[list[float], Decimal | None]]]
"""Factor, share, (ratio, power) of each effect, and for each joint the weights and the points."""


def bands_of_the_rule_set() -> Iterator[BandRow]:
    """The rows that "Every band" has to have: bands that joints share stand once."""
    for factor in document()["factors"]:
        joints = [joint for joint, each in counting() if each is factor]
        own = [[joint] for joint in joints if "bands" in factor["joints"][joint]]
        shared = [joint for joint in joints if [joint] not in own]
        for together in [shared, *own] if shared else own:
            for band in bands_of(factor, together[0]):
                effects = effects_of(band)
                acts: list[tuple[list[float], Decimal | None]] = [
                    (
                        [weight_of(each, factor, joint) for each in effects],
                        Decimal(hundredths(factor, joint, band)) / 100,
                    )
                    if joint in together
                    else ([], None)
                    for joint in JOINTS
                ]
                ratios = [(effect["ratio"], effect.get("power", 1)) for effect in effects]
                yield factor["id"], Decimal(str(band["share"])), ratios, acts


def shown_band(row: list[str]) -> BandRow:
    """One row of "Every band" as the page has it."""
    name, _label, share, ratio, *acts = row
    effects = [] if ratio == "1" else [part.partition(" ^ ") for part in ratio.split(" and ")]
    shown = [
        (
            [] if weights == "–" else [float(weight) for weight in weights.split(" and ")],
            None if points == "–" else number(points),
        )
        for weights, points in zip(acts[0::2], acts[1::2], strict=True)
    ]
    return name.strip("`"), number(share), [(float(base), int(power or 1)) for base, _, power in effects], shown


def joined(worths: list[int]) -> str:
    """Hundredths as the page adds them up: 5.22 + 11.29 − 3.27."""
    return " ".join(f"{'−' if worth < 0 else '+'} {abs(worth) / 100:.2f}" for worth in worths).removeprefix("+ ")


# --- the engine ------------------------------------------------------------------------------------------------------


@cache
def rules() -> CompiledRuleSet:
    return compile_rule_set(RuleSetDocument.model_validate(document()), version="2026.1", digest=f"sha256:{'0' * 64}")


def answer_to(body: bytes) -> Json:
    read = read_request(body, today=TODAY)
    answer: Json = json.loads(render(assess(rules(), read.request, as_of=read.as_of, findings=read.findings)))
    return answer


@cache
def all_told() -> Json:
    return answer_to(EXAMPLE)


@cache
def two_missing() -> Json:
    request = json.loads(EXAMPLE)
    del request["runner"]["knee"]["months_since"]
    del request["runner"]["sleep_hours"]
    return answer_to(json.dumps(request).encode())


def contribution(answer: Json, joint: str, factor: str) -> Json:
    found: Json = next(each for each in answer["joints"][joint]["contributions"] if each["factor"] == factor)
    return found


def spike(*, before_m: float, run_m: float) -> Json:
    request = {
        "as_of": "2026-11-23",
        "runner": {},
        "training": {
            "observed_from": "2026-09-01",
            "sessions": [
                {"started_on": "2026-11-08", "distance_m": before_m},
                {"started_on": "2026-11-22", "distance_m": run_m},
            ],
        },
    }
    return contribution(answer_to(json.dumps(request).encode()), "knee", "session_spike")


# --- what has to hold ------------------------------------------------------------------------------------------------


def test_the_page_shows_its_arithmetic() -> None:
    assert len(claims()) > 100


@pytest.mark.parametrize("claim", sorted(set(claims())))
def test_every_line_of_arithmetic_on_the_page_holds(claim: str) -> None:
    if ">" in claim:
        left, right = claim.split(">")
        assert work_out(left) > work_out(right)
        return
    sides = claim.split("=")
    assert len(sides) > 1
    for left, right in pairwise(sides):
        assert holds(left, right), f"{left.strip()} is {work_out(left):.6f}"


def test_the_checker_of_the_arithmetic_can_fail() -> None:
    assert holds("25 × 0.75 × log2(1.59)", "12.54")
    assert not holds("25 × 0.75 × log2(1.59)", "12.55")
    assert not holds("1 + 1", "3")
    assert not holds("13200001 × 10", "12000000 × 11")


def test_every_band_on_the_page_is_the_rule_sets() -> None:
    assert [shown_band(row) for row in table("Every band")] == list(bands_of_the_rule_set())


def test_the_bands_are_labelled_as_in_an_answer() -> None:
    compiled = rules()
    labels = {
        (pair.factor.id, label)
        for tables in compiled.joints.values()
        for pair in tables.pairs
        if not pair.excluded
        for label in compiled.rulers[pair.ruler].labels
    }
    assert {(name.strip("`"), label) for name, label, *_ in table("Every band")} == labels


@pytest.mark.parametrize(("joint", "published"), [("knee", "35.89"), ("lower_back", "23.10")])
def test_the_base_on_the_page_follows_from_the_shares(joint: JointId, published: str) -> None:
    worths = [worth_unknown(joint, members) for members in groups_of(joint).values()]
    assert f"50 − ({joined(worths)}) = {published}" in PAGE
    assert f"{(5000 - sum(worths)) / 100:.2f}" == published
    assert rules().base[joint] == 5000 - sum(worths)


@pytest.mark.parametrize("joint", JOINTS)
def test_the_levels_are_as_common_as_the_rules_changelog_says(joint: JointId) -> None:
    groups = groups_of(joint)
    runners = {5000 - sum(worth_unknown(joint, members) for members in groups.values()): 1.0}
    for members in groups.values():
        spread: dict[int, float] = {}
        for (before, share), (points, of_them) in product(runners.items(), chances(joint, members)):
            spread[before + points] = spread.get(before + points, 0.0) + share * of_them
        runners = spread
    starts = [cut["from"] for cut in document()["levels"]["cuts"]]
    common = [0.0] * len(starts)
    for points, share in runners.items():
        score = (min(max(points, 0), 10_000) + 50) // 100
        common[sum(score >= start for start in starts) - 1] += share
    written = ", ".join(f"{100 * share:.1f}" for share in common[:-1]) + f" and {100 * common[-1]:.1f} %"
    assert written in " ".join((ROOT / "RULES-CHANGELOG.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize("joint", JOINTS)
def test_the_whole_span_on_the_page_is_what_each_group_can_move(joint: JointId) -> None:
    spans = []
    for members in groups_of(joint).values():
        points = [hundredths(each, joint, band) for each in members for band in bands_of(each, joint)]
        spans.append(max(points) - min(points))
    assert f"{joined(spans)} = {sum(spans) / 100:.2f}" in PAGE
    assert rules().joints[joint].full_span == sum(spans)


def test_the_page_works_out_every_factor_that_counts_in_the_example() -> None:
    for told in all_told()["joints"].values():
        for given in told["contributions"]:
            if given["status"] not in {"applied", "shadowed"}:
                continue
            (effect,) = given["published"]
            weight = f"{effect['weight']:g}"
            points = str(Decimal(str(given["points_alone"])).quantize(Decimal("0.01"))).replace("-", "−")
            assert f"25 × {weight} × log2({effect['estimate']}) = {points}" in PAGE, given["factor"]
            if given["status"] == "applied":
                error = f"{weight} × (log2({effect['high']}) − log2({effect['low']})) / 3.92"
                assert error in PAGE, given["factor"]


def test_what_counts_once_is_what_the_engine_applies() -> None:
    group_of = {factor["id"]: factor["group"] for factor in document()["factors"]}
    applied = {
        (joint.replace("_", " "), group_of[given["factor"]]): Decimal(str(given["points"]))
        for joint, told in all_told()["joints"].items()
        for given in told["contributions"]
        if given["status"] == "applied"
    }
    rows = table("What counts once")
    assert {(joint, group): number(counts) for joint, group, _, counts in rows} == applied
    for joint, _, members, counts in rows:
        told = re.findall(r"`(\w+)` (?:\([^)]*\) )?(−?\d+\.\d\d)", members)
        assert len(told) == members.count("`") / 2
        for factor, points in told:
            given = contribution(all_told(), joint.replace(" ", "_"), factor)
            assert given["points_alone"] == float(number(points))
            assert given["status"] == ("applied" if points == counts else "shadowed")


@pytest.mark.parametrize(("column", "joint", "answer"), [
    (1, "knee", all_told), (2, "lower_back", all_told), (3, "knee", two_missing), (4, "lower_back", two_missing),
])  # fmt: skip
def test_the_answer_on_the_page_is_the_engines(column: int, joint: str, answer: Callable[[], Json]) -> None:
    told = answer()["joints"][joint]
    risk, rate = told["relative_risk"], told["rate_per_1000_h"]
    low, high = told["score_range"]
    assert {row[0]: row[column] for row in table("The answer, side by side")} == {
        "score": str(told["score"]),
        "score_range": f"{low}–{high}",
        "level": told["level"],
        "level_certain": json.dumps(told["level_certain"]),
        "known_share": str(told["known_share"]),
        "base": str(told["base"]),
        "relative_risk": str(risk["estimate"]),
        "relative_risk, low": str(risk["low"]),
        "relative_risk, high": str(risk["high"]),
        "rate, low": str(rate["low"]),
        "rate, high": str(rate["high"]),
    }


@pytest.mark.parametrize("answer", [all_told, two_missing])
def test_base_and_contributions_add_up_to_the_score(answer: Callable[[], Json]) -> None:
    for told in answer()["joints"].values():
        total = Decimal(str(told["base"])) + sum(Decimal(str(each["points"])) for each in told["contributions"])
        assert int(total + Decimal("0.5")) == told["score"]


def test_a_spike_of_a_half_gives_the_knee_12_54_points_and_exactly_a_tenth_gives_none() -> None:
    assert spike(before_m=12_000, run_m=18_000)["points"] == 12.54
    exact, beyond = spike(before_m=12_000, run_m=13_200), spike(before_m=12_000, run_m=13_200.001)
    assert (exact["band"], exact["points"]) == ("≤ 1.10", 0)
    assert (beyond["band"], beyond["points"]) == ("> 1.10", 12.54)


def test_what_the_page_says_of_unknowns_is_what_the_engine_says() -> None:
    answer = two_missing()
    told = {each["factor"]: (each["status"], each["points"]) for each in answer["joints"]["knee"]["contributions"]}
    assert told["previous_running_injury"] == ("applied", 8.32)
    assert told["previous_knee_problem"] == ("unknown", 6.01)
    assert told["sleep_short"] == ("unknown", 2.78)
    assert answer["ask_next"] == {"field": "/runner/knee/months_since", "narrows": {"knee": 13}}


def test_what_the_page_says_of_advice_and_the_next_run_is_what_the_engine_says() -> None:
    answer = all_told()
    similar = {given["id"]: given["similar_runner_score"] for given in answer["advice"]}
    assert similar["cap_single_run"] == {"knee": 62, "lower_back": 42}
    assert similar["rotate_shoes"] == {"knee": 66, "lower_back": 41}
    assert similar["sleep7"] == {"knee": 67, "lower_back": 42}
    assert similar["train_core"] == {"lower_back": 45}
    assert answer["next_run"] == {
        "longest_in_reference_m": 19800,
        "planned_m": 26000,
        "scores_if_run": {"knee": 74, "lower_back": 46},
        "within_reference": False,
    }
    assert answer["weak_evidence_share"] == 0.34


def test_a_runner_of_whom_nothing_is_known_stands_at_the_average_and_gets_no_score() -> None:
    answer = answer_to(b'{"runner": {}, "training": {}}')
    for told in answer["joints"].values():
        assert told["status"] == "not_assessed"
        assert told["score"] is None
        assert Decimal(str(told["base"])) + sum(Decimal(str(each["points"])) for each in told["contributions"]) == 50
