"""A rule-set document means the same to a person, in YAML and in JSON, or it is refused.

Bytes become rules in three steps: `read_document` (nothing ambiguous), `check_document` (the model, and what the parts
say of each other), `canonical_bytes` (RFC 8785, the form that is digested and stored). Each step collects its faults
and raises once.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from importlib import resources
from itertools import islice
from typing import Any, Final, Literal, cast

import rfc8785
from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails

from app.errors import Fault, InvalidRuleSetError, UnknownRuleSetError
from app.rule_sets.syntax import (
    DEPTH_MAX,
    FAULTS_MAX,
    KEY_CHARACTERS_MAX,
    NUMBER_MAX,
    TOO_DEEP,
    Place,
    Reading,
    pointer_token,
    read_json,
)
from app.scoring.coherence import document_faults
from app.scoring.rule_set import RuleSetDocument

DOCUMENT_BYTES_MAX: Final = 1_048_576
# The model cannot stop early, and naming each fault of a megabyte of `{}` takes a minute and gigabytes.
MODEL_FAULTS_MAX: Final = 10_000

_VERSION: Final = re.compile(r"[0-9]{4}\.[0-9]{1,9}")
# PostgreSQL keeps no U+0000, a terminal obeys the other controls, two separators end a line for some readers only, and
# a lone surrogate is no character.
_NOT_PRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def _read_yaml(text: str) -> Reading:
    # Here: documents come out of the store as JSON, and a start does without what reads YAML.
    from app.rule_sets.yaml_syntax import read_yaml

    return read_yaml(text)


READERS: Final = {"application/yaml": _read_yaml, "application/json": read_json}


def read_document(raw: bytes, *, media_type: str) -> dict[str, JsonValue]:
    """Every way of writing that two readers could take differently is refused.

    Args:
        raw: the document as it came: UTF-8, with or without a byte order mark, at most 1 MiB.
        media_type: `application/yaml` or `application/json`; its parameters do not matter.

    Returns:
        The document in plain values; a number without a fraction is an `int`, however it was written.

    Raises:
        InvalidRuleSetError: with every fault; only one of syntax, size or depth ends the search.
    """
    document, reading = _read(raw, media_type=media_type)
    if reading.faults:
        raise InvalidRuleSetError(reading.faults)
    return document


def check_document(document: dict[str, JsonValue]) -> list[Fault]:
    """Names everything that keeps a document from being a rule set, by pointers into what its author wrote."""
    _, faults = validate_document(document)
    return faults


def ensure_some_rule_set(document: dict[str, JsonValue]) -> None:
    """A draft may lack most of a rule set, and holds some of it: what was meant for another address is not kept.

    Raises:
        InvalidRuleSetError: no member is one of a rule set, as in a runner that is sent to the wrong place.
    """
    if RuleSetDocument.model_fields.keys().isdisjoint(document):
        known = ", ".join(RuleSetDocument.model_fields)
        raise _refusal("no-rule-set", f"A rule set, finished or not, has at least one of these members: {known}.")


def authored_pointer(document: dict[str, JsonValue], pointer: str) -> str:
    """Where a place of the model lies in what the author wrote, who may use the short forms.

    >>> authored_pointer({"bands": [{"above": 1, "ratio": -1}]}, "/bands/0/effects/0/ratio")
    '/bands/0/ratio'
    """
    return _follow(document, pointer.split("/")[1:])[0]


def load_document(raw: bytes, *, media_type: str) -> RuleSetDocument:
    """Reads and checks in one go, and names the faults of both together; in YAML every one has its line.

    Raises:
        InvalidRuleSetError: with every fault of reading, and every fault of checking that does not follow from those.
    """
    document, reading = _read(raw, media_type=media_type)
    model, found = validate_document(document)
    misread = {fault.pointer for fault in reading.faults}
    faults = reading.faults + [_with_line(fault, reading.root) for fault in found if not _follows(fault, misread)]
    if faults or model is None:
        raise InvalidRuleSetError(faults)
    return model


def line_of(raw: bytes, *, pointer: str) -> int | None:
    """The line of a YAML document that names a member or, where it is missing, the part that should hold it.

    Returns:
        The line, counted from 1; `None` where the text cannot be read to its end.
    """
    try:
        _, reading = _read(raw, media_type="application/yaml")
    except InvalidRuleSetError:
        return None
    return None if reading.root is None else reading.root.nearest(pointer).line


def canonical_bytes(document: dict[str, JsonValue]) -> bytes:
    """Equal documents have equal bytes: RFC 8785, members sorted, numbers in their shortest form, no white space.

    Raises:
        InvalidRuleSetError: the document holds something that JSON cannot carry exactly, or is longer than 1 MiB in
            this form, in which every text has its quotes.
    """
    faults = list(islice(_unfit_values(document, pointer="", depth=1), FAULTS_MAX))
    if faults:
        raise InvalidRuleSetError(faults)
    canonical = rfc8785.dumps(cast("Any", document))
    if len(canonical) > DOCUMENT_BYTES_MAX:
        raise _refusal(
            "too-large", f"A rule-set document has at most {DOCUMENT_BYTES_MAX} bytes in its canonical form."
        )
    return canonical


def digest_of(canonical: bytes) -> str:
    """The identity of a rule set: `sha256:` and 64 hexadecimal digits, over its canonical bytes."""
    return f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def parse_canonical(raw: bytes) -> dict[str, JsonValue]:
    """Reads what `canonical_bytes` wrote and nothing else, so the same bytes come out of it again.

    Raises:
        InvalidRuleSetError: `canonical_bytes` did not write this.
    """
    document = read_document(raw, media_type="application/json")
    if canonical_bytes(document) != raw:
        raise InvalidRuleSetError([Fault("", "not-canonical", "The document is not in its canonical form (RFC 8785).")])
    return document


def published_document(version: str) -> dict[str, JsonValue]:
    """The document of a rule set that ships with this release.

    Raises:
        UnknownRuleSetError: no such version ships with this release.
    """
    file = resources.files("app.rule_sets") / "published" / f"{version}.yaml"
    # The version is part of a path, so its form is settled before any file is looked at.
    if not _VERSION.fullmatch(version) or not file.is_file():
        raise UnknownRuleSetError(version)
    return read_document(file.read_bytes(), media_type="application/yaml")


def shipped_versions() -> list[str]:
    """The versions of every rule set that ships with this release."""
    folder = resources.files("app.rule_sets") / "published"
    names = (file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))
    return sorted(names, key=lambda version: [int(part) for part in version.split(".")])


# Reading ----------------------------------------------------------------------------------------------------------


def _read(raw: bytes, *, media_type: str) -> tuple[dict[str, JsonValue], Reading]:
    read = READERS.get(media_type.partition(";")[0].strip().lower())
    if read is None:
        raise _refusal("media-type-unknown", f"A rule-set document comes as {' or '.join(READERS)}.")
    if len(raw) > DOCUMENT_BYTES_MAX:
        raise _refusal("too-large", f"A rule-set document has at most {DOCUMENT_BYTES_MAX} bytes.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _refusal("not-utf-8", f"Line {line}: These bytes are not UTF-8.") from error
    reading = read(text)
    if not isinstance(reading.value, dict):
        # A fault may say so already, as does an alias in place of the map.
        raise InvalidRuleSetError(
            reading.faults or [Fault("", "document-not-a-map", "A document is a map of members.")]
        )
    unfit = islice(_unfit_values(reading.value, pointer="", depth=1), FAULTS_MAX)
    reading.faults += [_with_line(fault, reading.root) for fault in unfit]
    return reading.value, reading


def _refusal(code: str, detail: str) -> InvalidRuleSetError:
    return InvalidRuleSetError([Fault("", code, detail)])


def _unfit_values(value: object, *, pointer: str, depth: int) -> Iterator[Fault]:
    """What no document holds, wherever it comes from; RFC 8785 can write all the rest, and we can read it back."""
    match value:
        case None | bool():
            pass
        case int() | float():
            if not abs(value) <= NUMBER_MAX:  # Not `>`: a NaN is neither.
                yield Fault(pointer, "number-out-of-range", f"A number is finite and at most {NUMBER_MAX}.")
        case str():
            if _NOT_PRINTABLE.search(value):
                yield Fault(pointer, "text-not-printable", "The text holds a character that cannot be printed.")
        case list() | dict() if depth > DEPTH_MAX:
            yield Fault(pointer, "too-deep", TOO_DEEP)
        case list():
            for index, part in enumerate(value):
                yield from _unfit_values(part, pointer=f"{pointer}/{index}", depth=depth + 1)
        case dict():
            for name, member in value.items():
                inner = pointer + pointer_token(str(name))
                yield from _unfit_names(name, pointer=inner)
                yield from _unfit_values(member, pointer=inner, depth=depth + 1)
        case _:
            yield Fault(pointer, "not-json", "JSON has no form for this.")


def _unfit_names(name: object, *, pointer: str) -> Iterator[Fault]:
    if not isinstance(name, str) or _NOT_PRINTABLE.search(name):
        yield Fault(pointer, "key-not-text", "A member's name is printable text.")
    elif len(name) > KEY_CHARACTERS_MAX:
        yield Fault(pointer, "key-too-long", f"A member's name has at most {KEY_CHARACTERS_MAX} characters.")


def _follows(fault: Fault, misread: set[str]) -> bool:
    """Whether a fault of checking may be there only because something in the same place could not be read."""
    steps = fault.pointer.split("/")
    if any("/".join(steps[:count]) in misread for count in range(2, len(steps) + 1)):
        return True
    # Whether a map has its shape does not hang on what stands inside; whether its members fit each other does.
    return fault.code not in _CODES_OF_SHAPE and any(place.startswith(f"{fault.pointer}/") for place in misread)


def _with_line(fault: Fault, root: Place | None) -> Fault:
    if root is None:
        return fault
    place = root.nearest(fault.pointer)
    return fault._replace(detail=f"Line {place.line}, column {place.column}: {fault.detail}")


# Checking ---------------------------------------------------------------------------------------------------------

# Codes are stable and therefore ours; what the model's library does not name here is a value of the wrong kind.
_CODES: Final = {
    "missing": "missing",
    "extra_forbidden": "unknown-member",
    "literal_error": "unknown-choice",
    "value_error": "contradiction",
    "string_pattern_mismatch": "wrong-form",
    "string_too_short": "too-short",
    "too_short": "too-short",
    "too_long": "too-long",
    "greater_than": "number-out-of-range",
    "greater_than_equal": "number-out-of-range",
    "less_than": "number-out-of-range",
    "less_than_equal": "number-out-of-range",
    "too_many_faults": "too-many-faults",  # ours, see `_model_of`
}
_WRONG_KIND: Final = "wrong-kind"
_CODES_OF_SHAPE: Final = {*_CODES.values(), _WRONG_KIND} - {"contradiction"}
_KINDS: Final = {
    "bool": "'true' or 'false' belongs here.",
    "decimal": "A number belongs here, without quotes.",
    "dict": "A map belongs here.",
    "int": "A whole number belongs here, without quotes.",
    "is": "A number belongs here, without quotes.",  # is_instance_of: of a decimal
    "list": "A list belongs here.",
    "model": "A map belongs here.",
    "string": "Text belongs here; quote it if it looks like something else.",
}


def validate_document(document: dict[str, JsonValue]) -> tuple[RuleSetDocument | None, list[Fault]]:
    """The model of a document that has its shape, and every fault; without the shape there is no model."""
    model, errors = _model_of(document, strict=None)
    faults = _faults_from(errors, document)
    # `share: "0.5"`, `share: 1_000` and `reference: yes` are texts, which a lenient model takes for what they resemble.
    _, errors = _model_of(document, strict=True)
    resembling = [error for error in errors if isinstance(_authored(document, error)[1], str | bool)]
    told = {fault.pointer for fault in faults}
    faults += [
        fault for fault in _faults_from(resembling, document) if fault.code == _WRONG_KIND and fault.pointer not in told
    ]
    if model is None or faults:
        return None, faults
    # A factor with two joints says some things twice.
    across = dict.fromkeys(
        fault._replace(pointer=authored_pointer(document, fault.pointer)) for fault in document_faults(model)
    )
    return model, list(across)


def _model_of(
    document: dict[str, JsonValue], *, strict: Literal[True] | None
) -> tuple[RuleSetDocument | None, list[ErrorDetails]]:
    try:
        return RuleSetDocument.model_validate(document, strict=strict), []
    except ValidationError as error:
        count = error.error_count()
        if count > MODEL_FAULTS_MAX:
            message = f"The document has {count} faults, too many to list"
            return None, [ErrorDetails(type="too_many_faults", loc=(), msg=message, input=None)]
        return None, error.errors(include_url=False, include_input=False)


def _faults_from(errors: Sequence[ErrorDetails], document: dict[str, JsonValue]) -> list[Fault]:
    """One fault for each place and code: a union tells its error once for every member."""
    details: dict[tuple[str, str], dict[str, None]] = {}
    for error in errors:
        pointer, _ = _authored(document, error)
        code = _CODES.get(error["type"], _WRONG_KIND)
        details.setdefault((pointer, code), {})[_detail_of(error, code=code)] = None
    return [Fault(pointer, code, " Or: ".join(told)) for (pointer, code), told in details.items()]


def _detail_of(error: ErrorDetails, *, code: str) -> str:
    match code:
        case "missing":
            return "This member is missing."
        case "unknown-member":
            return "No member of this name belongs here."
        case "unknown-choice":
            return f"{error['ctx']['expected']} belongs here."
        case "contradiction":
            claim = str(error["ctx"]["error"])
            return f"{claim[:1].upper()}{claim[1:]}."
        case "wrong-kind":
            return _KINDS.get(error["type"].partition("_")[0], f"{error['msg']}.")
        case _:
            return f"{error['msg']}."


def _authored(document: dict[str, JsonValue], error: ErrorDetails) -> tuple[str, JsonValue]:
    """Where an error of the model lies in what the author wrote; a missing member, where it should stand."""
    pointer, value = _follow(document, error["loc"])
    return (pointer + pointer_token(str(error["loc"][-1])), None) if error["type"] == "missing" else (pointer, value)


def _follow(document: dict[str, JsonValue], steps: Sequence[str | int]) -> tuple[str, JsonValue]:
    """Follows a path of the model through the document as written, as far as each step is there.

    The model knows steps that nobody wrote, and they are left out: the member of a union, `[key]`, the one entry that
    a scalar stands for (`is: never`, `title: …`), and `effects/0` where the only effect stands in the band itself.

    >>> _follow({"bands": [{"above": 1, "ratio": -1}]}, ("bands", 0, "effects", 0, "ratio"))
    ('/bands/0/ratio', -1)
    """
    trail: list[tuple[str, JsonValue]] = [("", document)]
    for step in steps:
        pointer, here = trail[-1]
        if isinstance(here, dict) and step in here:
            trail.append((pointer + pointer_token(str(step)), here[step]))
        elif isinstance(here, list) and str(step).isdecimal():
            if int(step) < len(here):
                trail.append((f"{pointer}/{step}", here[int(step)]))
            else:
                # The band's own effect is counted behind the listed ones.
                trail.pop()
    return trail[-1]
