"""What a check finds can be seen by anybody: a counterexample, posted to a service with the faulty rules, shows it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.rule_sets.checks import CHECKS, CheckFinding
from app.rule_sets.checks.draft import Draft
from app.rule_sets.documents import authored_pointer
from app.scoring.rule_set import RuleSetDocument
from tests.api.service import Author, Service, faults_of
from tests.faulty import FAULTY
from tests.faulty.rule_set import Faulty, Json, Shown, entry, shipped

SHOWN = [each for each in FAULTY if each.shows is not None]


@pytest.fixture(scope="module")
def store_of_faults(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store of its own, to which faulty rule sets are added by hand."""
    file = tmp_path_factory.mktemp("faulty") / "store.db"
    shutil.copyfile(migrated_sqlite_file, file)
    return f"sqlite:///{file}"


@pytest.fixture(scope="module")
def service(store_of_faults: str) -> Iterator[Service]:
    with Service(store_of_faults) as running:
        yield running


@pytest.fixture
def shown(service: Service, store_of_faults: str, request: pytest.FixtureRequest) -> Any:
    """Publishes a faulty rule set by hand and posts a finding's counterexample to it."""
    author = Author(store_of_faults)

    def show(written: Json, finding: CheckFinding) -> Shown:
        version = f"2030.{SHOWN.index(request.getfixturevalue('faulty')) + 1}"
        author.publish(version, document=written)

        def ask(body: object, rules: str = version) -> Json:
            answered = service.score(body, f"/v1/scores?rule_set={rules}")
            assert answered.status_code == 200, answered.text[:500]
            told: Json = answered.json()
            return told

        counterexample = finding.counterexample or {}
        if "better" in counterexample:
            return Shown({}, ask(counterexample["better"]), ask(counterexample["worse"]), {})
        return Shown(ask(counterexample), {}, {}, ask(counterexample, "2026.1"))

    return show


def first_finding(faulty: Faulty, written: Json) -> CheckFinding:
    """What the check finds in the place where the fault was put; it need not look any further."""
    document = RuleSetDocument.model_validate(written)
    draft = Draft(document, tuple(RuleSetDocument.model_validate(each) for each in faulty.predecessors()))
    wanted = (faulty.code, faulty.place(written))
    found: list[tuple[str, str]] = []
    for finding in CHECKS[faulty.check].findings(draft):
        found.append((finding.code, authored_pointer(written, finding.path)))
        if found[-1] == wanted:
            assert finding.severity == CHECKS[faulty.check].codes[finding.code]
            assert finding.message.endswith(".")
            return finding
    pytest.fail(f"{wanted} is not among {found}")


@pytest.mark.parametrize("faulty", SHOWN, ids=lambda faulty: faulty.name)
def test_the_counterexample_shows_the_fault(faulty: Faulty, shown: Any) -> None:
    written = faulty.written()
    finding = first_finding(faulty, written)

    assert finding.counterexample is not None
    assert faulty.shows is not None
    assert faulty.shows(shown(written, finding))


@pytest.mark.parametrize("faulty", [each for each in FAULTY if each.shows is None], ids=lambda faulty: faulty.name)
def test_a_fault_that_no_answer_shows_is_found_without_a_runner(faulty: Faulty) -> None:
    assert first_finding(faulty, faulty.written()).counterexample is None


@pytest.mark.parametrize("check", CHECKS)
def test_every_check_has_faulty_rule_sets_that_show_it(check: str) -> None:
    own = [faulty for faulty in FAULTY if faulty.check == check]

    assert len([faulty for faulty in own if faulty.shows is not None]) >= 3


@pytest.mark.parametrize(
    ("number", "part", "given", "fault"),
    [
        (5, "runner", {"knee": {"pain_now": 11}}, ("/runner/knee/pain_now", "out-of-range")),
        (0, "training", {"sessions": [{"distance_m": 10000}]}, ("/training/sessions/0", "missing")),
        (
            4,
            "runner",
            {"lower_back": {"history": "never", "episodes": 3}},
            ("/runner/lower_back/episodes", "contradiction"),
        ),
        (1, "runner", {"knee": {"symptoms": ["kn_on_fire"]}}, ("/runner/knee/symptoms/0", "unknown-symptom")),
    ],
)
def test_an_example_that_the_service_refuses_is_found_with_its_request(
    service: Service, number: int, part: str, given: Json, fault: tuple[str, str]
) -> None:
    written = shipped()
    written["examples"][number]["request"][part] = given
    found = list(CHECKS["examples"].findings(Draft(RuleSetDocument.model_validate(written))))

    assert [(each.code, each.path) for each in found] == [("example-refused", f"/examples/{number}/request")]
    assert faults_of(service.score(found[0].counterexample)) == {fault}


@pytest.mark.parametrize(
    ("path", "catalogue", "id", "member", "content", "code"),
    [
        ("text", "advice", "sleep7", "text", {"de": "Schlafe."}, "missing-language"),
        ("text", "flags", "kn_locked", "text", {"de": "Ein Knie, das klemmt."}, "missing-language"),
        ("text", "benefits", "bone", "text", {"de": "Knochen."}, "missing-language"),
        ("title", "factors", "sleep_short", "title", {"de": "Kurzer Schlaf"}, "missing-language"),
        ("sources/0", "advice", "sleep7", "sources", ["nobody-1900"], "unknown-source"),
    ],
)
def test_what_is_not_there_to_be_said_breaks_the_answer_that_should_say_it(
    service: Service, store_of_faults: str, path: str, catalogue: str, id: str, member: str, content: Any, code: str
) -> None:
    written = shipped()
    part = entry(written, catalogue, id)
    part[member] = content
    number = written[catalogue].index(part)

    found = list(CHECKS["cohesion"].findings(Draft(RuleSetDocument.model_validate(written))))

    assert [(each.code, each.path) for each in found] == [(code, f"/{catalogue}/{number}/{path}")]
    assert service.score(found[0].counterexample, "/v1/scores?rule_set=2026.1").status_code == 200
    version = f"2031.{1 + sum(map(ord, catalogue + member))}"
    Author(store_of_faults).publish(version, document=written)
    assert service.score(found[0].counterexample, f"/v1/scores?rule_set={version}").status_code == 500


@pytest.mark.parametrize(
    "faulty", [each for each in FAULTY if each.code == "unknown-feature"], ids=lambda faulty: faulty.name
)
def test_rules_that_name_no_feature_cannot_be_scored_with_by_anybody(
    service: Service, store_of_faults: str, faulty: Faulty
) -> None:
    version = f"2032.{1 + FAULTY.index(faulty)}"
    Author(store_of_faults).publish(version, document=faulty.written())

    answered = service.score({"runner": {}, "training": {}}, f"/v1/scores?rule_set={version}")

    assert answered.status_code == 503
    assert answered.json()["type"] == "urn:joint-risk:problem:rule-set-unloadable"
