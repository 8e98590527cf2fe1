"""A draft is looked at in a process of its own, and the same draft beside the same versions is looked at once.

Whoever checks a draft and then publishes it, and many who publish it at once, wait for one look.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final
from weakref import WeakValueDictionary

from pydantic import ValidationError

from app.errors import Fault, InvalidRuleSetError
from app.rule_sets.drafts import Draft
from app.scoring.rule_set import RuleSetDocument
from app.workshop import Workshop

Found = list[dict[str, Any]]

_REMEMBERED_MOST: Final = 16


def examine(body: bytes, media_type: str, predecessors: Sequence[bytes]) -> Found:
    """The findings of a document as the wire has them: a job for a workshop.

    Args:
        body: the document as its author wrote it.
        media_type: what it is written in.
        predecessors: canonical bytes of every published version; one that this release cannot read is passed over.
    """
    # Here: the process that examines needs the checks, the service that has drafts examined does not.
    from app.rule_sets.checks import check_bytes

    read = []
    for canonical in predecessors:
        try:
            read.append(RuleSetDocument.model_validate(json.loads(canonical)))
        except ValidationError:
            continue
    return [finding._asdict() for finding in check_bytes(body, media_type=media_type, predecessors=read)]


def ensure_publishable(found: Found) -> None:
    """Raises where a finding keeps the document from being published.

    Raises:
        InvalidRuleSetError: with every finding; its faults are the errors among them.
    """
    faults = [Fault(each["path"], each["code"], each["message"]) for each in found if each["severity"] == "error"]
    if faults:
        raise InvalidRuleSetError(faults, findings=found)


class Examiner:
    """Has drafts examined, and remembers what was found in the last few; for one event loop.

    Args:
        workshop: where the work is done; its queue is what refuses more than can soon be done.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._known: OrderedDict[str, asyncio.Task[Found]] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, version: str) -> asyncio.Lock:
        """Held while a version is being published, so that of many who publish it at once one has its draft looked at.

        The others then find the version taken, and fill no queue with work that would come to nothing.
        """
        return self._turns.setdefault(version, asyncio.Lock())

    async def examine(self, draft: Draft, *, predecessors: Sequence[bytes]) -> Found:
        """The findings of a draft beside the published versions.

        Raises:
            OverloadedError, WorkTimedOutError, WorkTooLargeError, WorkDiedError: as `Workshop.run`.
        """
        digests = sorted(sha256(canonical).hexdigest() for canonical in predecessors)
        name = " ".join([draft.etag, *digests])
        looking = self._known.get(name)
        if looking is None:
            work = self._workshop.run(examine, draft.body, draft.media_type, list(predecessors))
            looking = self._known[name] = asyncio.create_task(work)
            looking.add_done_callback(lambda done: self._forget_failure(name, done))
        self._known.move_to_end(name)
        # Shielded: one who goes away must not take the look from the others who wait for it.
        return await asyncio.shield(looking)

    def _forget_failure(self, name: str, done: "asyncio.Task[Found]") -> None:
        if done.cancelled() or done.exception() is not None:
            self._known.pop(name, None)
        while len(self._known) > _REMEMBERED_MOST:
            self._known.popitem(last=False)
