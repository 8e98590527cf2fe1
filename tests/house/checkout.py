"""What the house tests look at: this checkout's own files, committed or about to be."""

import ast
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@cache
def own_files() -> tuple[Path, ...]:
    """Every file that git tracks or would track, so that a fault shows before it is committed."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only a git checkout can say which files are the project's own")
    files = (ROOT / name for name in sorted(set(listed.stdout.split("\0"))) if name)
    return tuple(file for file in files if file.is_file())


def own_texts() -> list[tuple[str, str]]:
    """Path within the checkout and text of every own file; what is not UTF-8 is left out."""
    texts = []
    for file in own_files():
        try:
            texts.append((str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return texts


def python_texts(*rooms: str) -> list[tuple[str, str]]:
    """Path and text of every own Python file, or only of those under `rooms`."""
    return [(path, text) for path, text in own_texts() if path.endswith(".py") and path.startswith(rooms or "")]


def project() -> dict[str, Any]:
    """`pyproject.toml`, read."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names_of(node: ast.expr) -> str:
    """The dotted name that an expression spells, "" where it is none: `pytest.mark.skip`, say."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{names_of(value)}.{name}"
        case _:
            return ""
