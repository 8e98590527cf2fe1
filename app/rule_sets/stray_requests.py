"""A draft may be as unfinished as its author likes; what a request says of a runner is not kept in it.

Whoever sends a runner to the desk by mistake, alone or beside the members of a rule set, would leave health data in the
store. So a member that requests have and that part of a rule set has not is refused, wherever it stands: the document
is walked beside its model. Maps by id are left their ids (a factor may be called as a field is), and worked examples
their requests, whose runners are made up.
"""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue

from app.errors import Fault, InvalidRuleSetError
from app.rule_sets.syntax import FAULTS_MAX
from app.runners import ScoreRequest
from app.scoring.rule_set import Band, Effect, RuleSetDocument

_UNNAMED: Final = "?"
"""Stands in a pointer for a name that is neither a rule set's nor a request's, and could be anything."""
_DETAIL: Final = "This says something of a runner and belongs to POST /v1/scores, not to a rule set. Nothing was kept."


def ensure_no_runner(document: dict[str, JsonValue]) -> None:
    """A rule set, finished or not, says nothing of one runner outside its worked examples.

    Raises:
        InvalidRuleSetError: with a fault for each member that only requests have; never with what it says.
    """
    strays = islice(_stray_pointers(document, RuleSetDocument, ""), FAULTS_MAX)
    faults = [Fault(pointer, "request-member", _DETAIL) for pointer in strays]
    if faults:
        raise InvalidRuleSetError(faults)


def _stray_pointers(found: JsonValue, kind: Any, at: str) -> Iterator[str]:
    """Where members of a request stand.

    Args:
        found: a part of the document; shallow, as reading sees to it.
        kind: what the model has there; None where it has nothing.
        at: where the part stands.
    """
    kinds = tuple(_alternatives(kind))
    if isinstance(found, list):
        inner = next((get_args(each)[0] for each in kinds if get_origin(each) is list), None)
        for number, part in enumerate(found):
            yield from _stray_pointers(part, inner, f"{at}/{number}")
    elif isinstance(found, dict):
        model = next((each for each in kinds if _is_model(each)), None)
        of_ids = next((get_args(each)[1] for each in kinds if get_origin(each) is dict), None)
        if of_ids is object:
            return  # the request of a worked example
        known = {} if model is None else _members(model)
        for name, member in found.items():
            here = f"{at}/{name if name in _REQUEST or name in _RULE_SET else _UNNAMED}"
            if of_ids is not None and (isinstance(member, dict) or not any(map(_is_model, _alternatives(of_ids)))):
                yield from _stray_pointers(member, of_ids, here)
            elif name in known:
                yield from _stray_pointers(member, known[name], here)
            elif name in _REQUEST:
                yield here
            else:
                yield from _stray_pointers(member, None, here)


def _alternatives(kind: Any) -> Iterator[Any]:
    """What stands in a union, bounds and validators taken off."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _alternatives(get_args(kind)[0])
    elif origin in (Union, UnionType):
        for each in get_args(kind):
            yield from _alternatives(each)
    else:
        yield kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


@cache
def _members(model: type[BaseModel]) -> dict[str, Any]:
    """The members of a part as they are written, and what each holds."""
    folded = _members(Effect) if model is Band else {}  # one effect may stand in its band
    return folded | {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _names(kind: Any) -> Iterator[str]:
    """Every member of a model and of the models inside it; those that lie inside themselves once."""
    waiting, seen = [kind], set[Any]()
    while waiting:
        each = waiting.pop()
        if _is_model(each) and each not in seen:
            seen.add(each)
            yield from _members(each)
            waiting.extend(_members(each).values())
        waiting.extend(get_args(each))


_RULE_SET: Final = frozenset(_names(RuleSetDocument))
_REQUEST: Final = frozenset(_names(ScoreRequest)) - _RULE_SET
