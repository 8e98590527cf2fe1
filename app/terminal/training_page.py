"""What training files hold, drawn for a runner to read: weeks as a table, their distances as a line, every doubt."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final, Literal

from rich.console import Console, RenderableType
from rich.table import Table

from app.terminal import words
from app.terminal.page import bullet, glyphs_of, indent, print_parts, say

WEEKS_MOST: Final = 16
FINDINGS_MOST: Final = 12
FILES_MOST: Final = 3
_SPARKS: Final = "▁▂▃▄▅▆▇█"
_LETTERS: Final = "_.-=+*%#"

Answer = Mapping[str, Any]
Extent = Literal["most", "all"]


def print_training(answer: Answer, *, console: Console, extent: Extent = "most") -> None:
    """Prints the answer of an import.

    Args:
        answer: as `POST /v1/training:import` gives it.
        console: see `open_console`.
        extent: the last weeks and the first doubts, or all.
    """
    print_parts(list(_draw(answer, console, extent)), console=console)


def sparkline(metres: list[float], *, marks: str = _SPARKS) -> str:
    """One mark a week, the higher the further; a week without a run is a blank.

    >>> sparkline([0, 10_000, 20_000, 40_000])
    ' ▂▄█'
    """
    most = max(metres, default=0)
    levels = (0 if not each else max(1, -int(-each * len(marks) // most)) for each in metres)
    return "".join(" " if not level else marks[level - 1] for level in levels)


def _draw(answer: Answer, console: Console, extent: Extent) -> Iterator[RenderableType]:
    weeks = answer["weeks"]
    shown = weeks if extent == "all" else weeks[-WEEKS_MOST:]
    counted = sum(activity["counted"] for activity in answer["activities"])
    others = len(answer["activities"]) - counted
    beside = _count(others, "other activity", "other activities")
    yield say(f"{_count(counted, 'run')}, and {beside} that do not count as one.", style="bold")
    yield ""
    if shown:
        is_utf = console.encoding.startswith("utf")
        line = sparkline([week["distance_m"] for week in shown], marks=_SPARKS if is_utf else _LETTERS)
        yield say("WEEK BY WEEK", style="bold")
        yield indent(_draw_weeks(shown))
        yield ""
        yield indent(say(f"{line}  {words.day(shown[0]['from'])} to {words.day(shown[-1]['to'])}"))
        yield ""
        if len(shown) < len(weeks):
            yield indent(say(f"And {_count(len(weeks) - len(shown), 'week')} before: --all shows them.", style="dim"))
            yield ""
    hours = answer["other_sport_hours_per_week"]
    if hours is not None:
        yield say(f"Other sport: {words.plain_number(hours)} h a week over the last four weeks.")
        yield ""
    yield from _draw_findings(answer, console, extent)


def _draw_weeks(weeks: list[Mapping[str, Any]]) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("week of", "runs", "distance", "time", "longest"):
        table.add_column(say(heading, style="dim"), justify="left" if heading == "week of" else "right")
    for week in weeks:
        missing = "+" if week["runs_without_distance"] else ""
        table.add_row(
            say(f"{date.fromisoformat(week['from']):%d %b %Y}"),
            say(str(week["runs"])),
            say(f"{words.distance(week['distance_m'])}{missing}" if week["runs"] else "–"),
            say(_clock(week["duration_s"]) if week["duration_s"] else "–"),
            say(words.distance(week["longest_m"]) if week["longest_m"] else "–"),
        )
    return table


def _draw_findings(answer: Answer, console: Console, extent: Extent) -> Iterator[RenderableType]:
    findings = answer["findings"]
    if not findings:
        return
    shown = findings if extent == "all" else findings[:FINDINGS_MOST]
    yield say("DOUBTS", style="bold")
    for found in shown:
        is_warning = found["severity"] == "warning"
        text = say(found["message"]).append_text(say(_tell_files(found), style="dim"))
        mark, style = ("!", "bold yellow") if is_warning else (glyphs_of(console).bullet, "")
        yield indent(bullet(text, mark, style=style))
    left = len(findings) - len(shown) + answer["findings_left_out"]
    if left:
        yield indent(say(f"And {left} more: --all shows them, --json for machines.", style="dim"))
    yield ""


def _tell_files(found: Mapping[str, Any]) -> str:
    """The first files that a finding is about, and how many things it tells of."""
    files = [*([found["source"]] if found["source"] else []), *found["others"]]
    named = ", ".join([*files[:FILES_MOST], *(["…"] if len(files) > FILES_MOST else [])])
    times = f"{found['count']} times" if found["count"] > 1 else ""
    told = ": ".join(part for part in (times, named) if part)
    return f" ({told})" if told else ""


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _clock(seconds: float) -> str:
    """Hours and minutes.

    >>> _clock(3_725)
    '1:02 h'
    """
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02} h"
