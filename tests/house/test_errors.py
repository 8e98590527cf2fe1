"""Every error of ours is drawn in the tree, has a name for ever, a status over HTTP and an exit code in a shell."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module

import pytest

import app
from app import errors
from app.api.problems import STATUS_OF
from app.cli import EXIT_OF
from app.errors import JointRiskError

# A door may refuse in its own words before anybody looks at what was said; such a refusal never reaches another door.
DOORS = ("app.api.", "app.cli")


def concrete(kind: type[JointRiskError]) -> Iterator[type[JointRiskError]]:
    """The classes below `kind` that are raised: those that nothing derives from."""
    below = kind.__subclasses__()
    if not below:
        yield kind
    for child in below:
        yield from concrete(child)


for module in pkgutil.walk_packages(app.__path__, "app."):
    if "._alembic" not in module.name:
        import_module(module.name)
EVERY = sorted(set(concrete(JointRiskError)), key=lambda kind: kind.__name__)
OF_THE_HOUSE = [kind for kind in EVERY if not kind.__module__.startswith(DOORS)]


@pytest.mark.parametrize("kind", EVERY)
def test_an_error_has_a_slug_of_its_own(kind: type[JointRiskError]) -> None:
    assert "slug" in vars(kind)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.slug)
    assert [other for other in EVERY if other.slug == kind.slug] == [kind]


@pytest.mark.parametrize("kind", OF_THE_HOUSE)
def test_an_error_stands_in_the_tree_at_the_top_of_its_file(kind: type[JointRiskError]) -> None:
    assert kind.__module__ == errors.__name__
    assert re.search(rf"──\s{kind.__name__}\s", str(errors.__doc__))


@pytest.mark.parametrize("kind", [kind for kind in EVERY if not kind.__module__.startswith("app.cli")])
def test_an_error_has_a_status_over_http(kind: type[JointRiskError]) -> None:
    assert 400 <= STATUS_OF[kind] < 600


@pytest.mark.parametrize("kind", [kind for kind in EVERY if not kind.__module__.startswith("app.api.")])
def test_an_error_has_an_exit_code_in_a_shell(kind: type[JointRiskError]) -> None:
    # 0 is success, and from 126 on the shell speaks for itself.
    assert 0 < EXIT_OF[kind] < 126
