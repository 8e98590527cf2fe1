"""Drafts the entry of RULES-CHANGELOG.md from a comparison: what runners will feel, in the style of those before it.

A draft says what changed and who moves. Why, only its author can say.
"""

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, Final

from app.rule_sets.changes import Json

WIDTH: Final = 119
_JOINTS: Final = {"knee": "knee", "lower_back": "back"}
_CATALOGUES: Final = (("advice", "Advice"), ("flags", "Red flags"), ("benefits", "Benefits"))


def draft_changelog(comparison: Json, *, width: int = WIDTH) -> str:
    """The entry in Markdown, at most so many characters wide, ending in a line feed."""
    lead = (
        f"What is different from {comparison['before']['version']}; everything else is as it was. "
        "(A draft: say here why, in words for those who will feel it.)"
    )
    sections = [*tell_changes(comparison["changes"]), ("Who moves", list(_tell_people(comparison["people"])))]
    paragraphs = [lead, *(f"**{title}.** {' '.join(said)}" for title, said in sections)]
    written = [textwrap.fill(paragraph, width, break_on_hyphens=False) for paragraph in paragraphs]
    return f"## {comparison['after']['version']}\n\n" + "\n\n".join(written) + "\n"


def tell_changes(changes: Json) -> list[tuple[str, list[str]]]:
    """What changed, in sentences under headings; headings without any are left out."""
    factors = changes["factors"]
    sections = [
        ("What counts that did not", [_tell_worth(factor, "after") for factor in factors["added"]]),
        ("What does not count any more", [_tell_worth(factor, "before") for factor in factors["removed"]]),
        ("What counts otherwise", [_tell_change(factor) for factor in factors["changed"]]),
        *((title, list(_tell_entries(changes[name]))) for name, title in _CATALOGUES),
        ("Levels", list(_tell_levels(changes["levels"]))),
        ("Words and rates", list(_tell_members(changes))),
    ]
    return [(title, said) for title, said in sections if said]


def tell_points(points: float) -> str:
    """Points as the changelog writes them.

    >>> tell_points(12.54), tell_points(-3.0)
    ('12.5', '−3')
    """
    return f"{round(points, 1):g}".replace("-", "−")


def _most(at_joint: Json) -> float:
    """The points of the band that is furthest from nothing."""
    return max((float(band["points"]) for band in at_joint["bands"]), key=abs, default=0.0)


def _tell_worth(factor: Json, side: str) -> str:
    worth = [
        f"up to {tell_points(_most(told[side]))} points for the {_JOINTS[joint]}"
        if _most(told[side])
        else f"nothing for the {_JOINTS[joint]}"
        for joint, told in factor["joints"].items()
    ]
    return f"{factor['title']}: {_join(worth)}."


def _tell_change(factor: Json) -> str:
    said = []
    for joint, told in factor["joints"].items():
        before, after = told["before"], told["after"]
        if before is None or after is None:
            said.append(f"{'no longer counts' if after is None else 'now counts'} for the {_JOINTS[joint]}")
            continue
        was = {band["band"]: band for band in before["bands"]}
        for band in after["bands"]:
            old = was.pop(band["band"], None)
            place = f"{band['band']}, {_JOINTS[joint]}"
            if old is None:
                said.append(f"{place}: {tell_points(band['points'])} points (a new band)")
            elif old["points"] != band["points"]:
                said.append(f"{place}: {tell_points(old['points'])} points become {tell_points(band['points'])}")
            elif old["share"] != band["share"]:
                said.append(f"{place}: {old['share']:g} of runners become {band['share']:g}")
        said += [f"{band}, {_JOINTS[joint]}: the band is gone" for band in was]
    rest = [name for name in factor["members"] if name not in ("bands", "joints")]
    if rest:
        said.append(f"other {_join(rest)}")
    return f"{factor['title']} ({'; '.join(said) if said else _join(factor['members'])})."


def _tell_entries(entries: Json) -> Iterator[str]:
    for kind, words in (("added", "New"), ("removed", "Gone")):
        if entries[kind]:
            yield f"{words}: {_join(f'`{id}`' for id in entries[kind])}."
    if entries["changed"]:
        changed = (f"`{told['id']}` ({_join(told['members'])})" for told in entries["changed"])
        yield f"Changed: {_join(changed)}."


def _tell_levels(levels: Json) -> Iterator[str]:
    was = {cut["id"]: cut["from"] for cut in levels["before"]["cuts"]}
    for cut in levels["after"]["cuts"]:
        before = was.pop(cut["id"], None)
        if before is None:
            yield f"`{cut['id']}` is new and begins at {cut['from']}."
        elif before != cut["from"]:
            yield f"`{cut['id']}` begins at {cut['from']}, before at {before}."
    for gone in was:
        yield f"`{gone}` is gone."
    floors = [levels[side]["known_share_floor"] for side in ("before", "after")]
    if floors[0] != floors[1]:
        yield f"A joint gets a score from a known share of {floors[1]:g} on, before from {floors[0]:g}."


def _tell_members(changes: Json) -> Iterator[str]:
    for name in ("texts", "rates"):
        if changes[name]:
            yield f"Other {name}: {_join(f'`{member}`' for member in changes[name])}."


def _tell_people(people: Json) -> Iterator[str]:
    whom = "made-up runners of the reference population" if people["of"] == "reference" else "runners of a cohort"
    yield f"Of {people['compared']:,} {whom}:"
    for joint, told in people["joints"].items():
        up, down = (f"{100 * told[f'{way}_share']:.1f} %" for way in ("up", "down"))
        causes = [cause["id"] or cause["kind"] for cause in told["moved_by"] if cause["up_count"] + cause["down_count"]]
        because = f", mostly by {_join(f'`{cause}`' for cause in causes[:3])}" if causes else ""
        status = (
            f" {told['status_count']} get a score that had none, or the other way round."
            if told["status_count"]
            else ""
        )
        yield f"{_JOINTS[joint].capitalize()}s: {up} go up a level and {down} down{because}.{status}"


def _join(words: Iterable[Any]) -> str:
    *most, last = [str(word) for word in words] or [""]
    return f"{', '.join(most)} and {last}" if most else last
