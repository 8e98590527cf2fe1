"""Two rule sets side by side as a person reads it: the draft of the changelog, and for each joint who goes where."""

from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table

from app.rule_sets.changelog import draft_changelog, tell_points
from app.rule_sets.changes import Json
from app.terminal.page import print_parts, say

_POINTS_SHOWN: Final = 0.1


def print_comparison(comparison: Json, *, console: Console) -> None:
    """Prints what changes, a matrix of level moves for each joint, and the runners whose score moves most."""
    people = comparison["people"]
    parts: list[RenderableType] = [say(draft_changelog(comparison, width=console.width))]
    parts += [_matrix(joint, told["moves"]) for joint, told in people["joints"].items()]
    if people["largest_movers"]:
        parts.append(_movers(people["largest_movers"]))
    if people["refused"]:
        codes = ", ".join(f"{code}: {count}" for code, count in people["faults"].items())
        parts.append(say(f"{people['refused']} of {people['rows']} rows could not be scored ({codes})."))
    print_parts(parts, console=console)


def _matrix(joint: str, moves: dict[str, dict[str, int]]) -> Table:
    columns = list(next(iter(moves.values())))
    table = Table(
        box=None, pad_edge=False, header_style="bold", title=f"{joint}: before (rows) and after", title_justify="left"
    )
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    for was, row in moves.items():
        table.add_row(say(was, style="bold"), *(say(str(row[is_]) if row[is_] else "·") for is_ in columns))
    return table


def _movers(movers: list[Json]) -> Table:
    table = _table("whose score moves most")
    for column in ("row", "joint", "points", "by"):
        table.add_column(column)
    for mover in movers:
        because = ", ".join(
            f"{each['factor']} {tell_points(each['points'])}"
            for each in mover["because"][:3]
            if abs(each["points"]) >= 0.1
        )
        table.add_row(str(mover["row"]), mover["joint"], tell_points(mover["points"]), say(because))
    return table


def _table(title: str) -> Table:
    return Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left")
