"""`joint-risk rules verify-testpack`: whether a service or a port that runs somewhere scores as a test pack says."""

import gzip
from pathlib import Path
from typing import Annotated, Final

import typer

from app.cli.endings import DIFFERENT, EXIT_OF_SLUG, UNEXPECTED, ensure_web_address, give_up
from app.errors import Fault, InvalidInputError, UnreadableFileError

SHOWN_MOST: Final = 50
_GZIP_MAGIC: Final = b"\x1f\x8b"


def verify_testpack(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A test pack, as JSON or JSON lines, packed or not.")],
    url: Annotated[str, typer.Option(metavar="URL", help="The service or the port that is asked.")],
) -> None:
    """Replay a test pack against a running service, and print every difference."""
    import json

    from app.rule_sets.testpack import check_case, read_testpack
    from app.settings import read_settings
    from app.terminal.calls import SERVICE_AWAY, Refusal, ask_for_score

    address, key = ensure_web_address(url), read_settings().key
    try:
        raw = Path(file).read_bytes()
        head, cases = read_testpack(gzip.decompress(raw) if raw.startswith(_GZIP_MAGIC) else raw)
    except OSError as failure:
        raise UnreadableFileError(file) from failure
    except (ValueError, KeyError, EOFError):
        raise InvalidInputError([Fault("", "not-a-testpack", "This is no whole test pack.")]) from None
    different: list[str] = []
    count = 0
    for case in cases:
        query = {"detail": "full", "rule_set": head["version"]}
        if case["min_evidence"] is not None:
            query["min_evidence"] = case["min_evidence"]
        answer = ask_for_score(address, body=json.dumps(case["request"]).encode(), query=query, key=key)
        if isinstance(answer, Refusal):
            if answer.slug == SERVICE_AWAY or not answer.faults:
                give_up(answer.message, answer.faults, code=EXIT_OF_SLUG.get(answer.slug, UNEXPECTED))
            differs = [f"refused ({answer.slug}): {fault.pointer} {fault.code}" for fault in answer.faults]
        else:
            differs = check_case(case, json.loads(answer))
        count += bool(differs)
        different += [f"{case['id']}: {place}" for place in differs]
    if different:
        left_out = len(different) - SHOWN_MOST
        more = f"\n  and {left_out} more" if left_out > 0 else ""
        give_up(
            f"{count} of {len(cases)} cases are answered otherwise:\n  " + "\n  ".join(different[:SHOWN_MOST]) + more,
            code=DIFFERENT,
        )
    typer.echo(f"All {len(cases)} cases of {head['version']} are answered alike.")
