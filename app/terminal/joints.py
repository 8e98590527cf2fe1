"""A joint of an answer, drawn: its score on the scale, what that means, and a bar for all that carries points."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final, NamedTuple

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from app.terminal import words
from app.terminal.page import Glyphs, indent, say

BAR_CELLS_MOST: Final = 20
AVERAGE_SCORE: Final = 50

_LEVEL_COLOURS: Final = {"low": "green", "typical": "cyan", "raised": "yellow", "high": "red"}
_RAISING, _LOWERING, _UNKNOWN = "red", "green", "bright_black"

Joint = Mapping[str, Any]
Contribution = Mapping[str, Any]


class Scale(NamedTuple):
    """How bars are drawn, alike for all joints: cells left and right of the axis, and points to a cell."""

    left: int
    right: int
    points_per_cell: float


def drawn_contributions(joint: Joint) -> list[Contribution]:
    """Those that carry points: what raises most first, what lowers most last, then the unknown in the same order.

    A joint without a range is not to be looked at at all, so nothing of it is drawn.
    """
    drawn = [told for told in joint["contributions"] if told["points"]] if joint["score_range"] else []
    return sorted(drawn, key=lambda told: (told["status"] == "unknown", -told["points"]))


def scale_of(joints: Iterable[Joint], *, width: int) -> Scale:
    """A scale on which the longest bar of these joints fills its side; bars take a quarter of a narrow page."""
    cells = min(BAR_CELLS_MOST, max(4, width // 4))
    points = [told["points"] for joint in joints for told in drawn_contributions(joint)]
    most, least = max([0, *points]), -min([0, *points])
    if not most + least:
        return Scale(0, cells, 1)
    left = min(max(round(cells * least / (most + least)), bool(least)), cells - bool(most))
    right = cells - left
    return Scale(left, right, max(least / left if left else 0, most / right if right else 0))


def draw_joint(
    id: str, joint: Joint, *, compared_with: str, scale: Scale, width: int, glyphs: Glyphs
) -> Iterator[RenderableType]:
    """The parts of one joint from top to bottom."""
    colour = _LEVEL_COLOURS.get(joint["level"], "default")
    head = say(words.name(id).upper(), style="bold")
    if joint["score"] is not None:
        head.append_text(say(f"  {joint['score']}  {words.name(joint['level'])}", style=f"bold {colour}"))
    else:
        head.append_text(say("  no score: see above" if joint["status"] == "suspended" else "  no score"))
    yield head
    if joint["score_range"]:
        yield indent(_draw_strip(joint, colour=colour, width=width - 2, glyphs=glyphs))
        yield indent(say(" ".join(_tell_joint(id, joint, compared_with))))
        if drawn_contributions(joint):
            yield ""
            yield indent(_draw_contributions(joint, scale=scale, width=width - 2, glyphs=glyphs))
    yield ""


def _draw_strip(joint: Joint, *, colour: str, width: int, glyphs: Glyphs) -> RenderableType:
    """The scale from 0 to 100 with the range and the score on it, and the average under it."""
    cells = width - len("0  100")
    place = [round(score * (cells - 1) / 100) for score in range(101)]
    low, high = (place[end] for end in joint["score_range"])
    drawn = [(glyphs.line, "dim")] * cells
    drawn[place[AVERAGE_SCORE]] = (glyphs.average, "dim")
    drawn[low : high + 1] = [(glyphs.span, colour)] * (high + 1 - low)
    if joint["score"] is not None:
        drawn[place[joint["score"]]] = (glyphs.score, f"bold {colour}")
    strip = Text().append("0 ", style="dim")
    for style, run in groupby(drawn, key=lambda cell: cell[1]):
        strip.append("".join(glyph for glyph, _ in run), style=style)
    under = "50 is average"
    blanks = " " * (len("0 ") + place[AVERAGE_SCORE] - len(under) // 2)
    return strip.append(f" 100\n{blanks}{under}", style="dim")


def _tell_joint(id: str, joint: Joint, compared_with: str) -> Iterator[str]:
    risk, rate = joint["relative_risk"], joint["rate_per_1000_h"]
    if risk is not None:
        yield f"{words.risk(risk['estimate'])} the average of {compared_with}: {risk['estimate']:.2f} times"
        yield f"(95 % interval {risk['low']:.2f} to {risk['high']:.2f})."
    if rate is not None:
        low, high, average = (words.plain_number(rate[part]) for part in ("low", "high", "average"))
        between = low if low == high else f"{low} to {high}"
        yield f"In 1000 hours of running that is {between} {words.name(id)} problems; their average is {average}."
    low, high = joint["score_range"]
    known = f"{words.share(joint['known_share'])} of what counts is known"
    if low == high:
        yield f"{known}." if joint["known_share"] == 1 else f"{known}; the rest would not move the score."
    elif joint["score"] is None:
        yield f"{known}; with the rest, a score could come out anywhere from {low} to {high}."
    else:
        doubt = "" if joint["level_certain"] else ", and the level with it"
        yield f"{known}; the rest could still move the score, from {low} to {high}{doubt}."


def _draw_contributions(joint: Joint, *, scale: Scale, width: int, glyphs: Glyphs) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.width = width
    table.add_column(justify="right", no_wrap=True, width=len("100.00"))
    table.add_column(no_wrap=True, width=scale.left + 1 + scale.right)
    table.add_column(ratio=1)
    is_scored = joint["score"] is not None
    if is_scored:
        start = say("the start: every factor at its reference", style="dim")
        table.add_row(say(f"{joint['base']:.2f}"), say(" " * scale.left + glyphs.axis, style="dim"), start)
    for told in drawn_contributions(joint):
        colour = _UNKNOWN if told["status"] == "unknown" else _RAISING if told["points"] > 0 else _LOWERING
        points = say(f"{told['points']:+.2f}", style=colour)
        table.add_row(points, _draw_bar(told, colour=colour, scale=scale, glyphs=glyphs), _tell_contribution(told))
    if is_scored:
        total = joint["base"] + sum(told["points"] for told in joint["contributions"])
        beyond = "" if 0 <= total <= 100 else ", the end of the scale"
        result = say(f"is {joint['score']} on the scale{beyond}", style="bold")
        table.add_row(say(f"{total:.2f}", style="bold"), "", result)
    return table


def _tell_contribution(told: Contribution) -> Text:
    if told["status"] == "unknown":
        return say(f"{told['title']}: not known", style=_UNKNOWN)
    contested = ", contested" if told["contested"] else ""
    text = say(f"{told['title']}: ").append_text(say(words.reading(told), style="bold"))
    return text.append_text(say(f" ({words.strength(told['evidence'])}{contested})", style="dim"))


def _draw_bar(told: Contribution, *, colour: str, scale: Scale, glyphs: Glyphs) -> Text:
    """A bar right of the axis for what raises, left of it for what lowers, at least half a cell long."""
    points = told["points"]
    cells, half = divmod(max(1, round(2 * abs(points) / scale.points_per_cell)), 2)
    if told["status"] == "unknown":
        drawn = glyphs.unknown * (cells + half)
    elif points > 0:
        drawn = glyphs.full * cells + glyphs.half_right * half
    else:
        drawn = glyphs.half_left * half + glyphs.full * cells
    bar = Text().append(drawn.rjust(scale.left) if points < 0 else " " * scale.left, style=colour)
    return bar.append(glyphs.axis, style="dim").append(drawn if points > 0 else "", style=colour)
