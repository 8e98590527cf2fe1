"""Numbers and ids of an answer, said as a runner would say them.

Ids that are not known here (an answer may come from a later release) are said as they are, with blanks for underscores.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from pydantic import BaseModel

from app.runners import ScoreRequest

# Upper end of each stretch of the relative risk, and how it is said; above the last, `_MOST`.
_RISKS: Final = (
    (0.30, "About a quarter as often as"),
    (0.42, "About a third as often as"),
    (0.58, "About half as often as"),
    (0.75, "About two thirds as often as"),
    (0.92, "A little less often than"),
    (1.08, "About as often as"),
    (1.33, "A little more often than"),
    (1.75, "About one and a half times as often as"),
    (2.50, "About twice as often as"),
    (3.50, "About three times as often as"),
)
_UP_TO_THE_YEAR: Final = re.compile(r"[^,]*? (19|20)[0-9]{2}\b")
_MOST: Final = "About four times as often as"
_UNITS: Final = {"1": "", "choice": "", "kg/m2": " kg/m²", "d": " days", "h": " h", "min": " min"}
_BASES: Final = {"trial": "from a trial", "association": "an association", "judgement": "a judgement"}


def name(id: str) -> str:
    """An id as words.

    >>> name("lower_back"), name("half_marathon")
    ('lower back', 'half marathon')
    """
    return id.replace("_", " ")


def titled(id: str) -> str:
    """An id as words that begin a line.

    >>> titled("lower_back")
    'Lower back'
    """
    words = name(id)
    return words[:1].upper() + words[1:]


def listed(parts: Iterable[str]) -> str:
    """Several things in one sentence.

    >>> listed([]), listed(["knee"]), listed(["knee", "lower back"]), listed(["a", "b", "c"])
    ('', 'knee', 'knee and lower back', 'a, b and c')
    """
    *before, last = [*parts] or [""]
    return f"{', '.join(before)} and {last}" if before else last


def plain_number(number: float) -> str:
    """A number without needless zeros, at most two decimals.

    >>> plain_number(6.0), plain_number(1.3846), plain_number(0.15)
    ('6', '1.38', '0.15')
    """
    return f"{round(number, 2):g}" if abs(number) < 100_000 else f"{number:.0f}"


def distance(distance_m: float) -> str:
    """A distance in the unit that people say it in; rounded down, so that a longest run never gets longer.

    >>> distance(19_800), distance(13_249), distance(850)
    ('19.8 km', '13.24 km', '850 m')
    """
    if distance_m < 1000:
        return f"{int(distance_m)} m"
    return f"{plain_number(int(distance_m / 10) / 100)} km"


def day(iso: str) -> str:
    """A day as people write it.

    >>> day("2026-11-03")
    '3 November 2026'
    """
    on = date.fromisoformat(iso)
    return f"{on.day} {on:%B %Y}"


def reading(contribution: Mapping[str, Any]) -> str:
    """What was known of this runner, in the feature's unit; the band where there is no number to say.

    >>> reading({"number": 27000, "choice": None, "band": "≥ 0", "unit": "m"})
    '27 km'
    >>> reading({"number": 8, "choice": None, "band": "≤ 12", "unit": "months"})
    '8 months'
    >>> reading({"number": None, "choice": "half_marathon", "band": "…", "unit": "choice"})
    'half marathon'
    >>> reading({"number": None, "choice": None, "band": None, "unit": "h"})
    'not known'
    """
    number, unit = contribution["number"], contribution["unit"]
    if number is not None:
        if unit == "m":
            return distance(number)
        words = _UNITS.get(unit, f" {unit}")
        return f"{plain_number(number)}{words.removesuffix('s') if number == 1 else words}"
    if contribution["choice"] is not None:
        return name(contribution["choice"])
    return contribution["band"] or "not known"


def risk(estimate: float) -> str:
    """A relative risk in words; what it is compared with follows.

    >>> risk(1.97), risk(0.89), risk(4.0)
    ('About twice as often as', 'A little less often than', 'About four times as often as')
    """
    return next((words for end, words in _RISKS if estimate < end), _MOST)


def share(part: float) -> str:
    """A share in whole percent that says neither none nor all unless it is so.

    >>> share(0.814), share(1), share(0.9991), share(0.001)
    ('81 %', '100 %', '99 %', '1 %')
    """
    percent = round(part * 100)
    if 0 < part < 1:
        percent = min(max(percent, 1), 99)
    return f"{percent} %"


def strength(evidence: str | None, *, basis: str | None = None) -> str:
    """What a statement rests on.

    >>> strength("very_low", basis="association"), strength("low"), strength(None, basis="judgement")
    ('an association, very low evidence', 'low evidence', 'a judgement')
    """
    parts = [] if basis is None else [_BASES.get(basis, name(basis))]
    if evidence is not None:
        parts.append(f"{name(evidence)} evidence")
    return ", ".join(parts)


def short_source(citation: str) -> str:
    """The part of a citation by which people call it.

    >>> short_source("Frandsen 2025, Br J Sports Med 59:1203-1210"), short_source("NHS (England), knee pain")
    ('Frandsen 2025', 'NHS (England)')
    """
    dated = _UP_TO_THE_YEAR.match(citation)
    return dated[0] if dated else citation.partition(",")[0].partition(" [")[0]


def question(pointer: str) -> str:
    """What a field of the request asks, in the words of its description; an unknown field is said as it is.

    >>> question("/runner/lower_back/pain_at_rest")
    'Lower back, pain at rest: Whether the joint hurts at rest or at night.'
    >>> question("/runner/of_a_later_release")
    '/runner/of_a_later_release'
    """
    fields = pointer.strip("/").split("/")
    model: type[BaseModel] | None = ScoreRequest
    described: str | None = None
    for field in fields:
        found = model.model_fields.get(field) if model else None
        if found is None:
            return pointer
        described = found.description
        model = next((kind for kind in _members(found.annotation) if issubclass(kind, BaseModel)), None)
    return f"{titled(', '.join(name(field) for field in fields[1:]))}: {described}" if described else pointer


def _members(annotation: object) -> list[type]:
    """The classes of a union, or the one that the annotation is."""
    return [member for member in getattr(annotation, "__args__", (annotation,)) if isinstance(member, type)]
