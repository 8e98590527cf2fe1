"""YAML says one thing, and everything that two readers could take differently is a fault with its place.

It is read as the 1.2 core schema without its traps: `no` and `2026-11-23` are texts, anchors, aliases, tags, octal and
hexadecimal numbers are refused. The parser is libyaml, which the wheels of PyYAML carry: the parser written in Python
needs twenty times as long, and where the two differ, a document must not depend on the machine.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml
from pydantic import JsonValue

from app.errors import Fault, InvalidRuleSetError
from app.rule_sets.syntax import (
    DEPTH_MAX,
    FAULTS_MAX,
    TOO_DEEP,
    TOO_MANY_VALUES,
    VALUES_MAX,
    Place,
    Reading,
    UnfitLiteralError,
    pointer_token,
    read_number,
)

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_OTHER_BASE: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
# Line breaks in YAML 1.1 and to libyaml, characters like any other in YAML 1.2 and JSON.
_FORMER_LINE_BREAK: Final = re.compile("[\x85\u2028\u2029]")


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
        return read_number(plain)
    if _NOT_FINITE.fullmatch(plain):
        return read_number(plain.replace(".", "", 1))
    if _OTHER_BASE.fullmatch(plain):
        # The core schema reads a number, YAML 1.1 another one or text: no reader of the page can be sure.
        raise UnfitLiteralError("number-not-decimal", "Write the number in decimals, or quote it if it is text.")
    return plain


def _is_text(scalar: yaml.ScalarEvent) -> bool:
    try:
        return not scalar.implicit[0] or isinstance(_core_value(scalar.value), str)
    except UnfitLiteralError:
        return False


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
            except UnfitLiteralError as error:
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
            self.fault("too-many-values", TOO_MANY_VALUES, mark=event.start_mark)
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
