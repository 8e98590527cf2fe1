"""Every number has a source that a reader can find: an outcome, a measure, a day, a citation, an identifier."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from app.rule_sets.checks.draft import Draft
from app.rule_sets.checks.finding import Check, CheckFinding

# A DOI may hold nearly anything, but what ends one in a sentence is not part of it.
_TAIL: Final = re.compile(r"[.,;:'\"]$")
_BRACKETS: Final = ("()", "[]", "<>")
_NO_IDENTIFIER: Final = re.compile(r"\[no DOI: [^\]]+\]")


def find_faulty_sources(draft: Draft) -> Iterator[CheckFinding]:
    """What a reader of the document could not look up."""
    yield from _evidence(draft)
    yield from _citations(draft)
    yield from _unsourced(draft)
    yield from _unused(draft)


def _evidence(draft: Draft) -> Iterator[CheckFinding]:
    for number, factor in enumerate(draft.document.factors):
        place = f"/factors/{number}"
        for field in ("measure", "outcome"):
            if not getattr(factor.evidence, field).strip():
                yield CheckFinding(
                    "error",
                    f"{field}-missing",
                    f"{place}/evidence/{field}",
                    f"The evidence does not say its {field}.",
                    draft.shown_by(place),
                )
        try:
            date.fromisoformat(factor.evidence.checked_on)
        except ValueError:
            message = "This is no day of the calendar."
            yield CheckFinding("error", "checked-on-no-day", f"{place}/evidence/checked_on", message)


def _citations(draft: Draft) -> Iterator[CheckFinding]:
    first: dict[str, str] = {}
    for id_, source in draft.document.sources.items():
        place = f"/sources/{id_}"
        if not source.citation.strip():
            message = "The source has no citation."
            yield CheckFinding("error", "citation-missing", f"{place}/citation", message, draft.shown_by(place))
        identifiers = (source.doi, source.pmid, source.pmcid)
        if not any(identifiers) and not _NO_IDENTIFIER.search(source.citation):
            message = "A source has a DOI, a PMID or a PMCID, or its citation says why not: '[no DOI: …]'."
            yield CheckFinding("error", "identifier-missing", place, message, draft.shown_by(place))
        if source.doi is not None:
            if _TAIL.search(source.doi) or any(source.doi.count(a) != source.doi.count(b) for a, b in _BRACKETS):
                message = "A DOI does not end in a punctuation mark, and closes the brackets that it opens."
                yield CheckFinding("error", "doi-form", f"{place}/doi", message, draft.shown_by(place))
            same = first.setdefault(source.doi.lower(), id_)
            if same != id_:
                message = f"The source {same} has the same DOI."
                yield CheckFinding("error", "doi-repeated", f"{place}/doi", message, draft.shown_by(place))


def _unsourced(draft: Draft) -> Iterator[CheckFinding]:
    for number, advice in enumerate(draft.document.advice):
        if advice.basis != "judgement" and not advice.sources:
            path = f"/advice/{number}/sources"
            message = "Advice that rests on a trial or an association names its source."
            yield CheckFinding("error", "source-missing", path, message, draft.shown_by(path))
    for number, flag in enumerate(draft.document.flags):
        if flag.basis == "source" and not flag.sources:
            path = f"/flags/{number}/sources"
            message = "A flag that rests on a source names it."
            yield CheckFinding("error", "source-missing", path, message, draft.shown_by(path))


def _unused(draft: Draft) -> Iterator[CheckFinding]:
    document = draft.document
    used = {*document.rates.sources}
    for factor in document.factors:
        used.update(factor.evidence.sources)
    used.update(*(advice.sources for advice in document.advice), *(flag.sources for flag in document.flags))
    used.update(*(benefit.sources for benefit in document.benefits))
    for id_ in document.sources:
        if id_ not in used:
            message = "Nothing in the document names this source."
            yield CheckFinding("warning", "source-unused", f"/sources/{id_}", message)


SOURCES: Final = Check(
    "Every factor says its measure and outcome, and every source can be found: a citation, an identifier in its form.",
    {
        "measure-missing": "error",
        "outcome-missing": "error",
        "checked-on-no-day": "error",
        "citation-missing": "error",
        "identifier-missing": "error",
        "doi-form": "error",
        "doi-repeated": "error",
        "source-missing": "error",
        "source-unused": "warning",
    },
    find_faulty_sources,
    needs_rules=False,
)
