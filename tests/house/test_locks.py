"""The locks name every file by its hash, and no place to fetch it from."""

import re
from importlib.metadata import distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.checkout import ROOT, project

SERVED = ("postgresql", "training", "bulk", "telemetry")
# What each lock is made from: the base, these extras, and these dependency groups alone.
LOCKS: dict[str, tuple[str, ...]] = {
    "run": SERVED,
    "dev": (*SERVED, "dev"),
    "bench": ("bench", "bulk"),
    "spark": ("spark",),
    "audit": ("audit",),
    "mutation": (*SERVED, "dev", "mutation"),
    "build": (),
}
PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)(?:\[[a-z0-9,._-]+\])?==(?P<version>[^ ;\\]+)(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
ASKER = r"-c requirements/dev\.txt|joint-risk \(pyproject\.toml(?::\w+)?\)|[\w.-]+(?:\[[\w,.-]+\])?"
VIA = re.compile(rf"^    #(?: via(?: (?:{ASKER}))?|   (?:{ASKER}))$")


def lock_lines(name: str) -> list[str]:
    """The lines of a lock."""
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def pins(name: str) -> dict[str, str]:
    """Distribution to version, as a lock pins them."""
    found = (PIN.match(line) for line in lock_lines(name))
    return {pin["name"]: pin["version"] for pin in found if pin}


def strange_lines(lines: list[str]) -> list[str]:
    """Lines that are neither a pin, nor a hash, nor a word on who asked for it: an index, a path, an address."""
    return [line for line in lines if not (PIN.match(line) or HASH.match(line) or VIA.match(line))]


def unhashed_pins(lines: list[str]) -> list[str]:
    """Pins that no hash follows."""
    following = [*lines[1:], ""]
    return [line for line, after in zip(lines, following, strict=True) if PIN.match(line) and not HASH.match(after)]


def wanted(lock: str) -> list[Requirement]:
    """What a lock has to satisfy, from `pyproject.toml`."""
    if lock == "build":
        return [Requirement(line) for line in project()["dependency-groups"]["build"]]
    extras = project()["project"]["optional-dependencies"]
    lines = [*project()["project"]["dependencies"], *(line for extra in LOCKS[lock] for line in extras[extra])]
    return [Requirement(line) for line in lines]


def test_every_lock_is_listed_here() -> None:
    assert {file.stem for file in (ROOT / "requirements").glob("*.txt")} == set(LOCKS)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_only_pins_hashes_and_who_asked(lock: str) -> None:
    lines = lock_lines(lock)

    assert pins(lock)
    assert strange_lines(lines) == []
    assert unhashed_pins(lines) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://index.example/simple",
        "--find-links /srv/wheels",
        "rich @ https://files.example/rich.whl",
        "rich==15.0.0",
        "    # via -r /srv/joint-risk/pyproject.toml",
        "    # from https://index.example/simple",
        "-e .",
    ],
)
def test_a_line_with_an_address_a_path_or_no_hash_is_noticed(line: str) -> None:
    assert strange_lines([line]) == [line]


def test_a_pin_without_a_hash_is_noticed() -> None:
    lines = ["rich==15.0.0 \\", "    # via joint-risk (pyproject.toml)"]

    assert unhashed_pins(lines) == lines[:1]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_what_the_project_asks_for(lock: str) -> None:
    pinned = pins(lock)

    unmet = [
        str(requirement)
        for requirement in wanted(lock)
        if requirement.marker is None or requirement.marker.evaluate()
        if not requirement.specifier.contains(pinned.get(canonicalize_name(requirement.name), "0"), prereleases=True)
    ]

    assert unmet == [], "run: make lock"


def test_a_pin_names_every_extra_that_something_installed_asks_for() -> None:
    """Older pips take `tool==1` for no answer to `tool[extra]>=1`, once a newer release than the pinned one is out."""
    pinned = {line.partition("==")[0] for line in lock_lines("dev") if PIN.match(line)}
    asked = {
        f"{canonicalize_name(wish.name)}[{','.join(sorted(wish.extras))}]"
        for installed in distributions()
        if canonicalize_name(installed.name) in pins("dev")
        for wish in map(Requirement, installed.requires or ())
        if wish.extras and (wish.marker is None or wish.marker.evaluate({"extra": ""}))
    }

    assert asked
    assert asked - pinned == set(), "run: make lock"


@pytest.mark.parametrize("lock", sorted(LOCKS.keys() - {"dev"}))
def test_the_locks_agree_on_every_version(lock: str) -> None:
    dev = pins("dev")

    assert {name: version for name, version in pins(lock).items() if dev.get(name, version) != version} == {}


def test_what_an_image_builds_with_is_what_the_build_system_asks_for() -> None:
    assert project()["dependency-groups"]["build"] == project()["build-system"]["requires"]
