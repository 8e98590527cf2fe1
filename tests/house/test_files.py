"""Files have names that say something, stay small, and tell nothing about the machine they were written on."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.checkout import ROOT, own_files, own_texts, python_texts

LONGEST_FILE_LINES = 450
# Never the whole name of a room or a class: they would hold whatever came along.
DRAWERS = {
    "base",
    "common",
    "core",
    "data",
    "helper",
    "helpers",
    "info",
    "manager",
    "misc",
    "processor",
    "util",
    "utils",
}
# Never even a part of one.
DRAWER_WORDS = {"helper", "helpers", "manager", "misc", "processor", "util", "utils"}
MACHINE_PATH = re.compile(r"(?<![\w.:/$})-])/(?:home|Users|work|root|tmp)/[\w.]")


def is_drawer(name: str) -> bool:
    """Whether the name of a file or a class says nothing about what is inside."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    lowered = {word.lower() for word in words}
    return name.lower().strip("_") in DRAWERS or bool(lowered & DRAWER_WORDS)


def registry_hosts() -> set[str]:
    """The hosts that packages come from here: asked of pip and apt, so that none has to be written down."""
    asked = [
        "from pip._internal.models.index import PyPI; print(PyPI.netloc); print(PyPI.file_storage_domain)",
        "from pip._internal.cli.main import main; main(['config', 'list'])",
    ]
    answers = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for code in asked
    ]
    hosts = {line.strip() for line in answers[0].stdout.splitlines()}
    sources = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    settings = [answers[1].stdout, *(file.read_text(encoding="utf-8") for file in sources if file.is_file())]
    for text in settings:
        hosts.update(re.findall(r"https?://([^/\s'\",]+)", text))
    return {host for host in hosts if "." in host}


def machine_paths(text: str) -> list[str]:
    """Lines that name a place on somebody's machine: a home, a temporary folder, where this checkout lies."""
    here = [
        re.compile(rf"(?<![\w./-]){re.escape(str(place))}(?![\w-])")
        for place in (ROOT, Path.home())
        if len(place.parts) > 2
    ]
    return [line for line in text.splitlines() if any(pattern.search(line) for pattern in [MACHINE_PATH, *here])]


def test_no_file_or_class_is_a_drawer() -> None:
    files = [str(file.relative_to(ROOT)) for file in own_files() if file.suffix == ".py" and is_drawer(file.stem)]
    classes = [
        f"{path}: {node.name}"
        for path, text in python_texts()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef) and is_drawer(node.name)
    ]

    assert files + classes == []


@pytest.mark.parametrize("name", ["utils", "rule_helpers", "StoreManager", "Base", "core", "misc_texts"])
def test_a_drawer_is_noticed(name: str) -> None:
    assert is_drawer(name)


@pytest.mark.parametrize("name", ["rule_sets", "database", "Reading", "base_points", "RuleSetDocument"])
def test_a_room_with_a_name_is_no_drawer(name: str) -> None:
    assert not is_drawer(name)


def test_a_file_that_has_become_two_rooms_is_noticed() -> None:
    lengths = {path: len(text.splitlines()) for path, text in python_texts()}

    assert {path: length for path, length in lengths.items() if length >= LONGEST_FILE_LINES} == {}


def test_no_file_names_the_host_of_a_package_registry() -> None:
    hosts = registry_hosts()

    assert hosts, "pip always knows at least its own default index"
    assert [path for path, text in own_texts() for host in hosts if host in text] == []


def test_no_file_names_a_place_on_a_machine() -> None:
    named = {path: lines for path, text in own_texts() if (lines := machine_paths(text))}

    assert named == {}


@pytest.mark.parametrize("place", ["home/ann/joint-risk", "Users/ann/x", "tmp/spec.md", "work/main/app"])
def test_a_place_on_a_machine_is_noticed(place: str) -> None:
    assert machine_paths(f"see /{place} for it")


@pytest.mark.parametrize("line", ["--tmpfs /tmp", "sqlite:////data/joint-risk.db", "GET /v1/scores", "/opt/joint-risk"])
def test_a_place_in_a_container_or_an_address_is_none(line: str) -> None:
    assert not machine_paths(line)
