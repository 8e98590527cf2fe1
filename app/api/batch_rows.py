"""A row of a batch: somebody's `id`, their request, and what is answered in its place: an assessment, or a problem.

Pointers in a row's problem lead into the request, as they do where one runner is scored; what is wrong with the row
itself is at `/id`, `/as_of` or `/request`, which no request has.
"""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from json import JSONDecoder, dumps
from typing import Annotated, Any, Final, NamedTuple

from pydantic import ConfigDict, Field, ValidationError
from pydantic_core import from_json, to_json
from starlette.types import Scope

from app.api.problems import REQUEST_ID, SPEAKABLE, internal_problem, problem_of
from app.api.scores import count_scores
from app.errors import Fault, InvalidInputError, JointRiskError
from app.log_lines import FIELDS, describe_failure
from app.runners import Finding, ScoreRequest, UnknownFields, read_request, settle_request
from app.runners.profile import Day, Told
from app.runners.requests import FIRST_DAY, UNKNOWN_FIELD, ReadRequest, note_unknown_field
from app.scoring.assessment import Detail, render
from app.scoring.compiled import CompiledRuleSet
from app.scoring.engine import assess
from app.telemetry import Telemetry

ID_CHARACTERS_MOST: Final = 128
_MEMBERS: Final = frozenset({"id", "request", "as_of"})
_NO_ID: Final = b"null"
_BLANKS: Final = re.compile(r"[ \t\n\r]*")

log = logging.getLogger("joint_risk.api")
RowId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=ID_CHARACTERS_MOST,
        description="Yours, repeated with the answer; need not be unique, and should not name a person.",
    ),
]


class BatchItem(Told):
    """One runner of a batch."""

    id: RowId
    request: ScoreRequest = Field(description="As for `POST /v1/scores`.")
    as_of: Day | None = Field(default=None, description="The day of the score where the request itself names none.")


class BatchRequest(Told):
    """Up to 1,000 runners in one call."""

    # The same items over again would say nothing new of themselves.
    model_config = ConfigDict(title="BatchRequest")

    as_of: Day | None = Field(default=None, description="The day of the score for every item that names none.")
    items: list[BatchItem] = Field(max_length=1_000, description="The runners, in the order of the results.")


class _Day(Told):
    as_of: Day | None = None


@dataclass(frozen=True, slots=True)
class RowScorer:
    """Answers the rows of one call, all by the same rules.

    Attributes:
        scope: the call; a row's problem bears its request id.
        today: the day in UTC when the call began.
        telemetry: counts what was answered.
        as_of: the day of every row that names none; None takes the default that a request has.
        notes: what every answer by these rules says of them.
    """

    scope: Scope
    rules: CompiledRuleSet
    detail: Detail
    language: str
    today: date
    telemetry: Telemetry
    unknown_fields: UnknownFields = "refuse"
    as_of: date | None = None
    notes: tuple[Finding, ...] = ()

    def answer(self, row: bytes) -> bytes:
        """The result of one row, as JSON without a line feed; never raises, whatever the row holds."""
        id_ = _NO_ID
        try:
            try:
                item = BatchItem.model_validate_json(row)
            except ValidationError:
                id_, told = self._read_faulty(row)
                if isinstance(told, InvalidInputError):
                    return self.refuse(told, id=id_)
            else:
                id_ = _write_id(item.id)
                told = settle_request(item.request, today=self.today, as_of=item.as_of or self.as_of)
            assessment = assess(self.rules, told.request, as_of=told.as_of, findings=[*self.notes, *told.findings])
            count_scores(self.telemetry, assessment)
            written = render(assessment, detail=self.detail, language=self.language)
        except InvalidInputError as refused:
            return self.refuse(refused, id=id_)
        except Exception as failure:  # noqa: BLE001 - a row that nobody foresaw must not end those of other runners
            fields = {FIELDS: {"request_id": self.scope.get(REQUEST_ID)}}
            log.error("An error nobody foresaw, in a row: %s", describe_failure(failure), extra=fields)
            return _write_problem(id_, bytes(internal_problem(self.scope).body))
        return b"".join((b'{"id":', id_, b',"assessment":', written, b"}"))

    def refuse(self, error: JointRiskError, *, id: bytes = _NO_ID) -> bytes:
        """The result that says why there is no assessment; `id` as JSON."""
        return _write_problem(id, bytes(problem_of(self.scope, error).body))

    def _read_faulty(self, row: bytes) -> tuple[bytes, ReadRequest | InvalidInputError]:
        """The id of a row in which something is wrong, and all that is; an unknown member may be passed over."""
        try:
            told = from_json(row, allow_inf_nan=True)
        except ValueError:
            return _NO_ID, InvalidInputError([Fault("", "not-json", "The row is not JSON in UTF-8.")])
        if not isinstance(told, dict):
            return _NO_ID, InvalidInputError([Fault("", "wrong-type", "The row must be a JSON object.")])
        faults: list[Fault] = []
        id_ = _read_id(told, faults)
        as_of = _read_day(told, faults, today=self.today)
        passed_over: list[Finding] = []
        for name in [name for name in told if name not in _MEMBERS]:
            _pass_over(name, faults, passed_over, unknown_fields=self.unknown_fields)
        read: ReadRequest | None = None
        if "request" not in told:
            faults.append(Fault("/request", "missing", "A row needs a request, as for POST /v1/scores."))
        elif not isinstance(told["request"], dict):
            faults.append(Fault("/request", "wrong-type", "The request must be a JSON object."))
        else:
            body = to_json(told["request"], inf_nan_mode="constants")
            beside = as_of or self.as_of
            try:
                read = read_request(body, today=self.today, as_of=beside, unknown_fields=self.unknown_fields)
            except InvalidInputError as refused:
                faults += refused.faults
        if faults or read is None:
            return id_, InvalidInputError(faults)
        return id_, read._replace(findings=[*passed_over, *read.findings])


def _write_id(id: str) -> bytes:
    """In ASCII: many who read a line at a time take U+2028 and its like for the end of one."""
    return dumps(id).encode()


def _write_problem(id_: bytes, problem: bytes) -> bytes:
    return b"".join((b'{"id":', id_, b',"problem":', problem, b"}"))


def _read_id(told: dict[str, Any], faults: list[Fault]) -> bytes:
    given = told.get("id")
    if "id" not in told:
        faults.append(Fault("/id", "missing", "A row needs an id."))
    elif not isinstance(given, str):
        faults.append(Fault("/id", "wrong-type", "An id is a text."))
    elif not given:
        faults.append(Fault("/id", "too-short", "An id has one character at least."))
    elif len(given) > ID_CHARACTERS_MOST:
        faults.append(Fault("/id", "too-long", f"An id has {ID_CHARACTERS_MOST} characters at most."))
    else:
        return _write_id(given)
    return _NO_ID


def _read_day(told: dict[str, Any], faults: list[Fault], *, today: date) -> date | None:
    """The day beside a request or beside all of them; one that cannot be is a fault at `/as_of`."""
    try:
        day = _Day.model_validate_json(to_json({"as_of": told.get("as_of")}, inf_nan_mode="constants")).as_of
    except ValidationError:
        faults.append(Fault("/as_of", "not-a-date", "A day is written as YYYY-MM-DD."))
        return None
    # A day in range at worst: `read_request` bounds it again for each row.
    if day is not None and (day < FIRST_DAY or (day - today).days > 1):
        faults.append(
            Fault("/as_of", "out-of-range", "The day must not be before 2000 or more than one day ahead of UTC.")
        )
        return None
    return day


def _pass_over(name: str, faults: list[Fault], findings: list[Finding], *, unknown_fields: UnknownFields) -> None:
    """A member beside a request, or beside all of them, that this service does not know: a fault, or a finding."""
    pointer = f"/{name}" if SPEAKABLE.fullmatch(name) else ""
    if unknown_fields == "refuse":
        faults.append(Fault(pointer, UNKNOWN_FIELD, "This service does not know this field."))
    else:
        note_unknown_field(findings, pointer=pointer)


# ------------------------------------------------------------------------------------------- the list in one body


class Batch(NamedTuple):
    """A list of rows: where each stands in the body, and the day and the unknown members beside them."""

    rows: list[tuple[int, int]]
    as_of: date | None
    passed_over: tuple[Finding, ...]


class BatchWalk:
    """Finds the rows of a body one at a time, so that whoever walks may stop in between for others.

    The body is taken as Latin-1: what JSON is built of is ASCII, so a place in the text is a place in the bytes, and
    each row is decoded when it is read. Nothing of a row is kept but where it begins and ends.
    """

    def __init__(self, body: bytes, *, rows_most: int, unknown_fields: UnknownFields, today: date) -> None:
        self._text = body.decode("latin-1")
        self._rows_most = rows_most
        self._unknown_fields = unknown_fields
        self._today = today
        self._place = 0
        self._rows: list[tuple[int, int]] = []
        self._faults: list[Fault] = []
        self._passed_over: list[Finding] = []
        self._day: dict[str, Any] = {}
        self._has_items = False

    def __iter__(self) -> Iterator[None]:
        """Walks on by one row or member at a time.

        Raises:
            InvalidInputError: the body is no batch.
        """
        return self._walk()

    def found(self) -> Batch:
        """What was found, once the end was reached.

        Raises:
            InvalidInputError: with every fault of what stands around the rows.
        """
        as_of = _read_day(self._day, self._faults, today=self._today)
        if not self._has_items:
            self._faults.append(Fault("/items", "missing", "A batch needs items, a list."))
        if self._faults:
            raise InvalidInputError(self._faults)
        return Batch(self._rows, as_of, tuple(self._passed_over))

    def _walk(self) -> Iterator[None]:
        if self._next() != "{":
            self._value(self._place)
            raise InvalidInputError([Fault("", "wrong-type", "The body must be a JSON object.")])
        self._place += 1
        closed = self._next() == "}"
        while not closed:
            name = self._name()
            if name == "items":
                self._has_items = True
                yield from self._walk_items()
            else:
                given = self._value(self._place)
                if name == "as_of":
                    # An object or a list here is refused whatever is in it, so nobody has to hold it.
                    self._day = {"as_of": False if isinstance(given, dict | list) else given}
                else:
                    _pass_over(name, self._faults, self._passed_over, unknown_fields=self._unknown_fields)
            yield
            closed = self._ends(with_="}")
        self._place += 1
        if self._next() != "":
            raise _not_json()

    def _walk_items(self) -> Iterator[None]:
        self._rows = []
        if self._next() != "[":
            self._value(self._place)
            self._faults.append(Fault("/items", "wrong-type", "The items must be a list."))
            return
        self._place += 1
        closed = self._next() == "]"
        while not closed:
            self._next()
            begin = self._place
            self._value(begin)
            if len(self._rows) == self._rows_most:
                detail = f"A batch has {self._rows_most} items at most. Send more as application/jsonl, in a stream."
                raise InvalidInputError([Fault("/items", "too-many", detail)])
            self._rows.append((begin, self._place))
            yield
            closed = self._ends(with_="]")
        self._place += 1

    def _next(self) -> str:
        """The next character that is no blank; "" at the end."""
        blanks = _BLANKS.match(self._text, self._place)
        self._place = blanks.end() if blanks else self._place
        return self._text[self._place : self._place + 1]

    def _name(self) -> str:
        if self._next() != '"':
            raise _not_json()
        name = self._value(self._place)
        if self._next() != ":":
            raise _not_json()
        self._place += 1
        self._next()
        return str(name)

    def _value(self, begin: int) -> Any:
        try:
            found, self._place = _scan(self._text, begin)
        except (ValueError, RecursionError):
            raise _not_json() from None
        return found

    def _ends(self, *, with_: str) -> bool:
        found = self._next()
        if found not in (with_, ","):
            raise _not_json()
        if found == with_:
            return True
        self._place += 1
        self._next()
        return False


def _not_json() -> InvalidInputError:
    return InvalidInputError([Fault("", "not-json", "The body is not JSON in UTF-8.")])


# Written in C, and the only way to learn where a value ends without a parser of our own.
_scan: Final[Callable[[str, int], tuple[Any, int]]] = JSONDecoder().raw_decode
