"""Imports only go down, the heart knows no door and no clock; and each contract that says so is seen to bite."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.checkout import ROOT, names_of, project, python_texts

# Contract, the file to spoil, and the one line that spoils it.
OFFENCES = [
    ("floors", "app/errors.py", "import app.settings"),
    ("floors", "app/features/__init__.py", "import app.scoring"),
    ("floors", "app/scoring/__init__.py", "import app.rule_sets"),
    ("floors", "app/rule_sets/__init__.py", "import app.api"),
    ("heart", "app/scoring/__init__.py", "import fastapi"),
    ("heart", "app/features/__init__.py", "import sqlalchemy"),
    ("heart", "app/runners/__init__.py", "import time"),
    ("arrays", "app/scoring/__init__.py", "import numpy"),
    ("arrays", "app/features/__init__.py", "import pyarrow"),
    ("evaluators", "app/scoring/guidance_columns.py", "import app.scoring.engine"),
    ("evaluators", "app/scoring/engine.py", "import app.scoring.columns"),
    ("rule-sets", "app/rule_sets/__init__.py", "import starlette"),
    ("readers", "app/readers/tcx.py", "import app.readers.gpx"),
    ("reading", "app/readers/__init__.py", "import sqlalchemy"),
    ("routes", "app/api/__init__.py", "import sqlalchemy"),
]
CONTRACTS = {contract["id"]: contract["name"] for contract in project()["tool"]["importlinter"]["contracts"]}
CLOCKS = {"now", "today", "utcnow", "localtime", "gmtime", "time_ns", "monotonic", "perf_counter"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and its contracts, to be spoilt."""
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(place: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says about the package in `place`."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    return subprocess.run([*command, "--no-cache"], cwd=place, capture_output=True, text=True, check=False)


def clock_reads(source: str) -> list[int]:
    """The lines on which Python code asks what time it is."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and (name := names_of(node.func)) and name.rpartition(".")[2] in CLOCKS
    ]


def test_the_house_keeps_every_contract(copy: Path) -> None:
    verdict = lint(copy)

    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    for name in CONTRACTS.values():
        assert f"{name} KEPT" in verdict.stdout


def test_every_contract_has_an_offence_to_prove_that_it_bites() -> None:
    assert {contract for contract, _, _ in OFFENCES} == set(CONTRACTS)


@pytest.mark.parametrize(("contract", "file", "line"), OFFENCES)
def test_a_contract_bites(copy: Path, contract: str, file: str, line: str) -> None:
    with (copy / file).open("a", encoding="utf-8") as spoilt:
        spoilt.write(f"\n{line}\n")

    verdict = lint(copy)

    assert verdict.returncode == 1
    assert f"{CONTRACTS[contract]} BROKEN" in verdict.stdout


def test_a_room_that_stands_on_no_floor_is_refused(copy: Path) -> None:
    (copy / "app" / "attic.py").write_text('"""A room nobody planned."""\n', encoding="utf-8")

    verdict = lint(copy)

    assert verdict.returncode == 1
    assert "attic" in verdict.stdout


def test_only_files_of_columns_may_know_arrays() -> None:
    (arrays,) = (each for each in project()["tool"]["importlinter"]["contracts"] if each["id"] == "arrays")

    assert arrays["ignore_imports"]
    for allowed in arrays["ignore_imports"]:
        importer, imported = allowed.split(" -> ")
        assert importer.endswith(("_columns", ".columns"))
        assert imported == "*"


def test_the_heart_never_asks_what_time_it_is() -> None:
    asked = {
        path: lines
        for path, text in python_texts("app/runners", "app/features", "app/scoring")
        if (lines := clock_reads(text))
    }

    assert asked == {}


@pytest.mark.parametrize(
    "code", ["datetime.now(UTC)", "date.today()", "datetime.datetime.utcnow()", "time.monotonic()", "now()"]
)
def test_a_read_clock_is_noticed(code: str) -> None:
    assert clock_reads(f"import datetime\n\nx = {code}\n") == [3]
