"""Dates as the exports of a dozen languages write them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from app.readers.quantities import FIRST_YEAR, moment_of_text

_MONTHS: Final = tuple(
    names.split()
    for names in (
        "january januar jänner janvier enero gennaio januari janeiro styczeń stycznia",
        "february februar février fevrier febrero febbraio februari fevereiro luty lutego",
        "march märz maerz mars marzo maart março marco mrt mrz marzec marca",
        "april avril abril aprile kwiecień kwietnia",
        "may mai mayo maggio mei maio maj",
        "june juni juin junio giugno junho czerwiec czerwca",
        "july juli juillet julio luglio julho lipiec lipca",
        "august août aout agosto augustus augusti sierpień sierpnia",
        "september septembre septiembre settembre setembro wrzesień września",
        "october oktober octobre octubre ottobre outubro październik października",
        "november novembre noviembre novembro listopad listopada",
        "december dezember décembre decembre diciembre dicembre dezembro desember grudzień grudnia",
    )
)
_MERIDIEM: Final = re.compile(r"\b([ap])\.?\s?m\b\.?", re.IGNORECASE)
_TIME: Final = re.compile(r"(\d{1,2})[:.h](\d{2})(?:[:.](\d{2}))?(?:[.,]\d+)?\s*$")
_NUMBERS: Final = re.compile(r"(\d{1,4})\s?[./-]\s?(\d{1,2})\s?[./-]\s?(\d{1,4})")
_WORDED: Final = re.compile(r"\d{1,4}|[^\W\d_]+")
_LONGEST: Final = 60
_LITTLE: Final = frozenset({"de", "of", "à", "at", "um", "om", "kl", "alle", "ore", "las", "às", "uhr", "den"})

Order = str
"""Which of day and month stands first in `07/04/2020`: 'dmy', 'mdy', or '' where nothing says."""


def _month(word: str) -> int | None:
    """The month that a word, or the beginning of one, means in any of the languages; None where that is not sure."""
    if len(word) < 3:
        return None
    found = {number for number, names in enumerate(_MONTHS, start=1) for name in names if name.startswith(word)}
    return found.pop() if len(found) == 1 else None


def day_order(cells: Iterable[str]) -> Order:
    """Which order the dates of a column are in, from those that leave no choice.

    >>> day_order(["07/04/2020 15:36", "25/04/2020 15:36"]), day_order(["7/4/2020 3:36 PM"]), day_order(["07/04/2020"])
    ('dmy', 'mdy', '')
    """
    guess = ""
    for cell in cells:
        found = _NUMBERS.search(cell[:_LONGEST])
        if found is None or len(found[1]) > 2:
            continue
        if int(found[1]) > 12:
            return "dmy"
        if int(found[2]) > 12:
            return "mdy"
        if "." in found[0] or "-" in found[0]:
            # Dots and hyphens are never written month first.
            guess = "dmy"
        elif _MERIDIEM.search(cell[:_LONGEST]) and not guess:
            guess = "mdy"
    return guess


def moment_of_cell(told: str, *, order: Order) -> datetime | None:
    """The moment or clock that a cell shows, naive but where it tells its offset; None for what is no date.

    >>> moment_of_cell("Sep 20, 2026, 2:12:12 PM", order="")
    datetime.datetime(2026, 9, 20, 14, 12, 12)
    >>> moment_of_cell("9 mei 2026, 00:03:01", order="").month, moment_of_cell("25 de out. de 2020 11:33", order="").day
    (5, 25)
    >>> moment_of_cell("21.07.2026, 15:09:27", order="dmy").day, moment_of_cell("7/4/2020 15:36", order="mdy").month
    (21, 7)
    >>> moment_of_cell("7/4/2020 15:36", order=""), moment_of_cell("--", order="")
    (None, None)
    """
    text = told[:_LONGEST].replace("\u202f", " ").replace("\u00a0", " ").strip()
    moment = moment_of_text(text)
    if moment is not None:
        return moment
    meridiem = _MERIDIEM.search(text)
    rest = _MERIDIEM.sub("", text).strip(" ,")
    time = _TIME.search(rest)
    hour, minute, second = (int(part or 0) for part in time.groups()) if time else (0, 0, 0)
    if meridiem is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if meridiem[1].lower() == "p" else 0)
    day = _date(rest[: time.start()] if time else rest, order=order)
    if day is None or not FIRST_YEAR <= day[0] < FIRST_YEAR + 100:
        return None
    try:
        return datetime(*day, hour, minute, second, tzinfo=UTC).replace(tzinfo=None)
    except ValueError:
        return None


def _date(text: str, *, order: Order) -> tuple[int, int, int] | None:
    """Year, month and day."""
    found = _NUMBERS.search(text)
    if found is not None:
        first, middle, last = int(found[1]), int(found[2]), int(found[3])
        if len(found[1]) == 4:
            return first, middle, last
        return {"dmy": (_year(last), middle, first), "mdy": (_year(last), first, middle)}.get(order)
    words = [word for word in _WORDED.findall(text.casefold()) if word not in _LITTLE]
    numbers = [int(word) for word in words if word.isdecimal()]
    months = [month for word in words if not word.isdecimal() and (month := _month(word)) is not None]
    if len(numbers) != 2 or not months:
        return None
    day, year = sorted(numbers)
    return _year(year), months[-1], day


def _year(told: int) -> int:
    return told + FIRST_YEAR if told < 100 else told
