"""Published rule sets as a person reads them: a list that says which is in force, and a document in YAML."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import yaml
from rich.console import Console
from rich.table import Table

from app.rule_sets.store import Activation, PublishedRuleSet, RuleSetEntry
from app.scoring.rule_set import Band, Effect, Factor, Part, RuleSetDocument
from app.terminal.page import print_parts, say

# What PyYAML, being of YAML 1.1, would write without quotes although the readers of 1.2 take it for a number.
_NUMBER_LIKE: Final = re.compile(r"[-+.0-9]")
_SHORT_MOST: Final = 160


def print_rule_sets(
    entries: Sequence[RuleSetEntry],
    *,
    in_force: Activation | None,
    scheduled: Sequence[Activation],
    console: Console,
) -> None:
    """Prints published rule sets, as they are given, with what is in force and what will be."""
    standing: dict[str | None, str] = {row.version: f"from {row.effective_at:%Y-%m-%d %H:%M}" for row in scheduled}
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
