"""The answers of many runners as Arrow columns: their schema, and how they are filled."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from app.features.columns import NOT_APPLICABLE, NUMBER
from app.runners import JOINTS, JointId
from app.runners.told_columns import Mask, ToldColumns, Whole, profile_kinds
from app.scoring.compiled import CompiledRuleSet
from app.scoring.contribution_columns import choose, lists
from app.scoring.grading_columns import (
    GradedColumns,
    known_shares,
    print_scores,
    relative_risks,
)
from app.scoring.guidance_columns import Listing, ask_next, give_advice, listing, longest_in_reference_m

Contributions = Literal["left_out", "listed"]

_TEXTS = pa.list_(pa.string())
CONTRIBUTIONS_FIELD = pa.field(
    "contributions",
    pa.list_(
        pa.struct([
            ("joint", pa.string()),
            ("factor", pa.string()),
            ("band", pa.string()),
            ("status", pa.string()),
            ("points_hundredths", pa.int32()),
        ])
    ),
)  # fmt: skip
_OF_A_JOINT: tuple[tuple[str, pa.DataType], ...] = (
    ("status", pa.string()),
    ("score", pa.int16()),
    ("score_low", pa.int16()),
    ("score_high", pa.int16()),
    ("level", pa.string()),
    ("level_certain", pa.bool_()),
    ("known_share", pa.float64()),
    ("relative_risk", pa.float64()),
    ("relative_risk_low", pa.float64()),
    ("relative_risk_high", pa.float64()),
)
_COLUMNS: tuple[tuple[str, pa.DataType], ...] = (
    ("id", pa.string()),
    ("as_of", pa.date32()),
    ("rule_set", pa.string()),
    ("digest", pa.string()),
    ("row_status", pa.string()),
    ("problem_code", pa.string()),
    ("problem_pointer", pa.string()),
    *((f"{joint}_{name}", type_) for joint in JOINTS for name, type_ in _OF_A_JOINT),
    ("summary_level", pa.string()),
    ("referral_screened", pa.bool_()),
    ("referral_urgency", pa.string()),
    ("referral_reason_ids", _TEXTS),
    ("advice_ids", _TEXTS),
    ("finding_codes", _TEXTS),
    ("ask_next_field", pa.string()),
    ("longest_in_reference_m", pa.int64()),
)
ANSWER_SCHEMA = pa.schema(_COLUMNS)
"""The columns of every answer (contract 27), in this order, whatever came in."""


def answer_schema(*, contributions: Contributions = "left_out") -> pa.Schema:
    """The schema of the answers; `listed` contributions are one more column, the last."""
    return ANSWER_SCHEMA if contributions == "left_out" else ANSWER_SCHEMA.append(CONTRIBUTIONS_FIELD)


class AnswerWriter:
    """Writes the answers of one block of rows, each column of `answer_schema` by its name.

    Args:
        notes: codes of the findings that every assessed row has, before its own.
    """

    def __init__(
        self, rules: CompiledRuleSet, told: ToldColumns, graded: GradedColumns, *, notes: Sequence[str] = ()
    ) -> None:
        self.rules = rules
        self.told = told
        self.graded = graded
        self.notes = notes
        self.refused = {**graded.refused, **told.refused}
        self.assessed: Mask = np.ones(told.row_count, np.bool_)
        self.assessed[np.fromiter(self.refused, np.int64, len(self.refused))] = False

    def columns(self) -> dict[str, Any]:
        """Every column but `id` and `contributions`."""
        graded, assessed = self.graded, self.assessed
        count = len(assessed)
        faults = [self.refused.get(row) for row in range(count)] if self.refused else [None] * count
        columns: dict[str, Any] = {
            "as_of": pa.array(self.told.as_of.astype(np.int32), mask=~assessed).view(pa.date32()),
            "rule_set": pa.repeat(self.rules.version, count),
            "digest": pa.repeat(self.rules.digest, count),
            "row_status": choose(("assessed", "refused"), np.where(assessed, 0, 1)),
            "problem_code": pa.array([fault and fault.code for fault in faults], pa.string()),
            "problem_pointer": pa.array([None if fault is None else fault.pointer for fault in faults], pa.string()),
        }
        for joint in JOINTS:
            columns |= {f"{joint}_{name}": column for name, column in self._of_joint(joint)}
        screened = self.told.symptoms["knee"].told & self.told.symptoms["lower_back"].told
        reasons = [(flag, raised) for flag, raised in graded.flags if flag.urgency is not None]
        advice_ids = [advice.id for advice in self.rules.document.advice]
        asked, pointers = ask_next(self.rules, graded, self.told)
        longest = longest_in_reference_m(self.rules, graded, self.told)
        return columns | {
            "summary_level": self._summary_level(),
            "referral_screened": pa.array(screened, mask=~assessed),
            "referral_urgency": self._urgency(screened, [(flag.urgency or "", raised) for flag, raised in reasons]),
            "referral_reason_ids": self._lists(
                self._listed([raised for _, raised in reasons]), [flag.id for flag, _ in reasons]
            ),
            "advice_ids": self._lists(give_advice(self.rules, graded, rows_wanted=assessed), advice_ids),
            "finding_codes": self._findings(),
            "ask_next_field": choose(pointers, np.where(assessed, asked, -1)),
            "longest_in_reference_m": pa.array(longest.numbers, mask=~(longest.told & assessed)),
        }

    def _of_joint(self, joint: JointId) -> Iterator[tuple[str, Any]]:
        totals, suspended, scored = self.graded.joints[joint]
        tables = self.rules.joints[joint]
        status = np.where(suspended, 1, np.where(scored, 0, 2))
        yield "status", choose(("scored", "suspended", "not_assessed"), np.where(self.assessed, status, -1))
        is_scored, is_open = scored & self.assessed, ~suspended & self.assessed
        score, low, high = (print_scores(total) for total in (totals.raw, totals.low, totals.high))
        yield "score", pa.array(score.astype(np.int16), mask=~is_scored)
        yield "score_low", pa.array(low.astype(np.int16), mask=~is_open)
        yield "score_high", pa.array(high.astype(np.int16), mask=~is_open)
        names, level_of = self._levels()
        yield "level", choose(names, np.where(is_scored, level_of[score], -1))
        yield "level_certain", pa.array(level_of[low] == level_of[high], mask=~is_scored)
        yield "known_share", pa.array(known_shares(tables, totals), mask=~self.assessed)
        risks = relative_risks(totals)
        yield "relative_risk", pa.array(risks.estimate, mask=~is_scored)
        yield "relative_risk_low", pa.array(risks.low, mask=~is_scored)
        yield "relative_risk_high", pa.array(risks.high, mask=~is_scored)

    def _levels(self) -> tuple[list[str], Whole]:
        names = list(dict.fromkeys(self.rules.level_of))
        return names, np.array([names.index(level) for level in self.rules.level_of])

    def _summary_level(self) -> Any:
        """The level of the scored joint with the highest score, where no referral stands alone."""
        highest = np.full(len(self.assessed), -1)
        for joint in JOINTS:
            totals, _, scored = self.graded.joints[joint]
            highest = np.maximum(highest, np.where(scored, print_scores(totals.raw), -1))
        names, level_of = self._levels()
        said = (highest >= 0) & ~self.graded.refers & self.assessed
        return choose(names, np.where(said, level_of[highest], -1))

    def _urgency(self, screened: Mask, reasons: Sequence[tuple[str, Mask]]) -> Any:
        names = ("none", *dict.fromkeys(urgency for urgency, _ in reasons))
        found = np.where(screened, 0, -1)
        for urgency, raised in reversed(reasons):  # the most urgent are told first, so they have the last word here
            found = np.where(raised, names.index(urgency), found)
        return choose(names, np.where(self.assessed, found, -1))

    def finding_counts(self) -> dict[str, int]:
        """How many assessed rows have a finding, by its code."""
        counts = Counter(code for row, codes in self.told.findings.items() if self.assessed[row] for code in codes)
        for code, rows in [*((code, self.assessed) for code in self.notes), *self._noted()]:
            counts[code] += int((rows & self.assessed).sum())
        return {code: count for code, count in counts.items() if count}

    def _noted(self) -> list[tuple[str, Mask]]:
        """The findings of `note_findings`, in its order, and the rows that have each."""
        fields, facts = self.told.fields, self.graded.standing.facts
        noted = [(flag.id.replace("_", "-"), raised) for flag, raised in self.graded.flags if flag.urgency is None]
        years = fields["running_years"]
        noted += [
            ("age-unknown", ~fields["age_years"].told),
            ("experience-unknown", ~years.told),
            ("first-year-runner", years.told & (years.numbers < 1000)),
        ]
        for joint in JOINTS:
            history, pain = fields[f"{joint}.history"], fields[f"{joint}.pain_now"]
            never = history.told & (history.numbers == profile_kinds()[f"{joint}.history"].choices.index("never"))
            noted.append(("pain-without-history", never & (pain.numbers > 0)))
        noted.append(("plank-shown", fields["plank_seconds"].told))
        spike = self.graded.standing.reading("session_spike_ratio")
        assert spike.number is not None
        after_break = (spike.number.numerator > 0) & (spike.number.denominator == 0)
        noted += [
            ("return-after-break", (spike.kind == NUMBER) & after_break),
            ("no-session-log", (spike.kind == NOT_APPLICABLE) & ~facts.has_log & facts.lists_weeks),
        ]
        return noted

    def _findings(self) -> Any:
        """Notes on the rules, doubts found while reading, then those of `note_findings`."""
        noted = self._noted()
        codes = [code for code, _ in noted]
        found = self._listed([raised for _, raised in noted])
        earlier = [(row, code) for row in self.assessed.nonzero()[0].tolist() for code in self.notes]
        earlier += [(row, code) for row, listed in self.told.findings.items() for code in listed]
        if earlier:
            rows = np.concatenate((np.array([row for row, _ in earlier], np.int64), found.row))
            places = np.concatenate((np.arange(len(earlier)) + len(codes), found.code))
            order = np.argsort(rows, kind="stable")
            kept = self.assessed[rows[order]]
            found = Listing(rows[order][kept], places[order][kept])
            codes += [code for _, code in earlier]
        return self._lists(found, codes)

    def _listed(self, entries: Sequence[Mask]) -> Listing:
        return listing([entry & self.assessed for entry in entries] or [np.zeros(len(self.assessed), np.bool_)])

    def _lists(self, listed: Listing, names: Sequence[str]) -> Any:
        counts = np.bincount(listed.row, minlength=len(self.assessed))
        return lists(choose(names, listed.code), counts, missing=~self.assessed)
