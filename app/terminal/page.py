"""What a page in a terminal is made of: text without control characters, indents, bullets, glyphs.

Glyphs come in two sets, because not every terminal and pipe speaks UTF-8.
"""

import re
import sys
from typing import Final, Literal, NamedTuple

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDTH_MOST: Final = 100
# A terminal obeys control characters, so none is passed on, wherever a text came from.
_CONTROLS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class Glyphs(NamedTuple):
    """What bars and scales are drawn with."""

    full: str
    half_right: str
    half_left: str
    unknown: str
    axis: str
    line: str
    span: str
    score: str
    average: str
    bullet: str


BLOCKS: Final = Glyphs("█", "▌", "▐", "░", "│", "─", "━", "●", "┼", "•")
LETTERS: Final = Glyphs("#", "#", "#", ".", "|", "-", "=", "O", "+", "*")


def open_console(*, colour: Literal["auto", "never"] = "auto") -> Console:
    """Standard output as a console: colours only where a terminal shows them and nobody has asked for none."""
    console = Console(
        file=sys.stdout, no_color=True if colour == "never" else None, highlight=False, markup=False, emoji=False
    )
    console.width = min(console.width, WIDTH_MOST)
    return console


def glyphs_of(console: Console) -> Glyphs:
    """The glyphs that a console can show."""
    return BLOCKS if console.encoding.startswith("utf") else LETTERS


def print_parts(parts: list[RenderableType], *, console: Console) -> None:
    """Prints the parts of a page, and leaves no blanks at the ends of its lines for a file to keep."""
    with console.capture() as page:
        for part in parts:
            console.print(part)
    text = page.get().encode(console.encoding, errors="replace").decode(console.encoding)
    console.file.writelines(f"{line.rstrip()}\n" for line in text.splitlines())


def say(text: str, *, style: str = "") -> Text:
    """A text of an answer, fit for a terminal."""
    return Text(_CONTROLS.sub(" ", text), style=style)


def indent(part: RenderableType) -> RenderableType:
    """A part of a page under its heading."""
    return Padding(part, (0, 0, 0, 2))


def bullet(text: Text, mark: str, *, style: str = "") -> RenderableType:
    """A text that hangs beside its mark."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(say(mark, style=style), text)
    return table
