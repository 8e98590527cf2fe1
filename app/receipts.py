"""Whether an answer can be had again: a receipt is checked by scoring the request anew and comparing digests.

A receipt covers the numbers of an answer, in any words: its digest is made of the `codes` form, so a better sentence
breaks no old receipt. It proves that the answer follows from the rules, not who sent it. Pure: the service and the
command line reach the same verdict from the same rules.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import from_json, to_json

from app.errors import Fault, InvalidInputError
from app.runners.profile import Day, Finding
from app.runners.requests import (
    UNKNOWN_FIELD,
    UNKNOWN_FIELDS_LEFT_OUT,
    fault_code,
    fault_pointer,
    note_unknown_field,
    read_request,
)
from app.scoring.assessment import Detail, answer_digest, render
from app.scoring.compiled import CompiledRuleSet
from app.scoring.engine import assess
from app.scoring.findings import WITHDRAWN

DIFFERENCES_MAX: Final = 100
# What differs between languages and releases although the answer is the same.
_PROSE: Final = frozenset({
    "action", "compared_with", "headline", "message", "notice", "service_version", "text", "title",
})  # fmt: skip
_SPEAKABLE: Final = re.compile(r"[a-z0-9_]{1,64}")


class ReceiptTold(BaseModel):
    """The receipt of an answer; what a later release may add to it is passed over."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True)

    answer_digest: str = Field(
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="SHA-256 over the RFC 8785 form of the `codes` answer without its receipt.",
    )
    covers: Literal["numbers"] = Field(default="numbers", description="The numbers; no sentence is covered.")
    as_of: Day = Field(description="The day that the answer is for.")
    min_evidence: Literal["low", "moderate"] | None = Field(
        default=None, description="The least evidence that counted, as in the call."
    )


def _version_alone(given: object) -> object:
    return {"version": given} if isinstance(given, str) else given


class RuleSetTold(BaseModel):
    """The `rule_set` of an answer."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True)

    version: str = Field(pattern=r"^[0-9]{4}\.[0-9]+$", description="A published version.")
    digest: str | None = Field(
        default=None, pattern=r"^sha256:[0-9a-f]{64}$", description="Its digest; another one is not the same rules."
    )


class Verification(BaseModel):
    """What is to be verified: a request, and what was answered to it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    request: dict[str, JsonValue] = Field(description="The request as it was scored.")
    receipt: ReceiptTold = Field(description="The `receipt` of the answer.")
    rule_set: Annotated[RuleSetTold, BeforeValidator(_version_alone)] = Field(
        description="The `rule_set` of the answer, or its version alone."
    )
    answer: dict[str, JsonValue] | None = Field(
        default=None, description="The whole answer in any size, to be told where it differs."
    )


class Verdict(NamedTuple):
    """What came of it.

    Attributes:
        differs: JSON Pointers into the answer, at most 100; None unless an answer was given.
    """

    same: bool
    differs: list[str] | None


def read_verification(body: bytes) -> Verification:
    """Reads what is to be verified.

    Raises:
        InvalidInputError: with every fault of what stands around the request; the request's own come with the verdict.
    """
    try:
        return Verification.model_validate_json(body)
    except ValidationError as refused:
        raise InvalidInputError([
            Fault(fault_pointer(found["loc"]), fault_code(found["type"]), f"{found['msg']}.")
            for found in refused.errors(include_url=False, include_context=False, include_input=False)
        ]) from None  # fmt: skip


def read_answer(request: bytes, answer: bytes) -> Verification:
    """The same, from the two files of somebody who kept a request and its answer.

    Raises:
        InvalidInputError: one of them is no JSON object, or the answer has no receipt (`detail=scores` gives none).
    """
    told: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, raw in (("request", request), ("answer", answer)):
        try:
            told[name] = from_json(raw)
        except ValueError:
            faults.append(Fault(f"/{name}", "not-json", "This is not JSON in UTF-8."))
        else:
            if not isinstance(told[name], dict):
                faults.append(Fault(f"/{name}", "wrong-type", "This must be a JSON object."))
    if faults:
        raise InvalidInputError(faults)
    kept = {name: told["answer"][name] for name in ("receipt", "rule_set") if name in told["answer"]}
    return read_verification(to_json({**told, **kept}, inf_nan_mode="constants"))


def verify_answer(rules: CompiledRuleSet, verification: Verification, *, today: date) -> Verdict:
    """Scores the request anew, and says whether the same answer comes of it.

    The day and the least evidence are the receipt's. A field that is not known here counts as `Prefer:
    handling=lenient` has it, since without that there would be no answer to verify.

    Args:
        rules: those of the version that was told, with the receipt's `min_evidence`.
        today: the day in UTC; no day more than one ahead of it can be scored.

    Raises:
        InvalidInputError: the request cannot be scored; pointers begin with `/request`.
    """
    receipt = verification.receipt
    request = dict(verification.request)
    has_day = request.get("as_of") is not None
    if not has_day:
        request["as_of"] = receipt.as_of.isoformat()
    body = to_json(request, inf_nan_mode="constants")
    try:
        read = read_request(body, today=today, unknown_fields="report")
        assessment = assess(rules, read.request, as_of=read.as_of, findings=read.findings)
        if receipt.answer_digest != answer_digest(assessment):
            # Answers given after the rules were withdrawn say so, and none before; both follow from the rules. So do
            # those of a batch in which members beside the request were passed over, which no request shows.
            beside = _passed_over_beside(verification.answer or {}, read.findings)
            for notes in ([WITHDRAWN], *([beside, [WITHDRAWN, *beside]] if beside else [])):
                noted = assess(rules, read.request, as_of=read.as_of, findings=[*notes, *read.findings])
                if receipt.answer_digest == answer_digest(noted):
                    assessment = noted
                    break
    except InvalidInputError as refused:
        day = "/request/as_of" if has_day else "/receipt/as_of"
        raise InvalidInputError([
            fault._replace(pointer=day if fault.pointer == "/as_of" else f"/request{fault.pointer}")
            for fault in refused.faults
        ]) from None  # fmt: skip
    differs: list[str] = []
    if verification.rule_set.digest not in (None, rules.digest):
        differs.append("/rule_set/digest")
    if receipt.answer_digest != answer_digest(assessment):
        differs.append("/receipt/answer_digest")
    if receipt.as_of != assessment.as_of:
        differs.append("/receipt/as_of")
    if verification.answer is None:
        return Verdict(not differs, None)
    detail = _size_of(verification.answer)
    whole = from_json(render(assessment, detail=detail))
    covered = from_json(render(assessment, detail="codes")) if detail == "full" else whole
    differs += find_unsaid(covered, verification.answer)
    differs += find_unsaid(verification.answer, whole)
    differs = list(dict.fromkeys(differs))[:DIFFERENCES_MAX]
    return Verdict(not differs, differs)


def _passed_over_beside(answer: dict[str, JsonValue], own: list[Finding]) -> list[Finding]:
    """The findings that an answer has of unknown members beside its request, which stand before the request's own."""
    codes = (UNKNOWN_FIELD, UNKNOWN_FIELDS_LEFT_OUT)
    told = answer.get("findings")
    listed = told if isinstance(told, list) else []
    pointers = [found.get("pointer") for found in listed if isinstance(found, dict) and found.get("code") in codes]
    beside: list[Finding] = []
    for pointer in pointers[: max(len(pointers) - sum(found.code in codes for found in own), 0)]:
        if not (isinstance(pointer, str) and (not pointer or _SPEAKABLE.fullmatch(pointer.removeprefix("/")))):
            return []
        note_unknown_field(beside, pointer=pointer)
    return beside


def find_unsaid(one: JsonValue, other: JsonValue, *, at: str = "") -> Iterator[str]:
    """Where one answer says what the other does not, by JSON Pointer; sentences may differ.

    A name that a caller may have made up is not repeated unless it is short and plain: then its owner is named.

    >>> list(find_unsaid({"score": 66, "text": "Sit down"}, {"score": 67, "text": "Lie down"}))
    ['/score']
    >>> list(find_unsaid([1, {"a": True}, 3], [1.0, {"a": 1}]))
    ['/1/a', '/2']
    """
    if isinstance(one, dict) and isinstance(other, dict):
        for name, member in one.items():
            if name in other:
                if not (name in _PROSE and isinstance(member, str) and isinstance(other[name], str)):
                    yield from find_unsaid(member, other[name], at=f"{at}/{name}")
            else:
                yield f"{at}/{name}" if _SPEAKABLE.fullmatch(name) else at
    elif isinstance(one, list) and isinstance(other, list):
        for place, (entry, counterpart) in enumerate(zip(one, other, strict=False)):
            yield from find_unsaid(entry, counterpart, at=f"{at}/{place}")
        for place in range(len(other), len(one)):
            yield f"{at}/{place}"
    elif isinstance(one, bool) or isinstance(other, bool):
        if one is not other:
            yield at
    elif one != other:
        yield at


def _size_of(answer: dict[str, JsonValue]) -> Detail:
    if "notice" in answer:
        return "full"
    return "codes" if "advice" in answer or "receipt" in answer else "scores"
