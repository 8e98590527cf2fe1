"""The page of the checks has a row for every code, and the checks have a code for every fault."""

import ast
import re
from pathlib import Path

from app.features import FEATURES
from app.rule_sets.checks import CHECKS
from app.rule_sets.checks.units import CUTS_MAKE_SENSE
from app.rule_sets.documents import _CODES, _WRONG_KIND
from tests.house.checkout import ROOT

PAGE = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
CODE = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")
NO_FAULTS = {"utf-8-sig"}
"""Words of the readers that look like codes."""


def rows() -> list[tuple[str, str, str]]:
    """Check, code and severity of every row of the page."""
    return re.findall(r"^\| ([a-z-]+) \| `([a-z-]+)` \| (error|warning) \|", PAGE, re.MULTILINE)


def literals(*files: str) -> set[str]:
    """Every text in these files that looks like a code."""
    trees = [ast.parse(Path(ROOT / file).read_text(encoding="utf-8")) for file in files]
    texts = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and CODE.fullmatch(text)} - NO_FAULTS


def test_every_code_has_its_row_in_the_order_of_the_checks() -> None:
    listed: dict[str, dict[str, str]] = {}
    for check, code, severity in rows():
        listed.setdefault(check, {})[code] = severity

    assert listed == {name: check.codes for name, check in CHECKS.items()}
    assert list(listed) == list(CHECKS)
    assert len(rows()) == sum(len(check.codes) for check in CHECKS.values())


def test_every_row_says_what_is_promised_how_it_is_looked_for_and_who_shows_it() -> None:
    for line in PAGE.splitlines():
        if re.match(r"\| [a-z-]+ \| `[a-z-]+` \| (?:error|warning) ", line):
            assert [cell for cell in line.strip("| ").split(" | ") if not cell.strip()] == []
            assert line.count(" | ") == 5, line


def test_every_fault_of_the_parts_against_each_other_has_a_code_of_the_check() -> None:
    assert literals("app/scoring/coherence.py") <= set(CHECKS["cohesion"].codes)


def test_every_code_of_reading_a_document_is_on_the_page() -> None:
    reading = ("documents.py", "stray_requests.py", "syntax.py", "yaml_syntax.py")
    codes = literals(*(f"app/rule_sets/{name}" for name in reading)) | {*_CODES.values(), _WRONG_KIND}

    assert {code for code in codes if f"`{code}`" not in PAGE} == set()


def test_every_feature_of_numbers_says_where_a_cut_makes_sense() -> None:
    assert set(CUTS_MAKE_SENSE) == {id for id, feature in FEATURES.items() if feature.is_number}
    assert all(sense.least < sense.most for sense in CUTS_MAKE_SENSE.values())
