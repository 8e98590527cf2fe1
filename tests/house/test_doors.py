"""The commands that papers, CI and the image name are there, and say the same."""

import re

from app import __version__
from tests.house.checkout import ROOT, own_texts

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))


def test_the_readme_starts_with_two_commands_and_ci_runs_them() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    for command in ("make run", "make test"):
        assert re.search(rf"^\s*(\$ )?{command}\b", readme, flags=re.MULTILINE)
        assert re.search(rf"^(\w+=(\"[^\"]*\"|\S+) )*{command}$", ci, flags=re.MULTILINE)


def test_every_make_target_that_a_paper_names_exists() -> None:
    papers = [(path, text) for path, text in own_texts() if path.endswith(".md")]
    named = {target for _, text in papers for target in re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z-]+)", text)}

    assert named - TARGETS == set()


def test_every_make_target_is_explained_by_make_help() -> None:
    explained = set(re.findall(r"^([a-z-]+):[^#\n]*## \S", MAKEFILE, flags=re.MULTILINE))

    assert explained == TARGETS


def test_the_image_carries_the_version_of_the_package() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert re.findall(r"^ARG VERSION=(\S+)$", dockerfile, flags=re.MULTILINE) == [__version__]
