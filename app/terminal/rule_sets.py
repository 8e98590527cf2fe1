"""Published rule sets as a person reads them: a list that says which is in force, and a document in YAML."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

import yaml
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from app.errors import Fault, InvalidRuleSetError
from app.rule_sets.documents import canonical_bytes, digest_of
from app.rule_sets.lifecycle import Standing, derive_outranked, derive_standing
from app.rule_sets.store import Activation, PublishedRuleSet, RuleSetEntry, Withdrawal
from app.scoring.rule_set import Band, Effect, Factor, Part, RuleSetDocument
from app.terminal.page import indent, print_parts, say

# What PyYAML, being of YAML 1.1, would write without quotes although the readers of 1.2 take it for a number.
_NUMBER_LIKE: Final = re.compile(r"[-+.0-9]")
_SHORT_MOST: Final = 160


def print_rule_sets(
    entries: Sequence[RuleSetEntry],
    *,
    in_force: Activation | None,
    scheduled: Sequence[Activation],
    withdrawals: Sequence[Withdrawal] = (),
    console: Console,
) -> None:
    """Prints published rule sets, as they are given, with what is in force, what will be, and what was withdrawn."""
    standing: dict[str | None, str] = {row.version: f"from {row.effective_at:%Y-%m-%d %H:%M}" for row in scheduled}
    standing |= {row.version: "withdrawn" for row in withdrawals}
    if in_force is not None:
        standing[in_force.version] = "now"
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("version", "in force", "digest", "published", "by"):
        table.add_column(column, no_wrap=True)
    table.add_column("why")
    for entry in entries:
        table.add_row(
            say(entry.version, style="bold"),
            say(standing.get(entry.version, ""), style="green"),
            say(entry.digest[:19], style="dim"),
            f"{entry.published_at:%Y-%m-%d}",
            say(entry.published_by),
            say(entry.reason),
        )
    print_parts([table], console=console)


def print_findings(found: Sequence[Mapping[str, Any]], *, console: Console) -> None:
    """Prints what was found in a document: where, what, and by which code it is described in docs/checks.md."""
    if not found:
        console.print("Nothing was found: it can be published.")
        return
    parts: list[RenderableType] = []
    for each in found:
        style = "bold red" if each["severity"] == "error" else "bold yellow"
        head = say(each["severity"], style=style) + say(f" at {each['path'] or 'the whole'}  ({each['code']})")
        parts += [head, indent(say(each["message"]))]
        if each["counterexample"] is not None:
            parts.append(indent(say("--json holds a made-up runner who shows it.", style="dim")))
    errors = sum(each["severity"] == "error" for each in found)
    parts.append(say(f"{errors} keep it from being published, {len(found) - errors} are warnings."))
    print_parts(parts, console=console)


def print_history(
    rows: Sequence[Activation], withdrawals: Sequence[Withdrawal], *, now: datetime, console: Console
) -> None:
    """Prints the ledgers of activations and withdrawals, newest first, with what each comes to now."""
    standing = derive_standing(rows, now=now)
    table = Table(box=None, pad_edge=False, header_style="bold")
    # What is long is broken between words before anything is cut off, on a narrow terminal too.
    for column, least in (("no.", None), ("when", None), ("what", 10), ("now", None), ("by", 6), ("why", 16)):
        table.add_column(column, no_wrap=least is None, min_width=least)
    lines: list[tuple[datetime, list[Text | str]]] = []
    for row in rows:
        what = "cancels" if row.version is None else row.version
        if row.effective_at is not None and row.effective_at > row.activated_at:
            what += f" from {row.effective_at:%Y-%m-%d %H:%M}"
        if row.cancels:
            what += f" (cancels {', '.join(map(str, row.cancels))})" if row.version else f" {row.cancels[0]}"
        lines.append((
            row.activated_at,
            [str(row.sequence), f"{row.activated_at:%Y-%m-%d %H:%M}", say(what), _standing_of(row, standing),
             say(row.activated_by), say(row.reason)],
        ))  # fmt: skip
    lines += [
        (
            gone.withdrawn_at,
            ["", f"{gone.withdrawn_at:%Y-%m-%d %H:%M}", say(f"{gone.version} withdrawn"), "",
             say(gone.withdrawn_by), say(gone.reason)],
        )
        for gone in withdrawals
    ]  # fmt: skip
    for _, line in sorted(lines, key=lambda each: each[0], reverse=True):
        table.add_row(*line)
    print_parts([table], console=console)


def _standing_of(row: Activation, standing: Standing) -> Text:
    if row.sequence in standing.cancelled:
        return say("cancelled", style="dim")
    if standing.in_force is not None and row.sequence == standing.in_force.sequence:
        return say("in force", style="bold green")
    if row in standing.scheduled:
        outranked = derive_outranked(standing.in_force, standing.scheduled)
        return say("outranked", style="yellow") if row.sequence in outranked else say("scheduled", style="green")
    return say("")


def write_version_file(published: PublishedRuleSet) -> bytes:
    """A version as the API tells it, for another store to import: its document's bytes are the canonical ones."""
    told = {
        "version": published.version,
        "digest": published.digest,
        "published_at": published.published_at.isoformat().replace("+00:00", "Z"),
        "published_by": published.published_by,
        "reason": published.reason,
    }
    return json.dumps(told, ensure_ascii=False)[:-1].encode() + b', "document": ' + published.canonical + b"}\n"


def read_version_file(raw: bytes) -> dict[str, Any]:
    """What `write_version_file` or the API wrote.

    Raises:
        InvalidRuleSetError: it is no version, or its document is not the one that its digest is of.
    """
    told: Any = None
    try:
        told = json.loads(raw)
        texts = [told[name] for name in ("version", "digest", "published_at", "published_by", "reason")]
        document = told["document"]
    except (ValueError, KeyError, TypeError, RecursionError):
        texts, document = [None], None
    if not all(isinstance(text, str) for text in texts) or not isinstance(document, dict):
        raise InvalidRuleSetError([Fault("", "no-version", "This is no version as 'rules export VERSION' writes it.")])
    if digest_of(canonical_bytes(document)) != told["digest"]:
        raise InvalidRuleSetError([Fault("/digest", "wrong-digest", "The document is not the one of this digest.")])
    return cast(dict[str, Any], told)


def write_yaml(published: PublishedRuleSet) -> str:
    """A rule set's document in YAML, in the order in which authors write it; read back, it is the same document."""
    head = (
        f"# Rule set {published.version}, {published.digest}\n"
        f"# Published {published.published_at:%Y-%m-%d} by {_one_line(published.published_by)}: "
        f"{_one_line(published.reason)}\n"
    )
    document = yaml.dump(
        _in_authors_order(published.document, places=_DOCUMENT_PLACES),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=110,
    )
    return head + document


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _in_authors_order(part: Any, *, places: Mapping[str, int]) -> Any:
    if isinstance(part, dict):
        members = sorted(part.items(), key=lambda member: (places.get(member[0], len(places)), member[0]))
        return {name: _in_authors_order(member, places=_PLACES) for name, member in members}
    return [_in_authors_order(member, places=_PLACES) for member in part] if isinstance(part, list) else part


def _places_of(models: Iterable[type[Part]]) -> dict[str, int]:
    """Where each member's name first stands in these models, which is the order in which authors write."""
    names = (field.alias or name for model in models for name, field in model.model_fields.items())
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


_DOCUMENT_PLACES: Final = _places_of([RuleSetDocument])
_PLACES: Final = _places_of([Factor, Band, Effect, *Part.__subclasses__()])


class _Dumper(yaml.SafeDumper):
    """Writes YAML that means the same by version 1.1 and 1.2, a short map on one line."""


def _write_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if _NUMBER_LIKE.match(text) else None)


def _write_map(dumper: _Dumper, members: dict[str, Any]) -> yaml.MappingNode:
    is_flat = not any(isinstance(member, dict | list) for member in members.values())
    is_short = is_flat and len(str(members)) < _SHORT_MOST
    return dumper.represent_mapping("tag:yaml.org,2002:map", members.items(), flow_style=is_short)


def _write_list(dumper: _Dumper, parts: list[Any]) -> yaml.SequenceNode:
    is_flat = not any(isinstance(part, dict | list) for part in parts)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", parts, flow_style=is_flat)


_Dumper.add_representer(str, _write_text)
_Dumper.add_representer(dict, _write_map)
_Dumper.add_representer(list, _write_list)
