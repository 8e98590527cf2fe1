"""How numbers and texts are written in an answer: as RFC 8785 wants them (12.5, not 12.50; 3, not 3.0).

The `codes` answer can then be joined in canonical form and digested without a second serialisation.
"""

import json
from functools import lru_cache

from app.features import Reading

_KEPT_MAX = 65_536
_hundredths: dict[int, str] = {}
_numbers: dict[float, str] = {}


@lru_cache(maxsize=4_096)
def quote(text: str) -> str:
    """A JSON string, escaped as RFC 8785 asks; kept, because the texts of a rule set recur."""
    return json.dumps(text, ensure_ascii=False)


def quote_or_null(text: str | None) -> str:
    """A JSON string, or null."""
    return "null" if text is None else quote(text)


def write_number(number: float) -> str:
    """A number with at most two decimals and no needless zero.

    >>> write_number(1.5), write_number(2.0), write_number(0.005)
    ('1.5', '2', '0.01')
    """
    written = _numbers.get(number)
    if written is None:
        rounded = round(number, 2)
        written = str(int(rounded)) if rounded.is_integer() else repr(rounded)
        if len(_numbers) < _KEPT_MAX:
            _numbers[number] = written
    return written


def write_hundredths(hundredths: int) -> str:
    """Hundredths as a decimal number.

    >>> write_hundredths(1254), write_hundredths(-50), write_hundredths(0)
    ('12.54', '-0.5', '0')
    """
    written = _hundredths.get(hundredths)
    if written is None:
        whole, rest = divmod(abs(hundredths), 100)
        decimals = f".{rest:02d}".rstrip("0") if rest else ""
        written = f"{'-' if hundredths < 0 else ''}{whole}{decimals}"
        if len(_hundredths) < _KEPT_MAX:
            _hundredths[hundredths] = written
    return written


def write_thousandths(thousandths: int) -> str:
    """Thousandths (millimetres, say) as a decimal number of the unit.

    >>> write_thousandths(26_000_000), write_thousandths(1_250)
    ('26000', '1.25')
    """
    whole, rest = divmod(thousandths, 1000)
    return f"{whole}{f'.{rest:03d}'.rstrip('0') if rest else ''}"


def write_reading(reading: Reading) -> str:
    """The members `number` and `choice` of a contribution; at most one of them is not null.

    >>> write_reading((15, 10)), write_reading("weak"), write_reading((1, 0))
    ('"number":1.5,"choice":null', '"number":null,"choice":"weak"', '"number":null,"choice":null')
    """
    if isinstance(reading, tuple) and reading[1]:
        number = round(reading[0] / reading[1], 4)
        return f'"number":{int(number) if number.is_integer() else number},"choice":null'
    if isinstance(reading, str):
        return f'"number":null,"choice":"{reading}"'
    return '"number":null,"choice":null'
