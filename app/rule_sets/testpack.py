"""A test pack: runners and whole expected answers, by which a port or another deployment proves that it scores alike.

Boundary cases stand on both sides of every cut of every feature, report every flag and call for every advice and
benefit; pairwise cases hold every band of a factor together with every band of every other one, as far as they go
together; random ones are of the reference population, with answers left out and the least evidence raised. All are
drawn from the rule set alone: the same rules give the same pack.

A case holds the `codes` answer without its receipt, so nothing of it hangs on a release, the digest that a receipt
would have, and the number or choice that each factor shows.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain, combinations, islice
from typing import Any, Final, cast

from pydantic_core import from_json

from app.population import AS_OF, EDGE_SIZE, REFERENCE_SIZE, reference_population
from app.receipts import find_unsaid
from app.rule_sets.changes import Json
from app.rule_sets.job_rules import Rules
from app.rule_sets.profile_answers import Told
from app.rule_sets.witnesses import TRAINING_FEATURES, Bench, join, tell_symptom, without_inputs, write_request
from app.runners import JOINTS, read_request
from app.scoring.assessment import answer_digest, render
from app.scoring.compiled import CompiledRuleSet, MinEvidence, compile_rule_set
from app.scoring.engine import assess
from app.scoring.rule_set import Condition

FORM: Final = "joint-risk-testpack-1"
RANDOM_COUNT: Final = 60
_LEAST: Final[tuple[MinEvidence | None, ...]] = (None, "low", "moderate")
_LEFT_OUT: Final = ("sleep_hours", "other_injury", "shoes", "knee", "lower_back", "running_years", "goal_event")

Named = tuple[str, Json, MinEvidence | None]


def write_testpack(rules: Rules) -> bytes:
    """The pack as JSON lines, a head and a case a line: a job for a process of its own.

    Raises:
        InvalidRuleSetError: this release cannot load the rules.
    """
    compiled = rules.compiled()
    narrowed = {
        least: compiled
        if least is None
        else compile_rule_set(compiled.document, version=rules.version, digest=rules.digest, min_evidence=least)
        for least in _LEAST
    }
    seen: set[str] = set()
    cases: list[Json] = []
    for name, request, least in chain(_boundary(compiled), _pairwise(compiled), _random()):
        asked = f"{least}:{_line(request)}"
        if asked not in seen:
            seen.add(asked)
            cases.append({"id": name, "min_evidence": least, "request": request, **_expected(narrowed[least], request)})
    head: Json = {"form": FORM, "version": rules.version, "digest": rules.digest, "as_of": str(AS_OF)}
    head["case_count"] = len(cases)
    return "\n".join(_line(each) for each in [head, *cases]).encode() + b"\n"


def join_testpack(lines: bytes) -> bytes:
    """The same pack as one JSON object, with its cases in `cases`."""
    head, *cases = lines.rstrip(b"\n").split(b"\n")
    return head[:-1] + b',"cases":[' + b",".join(cases) + b"]}"


def read_testpack(raw: bytes) -> tuple[Json, list[Json]]:
    """A pack in either form: its head, and its cases.

    Raises:
        ValueError: it is none.
    """
    first, _, rest = raw.partition(b"\n")
    head = from_json(raw if b'"cases"' in first or not rest.strip() else first)
    if not isinstance(head, dict) or head.get("form") != FORM:
        raise ValueError("This is no test pack.")
    cases = head.pop("cases", None)
    if cases is None:
        cases = [from_json(line) for line in rest.split(b"\n") if line.strip()]
    if len(cases) != head["case_count"]:
        raise ValueError("The test pack is not whole.")
    return head, cast("list[Json]", cases)


def check_case(case: Json, answer: Json) -> list[str]:
    """Where an answer is not the expected one, by JSON Pointer into the answer; it may be in full or in codes.

    What the answer has besides (more members, sentences) is none of the pack's business.
    """
    differs = [*find_unsaid(case["expected"], answer), *_longer(answer, case["expected"])]
    for joint, shown in case["readings"].items():
        for place, told in enumerate(answer.get("joints", {}).get(joint, {}).get("contributions", ())):
            expected = shown.get(told["factor"], {})
            differs += [
                f"/joints/{joint}/contributions/{place}/{name}"
                for name in expected
                if name in told and told[name] != expected[name]
            ]
    return list(dict.fromkeys(differs))


def _longer(answer: Any, expected: Any, at: str = "") -> Iterator[str]:
    """Where a list of the answer goes on after the expected one has ended."""
    if isinstance(expected, dict) and isinstance(answer, dict):
        for name, member in expected.items():
            yield from _longer(answer.get(name), member, f"{at}/{name}")
    elif isinstance(expected, list) and isinstance(answer, list):
        yield from (f"{at}/{place}" for place in range(len(expected), len(answer)))
        for place, (entry, counterpart) in enumerate(zip(answer, expected, strict=False)):
            yield from _longer(entry, counterpart, f"{at}/{place}")


def answer_case(rules: CompiledRuleSet, case: Json) -> Json:
    """What these rules (compiled with the case's least evidence) answer to a case, in full."""
    read = read_request(_line(case["request"]).encode(), today=AS_OF)
    assessment = assess(rules, read.request, as_of=read.as_of, findings=read.findings)
    return cast(Json, from_json(render(assessment)))


def _expected(rules: CompiledRuleSet, request: Json) -> Json:
    read = read_request(_line(request).encode(), today=AS_OF)
    assessment = assess(rules, read.request, as_of=read.as_of, findings=read.findings)
    codes = from_json(render(assessment, detail="codes"))
    del codes["receipt"]
    full = from_json(render(assessment))
    readings = {
        joint: {
            told["factor"]: {name: told[name] for name in ("number", "choice")}
            for told in full["joints"][joint]["contributions"]
        }
        for joint in JOINTS
    }
    return {"expected": codes, "readings": readings, "answer_digest": answer_digest(assessment)}


def _line(told: object) -> str:
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


# --- the cases -------------------------------------------------------------------------------------------------------


def _boundary(rules: CompiledRuleSet) -> Iterator[Named]:
    """Every side of every cut, beside a runner who stands in every reference band; every flag, advice and benefit."""
    bench = Bench(rules)
    yield "boundary/nothing-known", write_request({}), None
    yield "boundary/reference", write_request(bench.at_reference), None
    read = dict.fromkeys([*(ruler.feature for ruler in rules.rulers), *bench.cuts])
    for feature in read:
        if feature in TRAINING_FEATURES:
            continue
        rest = without_inputs(bench.at_reference, [feature])
        for number, witness in enumerate(bench.witnesses(feature)):
            told = join(rest, witness.told)
            if told is not None and bench.facts(told) is not None:
                yield f"boundary/{feature}/{number}", write_request(told), None
    yield from _logs(bench)
    document = rules.document
    for flag in document.flags:
        if flag.question is not None:
            yield f"boundary/flag/{flag.id}", write_request({**bench.at_reference, **tell_symptom(flag)}), None
    catalogues: list[tuple[str, Sequence[Any]]] = [
        ("flag", document.flags), ("advice", document.advice), ("benefit", document.benefits),
    ]  # fmt: skip
    for kind, entries in catalogues:
        for entry in entries:
            for number, condition in enumerate(cast("list[Condition]", entry.when)):
                for told in islice(bench.meeting(condition), 1):
                    yield f"boundary/{kind}/{entry.id}/{number}", write_request(told), None


def _logs(bench: Bench) -> Iterator[Named]:
    """A log for all that the rules can tell of one, alone and beside the runner in every reference band."""
    any_feature = TRAINING_FEATURES[0]
    rest = without_inputs(bench.at_reference, TRAINING_FEATURES)
    told_apart: dict[object, int] = {}
    for number, (witness, cell) in enumerate(zip(bench.witnesses(any_feature), bench.log_cells, strict=True)):
        if cell is None:
            continue
        count = told_apart[cell] = told_apart.get(cell, 0) + 1
        if count <= _LOGS_A_CELL:
            yield f"boundary/log/{number}", write_request({**rest, **witness.told}), None
        if count == 1:
            yield f"boundary/log-alone/{number}", write_request(witness.told), None


_LOGS_A_CELL: Final = 2


def _pairwise(rules: CompiledRuleSet) -> Iterator[Named]:
    """Runners among whom every two bands of two factors meet, as far as they go together."""
    bench = Bench(rules)
    features = list(dict.fromkeys(ruler.feature for ruler in rules.rulers if len(ruler.labels) > 1))
    options: list[list[Told]] = []
    for feature in features:
        by_bands: dict[tuple[int, ...], Told] = {}
        for witness in bench.witnesses(feature):
            masks = tuple(ruler.mask(witness.reading) for ruler in rules.rulers if ruler.feature == feature)
            by_bands.setdefault(masks, witness.told)
        options.append(list(by_bands.values()))
    open_pairs = {
        (one, first, other, second)
        for one, other in combinations(range(len(options)), 2)
        for first in range(len(options[one]))
        for second in range(len(options[other]))
    }
    number = 0
    while open_pairs:
        told, chosen = _fill_row(options, open_pairs)
        met = {pair for pair in open_pairs if chosen.get(pair[0]) == pair[1] and chosen.get(pair[2]) == pair[3]}
        if not met:
            open_pairs.discard(min(open_pairs))  # it does not go together
            continue
        open_pairs -= met
        if bench.facts(told) is not None:
            yield f"pairwise/{number}", write_request(told), None
            number += 1


def _fill_row(
    options: Sequence[Sequence[Told]], open_pairs: set[tuple[int, int, int, int]]
) -> tuple[Told, dict[int, int]]:
    """A runner who meets the first open pair, and as many others as can be had beside it."""
    one, first, other, second = min(open_pairs)
    chosen: dict[int, int] = {one: first}
    told = dict(options[one][first])
    joined = join(told, options[other][second])
    if joined is None:
        return told, chosen
    told, chosen[other] = joined, second
    for place, ways in enumerate(options):
        if place in chosen:
            continue
        ranked = sorted(range(len(ways)), key=lambda way: (-_newly_met(place, way, chosen, open_pairs), way))
        for way in ranked:
            joined = join(told, ways[way])
            if joined is not None:
                told, chosen[place] = joined, way
                break
    return told, chosen


def _newly_met(place: int, way: int, chosen: dict[int, int], open_pairs: set[tuple[int, int, int, int]]) -> int:
    return sum(
        ((place, way, other, taken) if place < other else (other, taken, place, way)) in open_pairs
        for other, taken in chosen.items()
    )


def _random() -> Iterator[Named]:
    """Runners of the reference population and of its edges; of most some answers are left out."""
    everybody = REFERENCE_SIZE + EDGE_SIZE
    digests = (sha256(f"testpack:{number}".encode()).digest() for number in range(RANDOM_COUNT))
    drawn = {int.from_bytes(digest[:8], "big") % everybody for digest in digests}
    for number, request in enumerate(_picked(drawn)):
        for place, name in enumerate(_LEFT_OUT):
            if number >> place & 1:
                request["runner"].pop(name, None)
        yield f"random/{number}", request, _LEAST[number % len(_LEAST)]


def _picked(places: Iterable[int]) -> Iterator[Json]:
    wanted = frozenset(places)
    return (request for place, request in enumerate(reference_population()) if place in wanted)
