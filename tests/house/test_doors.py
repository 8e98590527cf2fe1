"""The commands that papers, CI and the image name are there, and say the same."""

import re
import subprocess

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


def test_make_image_says_which_commit_it_is_of_and_builds_on_what_it_is_told() -> None:
    def builds(*given: str) -> list[str]:
        done = subprocess.run(
            ["make", "--dry-run", "image", "ENGINE=docker", *given],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("docker build ")]
        return line.split()

    by_default = builds()
    revision = re.compile(r"REVISION=([0-9a-f]{40}(-dirty)?|unknown)")
    assert [word for word in by_default if revision.fullmatch(word)]
    assert not [word for word in by_default if "BASE_IMAGE" in word]

    pinned = f"python:3.11-slim-bookworm@sha256:{'a' * 64}"
    assert f"BASE_IMAGE={pinned}" in builds(f"BASE_IMAGE={pinned}")
    declared = set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert {"BASE_IMAGE", "REVISION"} <= declared
