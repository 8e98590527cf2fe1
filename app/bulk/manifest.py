"""What a run was begun with, in `OUT/_manifest.json`: a run goes on with exactly that, or not at all."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from app.bulk.durable import write_json
from app.bulk.parts import Form, Part
from app.errors import ChangedRunError, Fault

MANIFEST: Final = "_manifest.json"


class RulesName(NamedTuple):
    """The exact rules of a run."""

    version: str
    digest: str


class Options(NamedTuple):
    """How a run was asked to write.

    Attributes:
        form: of the output parts.
        contributions: whether the list of contributions is a column too.
        keep: input columns that are passed through.
    """

    form: Form
    contributions: bool
    keep: tuple[str, ...]


class Manifest(NamedTuple):
    """What a run was begun with.

    Attributes:
        begun_on: the day in UTC; no row may name a day more than one ahead of it.
        as_of: the day of every row that names none.
        is_withdrawn: whether the rules had been withdrawn by then, which every row says.
        compared: the rules whose levels are compared with, if any.
    """

    begun_on: date
    as_of: date
    rules: RulesName
    compared: RulesName | None
    options: Options
    parts: tuple[Part, ...]
    is_withdrawn: bool = False


def read_manifest(out: Path) -> Manifest | None:
    """What the run in this folder was begun with; None where none was.

    Raises:
        ChangedRunError: the manifest is not what this release writes.
    """
    file = out / MANIFEST
    if not file.exists():
        return None
    try:
        told = json.loads(file.read_bytes())
        compared = told["compared"]
        return Manifest(
            begun_on=date.fromisoformat(told["begun_on"]),
            as_of=date.fromisoformat(told["as_of"]),
            rules=RulesName(**told["rules"]),
            compared=None if compared is None else RulesName(**compared),
            options=Options(**{**told["options"], "keep": tuple(told["options"]["keep"])}),
            parts=tuple(Part(**part) for part in told["parts"]),
            is_withdrawn=told.get("is_withdrawn", False),
        )
    except (ValueError, KeyError, TypeError):
        detail = f"{MANIFEST} is not one of this release. Choose another folder."
        raise ChangedRunError([Fault(f"/{MANIFEST}", "unreadable-manifest", detail)]) from None


def write_manifest(out: Path, manifest: Manifest) -> None:
    """Writes it down, on the disk before any part is."""
    told = manifest._asdict()
    told |= {"begun_on": manifest.begun_on.isoformat(), "as_of": manifest.as_of.isoformat()}
    told |= {"rules": manifest.rules._asdict(), "options": manifest.options._asdict()}
    told["compared"] = None if manifest.compared is None else manifest.compared._asdict()
    told["parts"] = [part._asdict() for part in manifest.parts]
    write_json(out / MANIFEST, told)


def check_same(begun: Manifest, now: Manifest) -> list[Fault]:
    """Every difference between what a run was begun with and what it is asked to go on with."""
    return list(_differences(begun, now))


def _differences(begun: Manifest, now: Manifest) -> Iterator[Fault]:
    if begun.as_of != now.as_of:
        yield _fault("as_of", f"begun for {begun.as_of}, now {now.as_of}; leave out --as-of to go on")
    if begun.rules != now.rules:
        yield _fault("rules", f"begun by {_name(begun.rules)}, now {_name(now.rules)}; --rule-set names those to go on")
    if begun.compared != now.compared:
        yield _fault("compared", f"begun against {_name(begun.compared)}, now {_name(now.compared)}")
    for name, told in begun.options._asdict().items():
        asked = getattr(now.options, name)
        if told != asked:
            yield _fault(f"options/{name}", f"begun with {told}, now {asked}")
    before = {part.path: part for part in begun.parts}
    after = {part.path: part for part in now.parts}
    for path in sorted(before.keys() | after.keys()):
        if path not in after:
            yield _fault(f"parts/{path}", "the input part is gone")
        elif path not in before:
            yield _fault(f"parts/{path}", "the input part is new")
        elif before[path] != after[path]:
            yield _fault(f"parts/{path}", "the input part has changed")


def _fault(place: str, what: str) -> Fault:
    return Fault(f"/{place}", "changed", f"{place}: {what}.")


def _name(rules: RulesName | None) -> str:
    return "none" if rules is None else f"{rules.version} ({rules.digest})"
