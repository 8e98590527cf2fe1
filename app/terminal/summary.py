"""An answer drawn for a runner to read, in 80 columns or fewer, with colour or without.

It works from the JSON of the answer alone, so a score of this machine and one of a service far away look the same.
Where a referral asks for care now or soon, nothing else is drawn but that. What colour says is said by sign, side or
word too.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table

from app.terminal import words
from app.terminal.joints import draw_joint, drawn_contributions, scale_of
from app.terminal.page import Glyphs, bullet, glyphs_of, indent, print_parts, say

ALONE: Final = ("emergency", "prompt")
"""Urgencies beside which nothing else is drawn."""
ADVICE_MOST: Final = 8
"""How many advices a summary holds; those that send a runner to somebody come on top of it."""

_REFERRALS: Final = {
    "emergency": ("Now, before anything else", "bold red"),
    "prompt": ("Soon, and before you run again", "bold yellow"),
    "routine": ("Worth asking somebody", "bold cyan"),
}

Answer = Mapping[str, Any]
Extent = Literal["most", "all"]


def print_summary(answer: Answer, *, console: Console, advice: Extent = "most") -> None:
    """Prints an answer of `POST /v1/scores` in its full size as a page for the runner.

    Args:
        answer: as parsed from JSON.
        console: see `open_console`; its width and its encoding decide how the page is drawn.
        advice: the most useful, or all that there is.
    """
    parts = list(_draw_page(answer, width=console.width, glyphs=glyphs_of(console), advice=advice))
    print_parts(parts, console=console)


def _draw_page(answer: Answer, *, width: int, glyphs: Glyphs, advice: Extent) -> Iterator[RenderableType]:
    referral = answer["referral"]
    if referral["reasons"]:
        yield _draw_referral(referral)
        yield ""
    if referral["urgency"] not in ALONE:
        yield from _draw_assessment(answer, width=width, glyphs=glyphs, advice=advice)
    yield say(answer["notice"], style="italic")
    yield ""
    rules, least = answer["rule_set"], answer["receipt"]["min_evidence"]
    narrowed = f" without evidence below {words.name(least)}" if least else ""
    text = f"Rules {rules['version']}{narrowed} ({rules['digest'][:19]}), for {words.day(answer['as_of'])}."
    yield say(text, style="dim")


def _draw_referral(referral: Mapping[str, Any]) -> RenderableType:
    title, style = _REFERRALS.get(referral["urgency"], _REFERRALS["routine"])
    reasons: list[RenderableType] = []
    for reason in referral["reasons"]:
        reasons += [say(reason["text"]), say(reason["action"], style="bold"), ""]
    return Panel(Group(*reasons[:-1]), title=say(title, style=style), title_align="left", border_style=style)


def _draw_assessment(answer: Answer, *, width: int, glyphs: Glyphs, advice: Extent) -> Iterator[RenderableType]:
    summary = answer["summary"]
    if not answer["referral"]["reasons"]:
        yield say(summary["headline"], style="bold")
        yield ""
    doubts = list(_draw_section("Doubts", _draw_doubts(answer, glyphs)))
    if summary["score"] is None:  # then why comes before everything else
        yield from doubts
    scale = scale_of(answer["joints"].values(), width=width)
    for id, joint in answer["joints"].items():
        yield from draw_joint(
            id, joint, compared_with=summary["compared_with"], scale=scale, width=width, glyphs=glyphs
        )
    yield from _draw_section("What to do, most points first", _draw_advice(answer, advice))
    yield from _draw_section("The next run", _draw_next_run(answer))
    yield from _draw_section("What running does for health", _draw_benefits(answer, glyphs))
    yield from _draw_section("The one answer that would help most", _draw_question(answer))
    if summary["score"] is not None:
        yield from doubts
    yield from _draw_section("Sources of the points", _draw_sources(answer))


def _draw_section(heading: str, parts: Iterable[RenderableType]) -> Iterator[RenderableType]:
    """A heading with what stands under it; one with nothing under it is left out."""
    body = [indent(part) for part in parts]
    if body:
        yield from (say(heading.upper(), style="bold"), *body, "")


def _draw_advice(answer: Answer, extent: Extent) -> Iterator[RenderableType]:
    given = answer["advice"]
    shown = [
        advice
        for place, advice in enumerate(given)
        if extent == "all" or place < ADVICE_MOST or advice["category"] == "professional"
    ]
    if not shown:
        return
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(justify="right")
    table.add_column(ratio=1)
    for number, advice in enumerate(shown, start=1):
        similar = _tell_similar_runner(answer, advice)
        named = words.listed(_short_sources(answer, advice["sources"]))
        rests_on = words.titled(words.strength(advice["evidence"], basis=advice["basis"]))
        support = say(f"{rests_on}: {named}." if named else f"{rests_on}.", style="dim")
        lines = [say(advice["text"]), *([say(similar, style="green")] if similar else []), support]
        table.add_row(say(f"{number}."), Group(*lines))
    yield table
    left_out = [words.name(advice["category"]) for advice in given if advice not in shown]
    if left_out:
        about = words.listed(f"{left_out.count(category)} on {category}" for category in dict.fromkeys(left_out))
        yield say(f"And {about}: --all shows them.", style="dim")


def _tell_similar_runner(answer: Answer, advice: Mapping[str, Any]) -> str:
    """What a runner like this one but for the habit scores, where that is another number."""
    scores = []
    for joint, score in (advice["similar_runner_score"] or {}).items():
        own = answer["joints"][joint]["score"]
        if score != own:
            scores.append(f"{words.name(joint)} {score} instead of {own}")
    return f"A runner like you but for this: {', '.join(scores)}." if scores else ""


def _draw_next_run(answer: Answer) -> Iterator[RenderableType]:
    next_run = answer["next_run"]
    if next_run is None:
        return
    longest, planned = next_run["longest_in_reference_m"], next_run["planned_m"]
    if longest is None:
        yield say("No length can be named for it from what is known.")
    else:
        yield say(
            f"{words.distance(longest)} is the longest run inside the range that was not linked with more injuries."
        )
    if planned is not None:
        within = next_run["within_reference"]
        if within is not None:
            yield say(f"The planned {words.distance(planned)} is {'inside' if within else 'outside'} that range.")
        scores = [f"{words.name(id)} {score}" for id, score in next_run["scores_if_run"].items() if score is not None]
        if scores:
            yield say(f"If {'it' if within is not None else 'the planned run'} is run: {', '.join(scores)}.")


def _draw_benefits(answer: Answer, glyphs: Glyphs) -> Iterator[RenderableType]:
    for benefit in answer["benefits"]:
        named = words.listed(_short_sources(answer, benefit["sources"]))
        yield bullet(say(benefit["text"]).append_text(say(f" ({named})", style="dim")), glyphs.bullet)


def _draw_question(answer: Answer) -> Iterator[RenderableType]:
    asked = answer["ask_next"]
    if asked is not None:
        yield say(words.question(asked["field"]))
        narrows = [f"of the {words.name(joint)} by {points}" for joint, points in asked["narrows"].items() if points]
        by = f" It could narrow the range {words.listed(narrows)} points." if narrows else ""
        yield say(f"In the request: {asked['field']}.{by}", style="dim")


def _draw_doubts(answer: Answer, glyphs: Glyphs) -> Iterator[RenderableType]:
    for finding in sorted(answer["findings"], key=lambda finding: finding["severity"] != "warning"):
        text = say(finding["message"]).append_text(say(f" ({finding['pointer']})", style="dim"))
        is_warning = finding["severity"] == "warning"
        yield bullet(text, "!" if is_warning else glyphs.bullet, style="bold yellow" if is_warning else "")
    if not answer["referral"]["screened"]:
        text = say("The warning signs of knee and lower back were not all asked, so none of them is ruled out.")
        yield bullet(text.append_text(say(" (symptoms)", style="dim")), glyphs.bullet)
    if answer["weak_evidence_share"] and answer["summary"]["score"] is not None:
        weak = words.share(answer["weak_evidence_share"])
        yield bullet(say(f"{weak} of the points rest on very low evidence."), glyphs.bullet)


def _draw_sources(answer: Answer) -> Iterator[RenderableType]:
    drawn = (told for joint in answer["joints"].values() for told in drawn_contributions(joint))
    named = _short_sources(answer, (id for told in drawn for id in told["sources"]))
    if named:
        yield say(f"{', '.join(named)}. Whole citations: --json.", style="dim")


def _short_sources(answer: Answer, ids: Iterable[str]) -> list[str]:
    cited = (answer["sources"][id]["citation"] for id in ids if id in answer["sources"])
    return list(dict.fromkeys(words.short_source(citation) for citation in cited))
