"""What a faulty rule set is: 2026.1 with one change, what is found in it, and how an answer shows it."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from app.rule_sets.documents import published_document

Json = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """What the service says to a counterexample, the faulty rule set in force.

    Attributes:
        answer: to a single request.
        better, worse: to the two requests of a pair.
        before: what 2026.1 says to the same single request.
    """

    answer: Json
    better: Json
    worse: Json
    before: Json

    def line(self, factor: str, joint: str = "knee", *, of: str = "answer") -> Json:
        """The contribution of a factor."""
        lines: list[Json] = getattr(self, of)["joints"][joint]["contributions"]
        return next(line for line in lines if line["factor"] == factor)

    def advice(self, of: str = "answer") -> list[str]:
        """The ids of the advice, in order."""
        return [given["id"] for given in getattr(self, of)["advice"]]

    def reasons(self, of: str = "answer") -> list[str]:
        """The ids of the flags that refer the runner to somebody."""
        return [reason["id"] for reason in getattr(self, of)["referral"]["reasons"]]

    def scores(self, joint: str) -> tuple[Any, Any]:
        """The better and the worse runner's score before clipping, in hundredths, as their reasons add up."""
        one, other = (raw_hundredths(answer["joints"][joint]) for answer in (self.better, self.worse))
        return one, other


@dataclass(frozen=True)
class Faulty:
    """A rule set with one fault.

    Attributes:
        check: the row of `CHECKS` that finds it.
        path: where; `{id}` stands for the place of the entry with this id in the catalogue before it.
        shows: whether the answers to the counterexample show the fault; None where no answer can.
    """

    check: str
    code: str
    path: str
    change: Callable[[Json], object]
    shows: Callable[[Shown], bool] | None
    after: tuple[str, ...] = ()
    """Versions that were published before."""

    def predecessors(self) -> list[Json]:
        """The documents of the versions that were published before."""
        return [shipped(version) for version in self.after]

    def written(self) -> Json:
        """The document as its author wrote it."""
        made = shipped()
        self.change(made)
        return made

    def place(self, written: Json) -> str:
        """The path with the places of the ids."""
        catalogue = self.path.partition("/")[2].partition("/")[0]
        for number, entry in enumerate(written[catalogue] if isinstance(written.get(catalogue), list) else ()):
            self_named = "{" + str(entry.get("id")) + "}"
            if self_named in self.path:
                return self.path.replace(self_named, str(number))
        return self.path

    @property
    def name(self) -> str:
        return f"{self.code} {self.path}"


def shipped(version: str = "2026.1") -> Json:
    """The document of a shipped version, to be changed at will."""
    return copy.deepcopy(_shipped(version))


@cache
def _shipped(version: str) -> Json:
    return published_document(version)


def raw_hundredths(joint: Json) -> int:
    """The score of a joint before it is clipped, as its own reasons add up to it."""
    return sum(round(points * 100) for points in (joint["base"], *(line["points"] for line in joint["contributions"])))


def entry(written: Json, catalogue: str, id: str) -> Json:
    """One entry of a catalogue, to be changed."""
    return next(each for each in written[catalogue] if each["id"] == id)


def put(catalogue: str, id: str, way: str, content: Any) -> Callable[[Json], None]:
    """The change that puts something below an entry, at a path without a leading slash."""

    def change(written: Json) -> None:
        owner: Any = entry(written, catalogue, id)
        *path, last = (int(step) if step.isdecimal() else step for step in way.split("/"))
        for step in path:
            owner = owner[step]
        owner[last] = content

    return change


def all_of(*changes: Callable[[Json], object]) -> Callable[[Json], None]:
    """Several changes, one after the other."""

    def change(written: Json) -> None:
        for each in changes:
            each(written)

    return change


def source(id: str, **members: Any) -> Callable[[Json], None]:
    """The change of a source's members; None takes one away."""

    def change(written: Json) -> None:
        written["sources"][id].update(members)
        written["sources"][id] = {name: told for name, told in written["sources"][id].items() if told is not None}

    return change


def effect(ratio: float, **more: Any) -> Json:
    """A published ratio with half and double as its interval."""
    return {"ratio": ratio, "low": ratio / 2, "high": ratio * 2, "register_row": "made_up", **more}


def says(words: str) -> Callable[[Shown], bool]:
    """Whether these words stand in the answer."""
    return lambda shown: words in json.dumps(shown.answer, ensure_ascii=False)
