"""What the tool that fuzzes the API called, and what was answered: read from the report of its run."""

import json
from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple


class Call(NamedTuple):
    """One case.

    Attributes:
        status: of the answer; None where there was none.
        link: what led from an answer to this call, where something of the answer was used; None for any other.
    """

    operation: str
    status: int | None
    took_s: float
    link: str | None


def read_calls(report: Path) -> Iterator[Call]:
    """Every case of a run, in the order in which scenarios ended."""
    with report.open(encoding="utf-8") as lines:
        for line in lines:
            finished = json.loads(line).get("ScenarioFinished")
            if finished is not None:
                yield from _calls_of(finished["recorder"])


def _calls_of(recorder: dict[str, Any]) -> Iterator[Call]:
    interactions = recorder.get("interactions", {})
    for name, case in recorder.get("cases", {}).items():
        if name not in interactions:  # never sent
            continue
        answered = interactions[name]["response"] or {}
        operation = f"{case['value']['method']} {case['value']['path']}"
        followed = case["transition"]["id"] if case["is_transition_applied"] else None
        yield Call(operation, answered.get("status_code"), answered.get("elapsed", 0.0), followed)


def declared_links(document: dict[str, Any]) -> set[str]:
    """The links that the description of the API tells, as the tool names them."""
    operations = {
        operation["operationId"]: (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    return {
        f"{source} -> [{status}] {name} -> {operations[link['operationId']][0]}"
        for source, operation in operations.values()
        for status, response in operation["responses"].items()
        for name, link in response.get("links", {}).items()
    }


def table_of(calls: list[Call]) -> str:
    """An operation a line: cases, the slowest answer, and how often each status was answered."""
    rows = []
    for operation in sorted({call.operation for call in calls if call.status != HTTPStatus.METHOD_NOT_ALLOWED}):
        own = [call for call in calls if call.operation == operation]
        statuses = Counter(call.status for call in own)
        told = " ".join(f"{status}:{count}" for status, count in sorted(statuses.items(), key=str))
        rows.append(f"{operation:58} {len(own):6} {max(call.took_s for call in own):7.2f} s  {told}")
    return "\n".join(rows)
