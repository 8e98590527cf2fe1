"""YAML and JSON say one thing each, and everything that two readers could take differently is a fault with its place.

YAML is read as the 1.2 core schema without its traps: `no` and `2026-11-23` are texts, anchors, aliases, tags, octal
and hexadecimal numbers are refused. The parser is libyaml, which the wheels of PyYAML carry: the parser written in
Python needs twenty times as long, and where the two differ, a document must not depend on the machine.
"""

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, cast

import yaml
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

_TOO_MANY_VALUES: Final = f"A document holds at most {VALUES_MAX} values."
_NUMBER_CHARACTERS_MAX: Final = 40
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_OTHER_BASE: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
# Line breaks in YAML 1.1 and to libyaml, characters like any other in YAML 1.2 and JSON.
_FORMER_LINE_BREAK: Final = re.compile("[\x85\u2028\u2029]")
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


# Numbers and other scalars ----------------------------------------------------------------------------------------


class _LiteralError(ValueError):
    """A literal that no JSON number carries as it is written; every reader here turns it into a fault."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def _number(literal: str) -> int | float:
    """The number that a decimal literal spells, if its shortest form spells the same; without a fraction an `int`.

    >>> _number("1.10"), _number("35.0"), _number("-0.0"), _number("15e-1")
    (1.1, 35, 0, 1.5)
    """
    too_precise = _LiteralError("number-too-precise", "The number has more digits than a JSON number keeps.")
    if len(literal) > _NUMBER_CHARACTERS_MAX:
        raise too_precise
    number = int(literal) if literal.lstrip("+-").isdigit() else float(literal)
    if not abs(number) <= NUMBER_MAX:  # Not `>`: a NaN is neither.
        raise _LiteralError("number-out-of-range", f"A number is finite and at most {NUMBER_MAX}.")
    if number == 0:
        if literal.lower().partition("e")[0].strip("+-0."):
            raise too_precise
        return 0
    if Decimal(literal) != Decimal(repr(number)):
        raise too_precise
    return int(number) if number == int(number) else number


def _core_value(plain: str) -> JsonValue:
    """What the core schema of YAML 1.2 makes of an unquoted scalar.

    >>> [_core_value(plain) for plain in ("yes", "2026-11-23", "1_000", "1:30", "~", "True", "1e2")]
    ['yes', '2026-11-23', '1_000', '1:30', None, True, 100]
    """
    if plain in _NULLS:
        return None
    if plain in _BOOLEANS:
        return _BOOLEANS[plain]
    if _NUMBER.fullmatch(plain):
        return _number(plain)
    if _NOT_FINITE.fullmatch(plain):
        return _number(plain.replace(".", "", 1))
    if _OTHER_BASE.fullmatch(plain):
        # The core schema reads a number, YAML 1.1 another one or text: no reader of the page can be sure.
        raise _LiteralError("number-not-decimal", "Write the number in decimals, or quote it if it is text.")
    return plain


def _is_text(scalar: yaml.ScalarEvent) -> bool:
    try:
        return not scalar.implicit[0] or isinstance(_core_value(scalar.value), str)
    except _LiteralError:
        return False


# YAML -------------------------------------------------------------------------------------------------------------


def read_yaml(text: str) -> Reading:
    """Reads one YAML document.

    Raises:
        InvalidRuleSetError: with every fault so far, where the rest cannot be read for syntax, depth or their number.
    """
    former = _FORMER_LINE_BREAK.search(text)
    if former:
        line = text.count("\n", 0, former.start()) + 1
        detail = f"Line {line}: This character breaks the line for some readers only."
        raise InvalidRuleSetError([Fault("", "yaml-syntax", detail)])
    builder = _YamlBuilder()
    loader = yaml.CSafeLoader(text)
    try:
        # Events, not nodes: composing nodes recurses in C, and a megabyte of `[` would take the process down.
        while (event := loader.get_event()) is not None:
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        builder.fault("yaml-syntax", f"This is not YAML: {error.problem}.", mark=error.problem_mark)
    except yaml.reader.ReaderError as error:
        # What reads the characters knows no lines, only bytes, and of Unicode refuses nothing else.
        line = text.encode()[: error.position].count(b"\n") + 1
        builder.fault("yaml-syntax", f"Line {line}: The text holds a control character.")
    else:
        return Reading(builder.value, builder.faults, builder.root)
    raise InvalidRuleSetError(builder.faults)


@dataclass(slots=True)
class _Open:
    """A map or list whose end has not come yet; of a map, also the name that waits for its member."""

    token: str
    container: dict[str, JsonValue] | list[JsonValue]
    place: Place
    key: str | None = None
    key_place: Place | None = None

    def due(self) -> str | None:
        """The name or index of the next node inside; `None` where that node is itself a name."""
        return str(len(self.container)) if isinstance(self.container, list) else self.key


class _YamlBuilder:
    """Makes the value from parser events, on a stack of its own, and notes where each node stands."""

    def __init__(self) -> None:
        self.value: JsonValue = None
        self.root: Place | None = None
        self.faults: list[Fault] = []
        self._open: list[_Open] = []
        self._documents_count = 0
        self._values_count = 0

    def fault(self, code: str, detail: str, *, mark: Any = None, token: str | None = None) -> None:
        """Notes a fault in the innermost open map or list, or at one of its members; too many end the reading."""
        inner = [part.token for part in self._open[1:]] + ([] if token is None else [token])
        self.faults.append(Fault("".join(map(pointer_token, inner)), code, _line_and_column(mark) + detail))
        if len(self.faults) >= FAULTS_MAX:
            raise InvalidRuleSetError(self.faults)

    def take(self, event: yaml.Event) -> None:
        """Takes one step; that maps and lists are balanced is the parser's promise."""
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(event)
            case yaml.ScalarEvent():
                self._take_scalar(event)
            case yaml.SequenceStartEvent():
                self._take_start(event, [])
            case yaml.MappingStartEvent():
                self._take_start(event, {})
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._open.pop()
            case yaml.AliasEvent():
                self.fault("yaml-alias", "Aliases are refused; repeat it.", mark=event.start_mark, token=self._due())
                self._put(None, event)
            case _:
                pass  # The ends of the document and of the stream bring nothing.

    def _due(self) -> str | None:
        return self._open[-1].due() if self._open else None

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents_count += 1
        if self._documents_count > 1:
            self.fault("more-than-one-document", "A file holds one document.", mark=event.start_mark)
            raise InvalidRuleSetError(self.faults)
        if event.tags or event.version not in {None, (1, 2)}:
            self.fault("yaml-directive", "Directives are refused; this is YAML 1.2.", mark=event.start_mark)

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        self._check_properties(event)
        if self._open and self._open[-1].due() is None:
            self._take_key(event)
            return
        value: JsonValue = event.value
        if event.implicit[0]:  # unquoted
            try:
                value = _core_value(event.value)
            except _LiteralError as error:
                self.fault(error.code, error.detail, mark=event.start_mark, token=self._due())
                value = None
        self._put(value, event)

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        parent = self._open[-1]
        parent.key, parent.key_place = event.value, _place_of(event)
        if not _is_text(event):
            detail = "A member's name is text; quote it."
            self.fault("key-not-text", detail, mark=event.start_mark, token=parent.key)
        if event.value in parent.container:
            detail = f"This member stands here twice, first on line {parent.place.inside[event.value].line}."
            self.fault("duplicate-key", detail, mark=event.start_mark, token=parent.key)

    def _take_start(self, event: yaml.CollectionStartEvent, container: dict[str, JsonValue] | list[JsonValue]) -> None:
        self._check_properties(event)
        token = self._due()
        if len(self._open) == DEPTH_MAX:
            self.fault("too-deep", TOO_DEEP, mark=event.start_mark, token=token)
            raise InvalidRuleSetError(self.faults)
        place = self._put(container, event)
        self._open.append(_Open("?" if token is None else token, container, place))

    def _check_properties(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self.fault("yaml-anchor", "Anchors are refused.", mark=event.start_mark, token=self._due())
        if event.tag is not None:
            self.fault("yaml-tag", "Tags are refused.", mark=event.start_mark, token=self._due())

    def _put(self, value: JsonValue, event: yaml.NodeEvent) -> Place:
        """Puts a node where it belongs. Of two members with one name the first stays; that fault is noted already."""
        place = _place_of(event)
        self._values_count += 1
        if self._values_count > VALUES_MAX:
            self.fault("too-many-values", _TOO_MANY_VALUES, mark=event.start_mark)
            raise InvalidRuleSetError(self.faults)
        if not self._open:
            self.value, self.root = value, place
            return place
        parent = self._open[-1]
        token = parent.due()
        if token is None:
            self.fault("key-not-text", "A member's name is text, no map, list or alias.", mark=event.start_mark)
            parent.key, parent.key_place = "?", place
            return place
        if isinstance(parent.container, list):
            parent.container.append(value)
        else:
            # People look for a member where its name stands.
            place = parent.key_place or place
            parent.container.setdefault(token, value)
            parent.key = None
        parent.place.inside.setdefault(token, place)
        return place


def _place_of(event: yaml.NodeEvent) -> Place:
    mark: Any = event.start_mark  # optional by its type, but what comes from a parser has it
    return Place(mark.line + 1, mark.column + 1)


def _line_and_column(mark: Any) -> str:
    return "" if mark is None else f"Line {mark.line + 1}, column {mark.column + 1}: "


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
        raise InvalidRuleSetError([Fault("", "too-many-values", _TOO_MANY_VALUES)])
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
            return _number(written)
        except _LiteralError as error:
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
