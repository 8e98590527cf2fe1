"""JSON says one thing, and everything that two readers could take differently is a fault with its place.

What it shares with `yaml_syntax.py` (bounds, places, numbers) stands here too: a service reads JSON at its start, and
YAML when somebody writes rules.
"""

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, cast

from pydantic import JsonValue

from app.errors import Fault, InvalidRuleSetError

DEPTH_MAX: Final = 32
# From here on a list of faults helps nobody, and a hostile document could make it very long.
FAULTS_MAX: Final = 1_000
KEY_CHARACTERS_MAX: Final = 128
# As many as a megabyte of rules holds; a megabyte of commas holds ten times as many.
VALUES_MAX: Final = 50_000
# Whole numbers up to here are exact in every JSON reader (RFC 8785 goes by IEEE 754 doubles).
NUMBER_MAX: Final = 2**53 - 1
TOO_DEEP: Final = f"Maps and lists nest at most {DEPTH_MAX} deep."

TOO_MANY_VALUES: Final = f"A document holds at most {VALUES_MAX} values."
_NUMBER_CHARACTERS_MAX: Final = 40
_JSON_NESTING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


@dataclass(slots=True)
class Place:
    """Where a node of a YAML document stands, and where the nodes inside it do, by member name or index."""

    line: int
    column: int
    inside: dict[str, "Place"] = field(default_factory=dict)

    def nearest(self, pointer: str) -> "Place":
        """The place that a JSON Pointer names or, where there is nothing, the innermost part that should hold it."""
        place = self
        for token in pointer.split("/")[1:]:
            inside = place.inside.get(token.replace("~1", "/").replace("~0", "~"))
            if inside is None:
                return place
            place = inside
        return place


@dataclass(slots=True)
class Reading:
    """What stands in a text as far as it can be understood, what is wrong with it, and (of YAML) where it stands."""

    value: JsonValue
    faults: list[Fault]
    root: Place | None = None


def pointer_token(name: str) -> str:
    """One step of a JSON Pointer (RFC 6901); a long name is cut, because it is a fault by itself.

    >>> pointer_token("a/b")
    '/a~1b'
    """
    cut = name[:KEY_CHARACTERS_MAX].encode(errors="replace").decode()
    return "/" + cut.replace("~", "~0").replace("/", "~1")


# Numbers ----------------------------------------------------------------------------------------------------------


class UnfitLiteralError(ValueError):
    """A literal that no JSON number carries as it is written; both readers turn it into a fault."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def read_number(literal: str) -> int | float:
    """The number that a decimal literal spells, if its shortest form spells the same; without a fraction an `int`.

    >>> read_number("1.10"), read_number("35.0"), read_number("-0.0"), read_number("15e-1")
    (1.1, 35, 0, 1.5)
    """
    too_precise = UnfitLiteralError("number-too-precise", "The number has more digits than a JSON number keeps.")
    if len(literal) > _NUMBER_CHARACTERS_MAX:
        raise too_precise
    number = int(literal) if literal.lstrip("+-").isdigit() else float(literal)
    if not abs(number) <= NUMBER_MAX:  # Not `>`: a NaN is neither.
        raise UnfitLiteralError("number-out-of-range", f"A number is finite and at most {NUMBER_MAX}.")
    if number == 0:
        if literal.lower().partition("e")[0].strip("+-0."):
            raise too_precise
        return 0
    if Decimal(literal) != Decimal(repr(number)):
        raise too_precise
    return int(number) if number == int(number) else number


# JSON -------------------------------------------------------------------------------------------------------------


class _Members(list[tuple[str, Any]]):
    """A JSON object as it is written, with members that stand twice."""


class _Literal(str):
    """A JSON number as it is written."""

    __slots__ = ()


def read_json(text: str) -> Reading:
    """Reads one JSON text.

    Raises:
        InvalidRuleSetError: with every fault so far, where the rest cannot be read for syntax, depth or their number.
    """
    _ensure_shallow(text)
    try:
        written = json.loads(
            text, object_pairs_hook=_Members, parse_int=_Literal, parse_float=_Literal, parse_constant=_Literal
        )
    except json.JSONDecodeError as error:
        where = f"Line {error.lineno}, column {error.colno}"
        raise InvalidRuleSetError([Fault("", "json-syntax", f"{where}: This is not JSON: {error.msg}.")]) from error
    if _count_of(written) > VALUES_MAX:
        raise InvalidRuleSetError([Fault("", "too-many-values", TOO_MANY_VALUES)])
    faults: list[Fault] = []
    return Reading(_plain(written, pointer="", faults=faults), faults)


def _ensure_shallow(text: str) -> None:
    """Python's JSON parser recurses, so depth is counted before it sees the text."""
    depth = 0
    for match in _JSON_NESTING.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if depth > DEPTH_MAX:
            line = text.count("\n", 0, match.start()) + 1
            raise InvalidRuleSetError([Fault("", "too-deep", f"Line {line}: {TOO_DEEP}")])


def _count_of(written: Any) -> int:
    """Members, parts and the whole; a name and its member count as one."""
    inside = (member for _, member in written) if isinstance(written, _Members) else written
    return 1 + (sum(map(_count_of, inside)) if isinstance(written, list) else 0)


def _plain(written: Any, *, pointer: str, faults: list[Fault]) -> JsonValue:
    """Numbers become numbers and members a dict; the recursion is as deep as the text, which is shallow."""
    if len(faults) >= FAULTS_MAX:
        raise InvalidRuleSetError(faults)
    if isinstance(written, _Literal):
        try:
            return read_number(written)
        except UnfitLiteralError as error:
            faults.append(Fault(pointer, error.code, error.detail))
            return None
    if isinstance(written, _Members):
        members: dict[str, JsonValue] = {}
        for name, member in written:
            inner = pointer + pointer_token(name)
            if name in members:
                faults.append(Fault(inner, "duplicate-key", "This member stands here twice."))
            members.setdefault(name, _plain(member, pointer=inner, faults=faults))
        return members
    if isinstance(written, list):
        return [_plain(part, pointer=f"{pointer}/{index}", faults=faults) for index, part in enumerate(written)]
    return cast("JsonValue", written)
