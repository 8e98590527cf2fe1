"""`joint-risk verify`: whether an answer that was kept follows from its request and the rules, without any service."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli.endings import DIFFERENT, EXIT_OF_SLUG, UNLOADABLE, give_up
from app.errors import InvalidRuleSetError, UnreadableFileError


def verify(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="The request as it was scored, as JSON.")],
    answer: Annotated[str, typer.Argument(metavar="ANSWER", help="The answer that was kept, with its receipt.")],
    rules: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="An exported rule set; else the store is asked for the answer's version."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict for machines, and nothing else.")] = False,
) -> None:
    """Say whether the same answer comes of the request, by the rules of a file and no service."""
    from app.receipts import Verification, read_answer, verify_answer
    from app.scoring.compiled import CompiledRuleSet, compile_rule_set

    def rules_of(told: Verification) -> CompiledRuleSet:
        version, least = told.rule_set.version, told.receipt.min_evidence
        if rules is not None:
            from app.terminal.rules_files import read_rules_file

            return read_rules_file(rules, version=version).compiled(version=version, min_evidence=least)
        from app.terminal.local import published_rules

        try:
            kept = published_rules(version)
        except InvalidRuleSetError as refused:  # the store's, not the user's
            give_up("The rule set cannot be scored by.", refused.faults, code=EXIT_OF_SLUG[UNLOADABLE])
        return compile_rule_set(kept.document, version=version, digest=kept.digest, min_evidence=least)

    told = read_answer(_read(request), _read(answer))
    verdict = verify_answer(rules_of(told), told, today=datetime.now(UTC).date())
    if as_json:
        import json

        typer.echo(json.dumps(verdict._asdict()))
    elif verdict.same:
        typer.echo(f"The same: the answer follows from the request by the rules {told.rule_set.version}.")
    if not verdict.same:
        give_up(
            "Not the same: this is not what these rules answer to this request. It differs at:\n  "
            + "\n  ".join(verdict.differs or ["(nothing that was sent)"]),
            code=DIFFERENT,
        )


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as failure:
        raise UnreadableFileError(file) from failure
