"""What is deployed fits the service: metrics that exist, settings that exist, alerts with a page, no root, no shell."""

import json
import re
from typing import Any

import pytest
import yaml

from app.settings import PREFIX, Settings
from app.telemetry import METRICS
from tests.house.checkout import ROOT

DEPLOY = ROOT / "deploy"
SUFFIXES = ("_total", "_bucket", "_count", "_sum")
MANIFESTS = sorted((DEPLOY / "kustomize").rglob("*.yaml"))


def documents(file: str) -> list[dict[str, Any]]:
    """Every manifest of a file."""
    return list(yaml.safe_load_all((DEPLOY / file).read_text(encoding="utf-8")))


def rules() -> list[dict[str, Any]]:
    """Every alert and record."""
    return [rule for group in documents("monitoring/alerts.yaml")[0]["groups"] for rule in group["rules"]]


def metrics_in(query: str) -> set[str]:
    """The metrics of ours that a query names, as they are listed."""
    named = re.findall(r"\bjoint_risk_[a-z0-9_]+(?![\w:])", re.sub(r"joint_risk_\w+:\w+", "", query))
    stems = {name: [name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)] for name in named}
    return {next((stem for stem in found if stem in METRICS), name) for name, found in stems.items()}


def pod_of(file: str) -> dict[str, Any]:
    """The pod that a manifest describes."""
    (manifest,) = documents(file)
    pod: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return pod


def test_every_query_of_the_dashboard_asks_for_a_metric_that_is_written() -> None:
    dashboard = json.loads((DEPLOY / "monitoring" / "dashboard.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]

    asked = set().union(*(metrics_in(query) for query in queries))
    assert len(queries) > 10
    assert asked <= set(METRICS)
    assert set(METRICS) - asked == set(), "a metric that no panel shows"


def test_every_alert_asks_for_metrics_that_are_written_or_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for rule in rules():
        assert metrics_in(rule["expr"]) <= set(METRICS) | recorded, rule


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    headings = set(re.findall(r"^### (JointRisk\w+)$", (ROOT / "docs" / "handbook.md").read_text(), re.MULTILINE))
    alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}

    assert set(alerts) == headings
    for name, rule in alerts.items():
        assert rule["annotations"]["runbook"] == f"docs/handbook.md#{name.lower()}"
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_the_tests_of_the_alerts_speak_of_alerts_that_there_are() -> None:
    (tests,) = documents("monitoring/alerts.test.yaml")
    named = {case["alertname"] for test in tests["tests"] for case in test["alert_rule_test"]}

    assert named <= {rule.get("alert") for rule in rules()}
    assert len(named) >= 5


@pytest.mark.parametrize("file", ["kustomize/base/deployment.yaml", "kustomize/base/migration.yaml"])
def test_a_pod_is_nobody_and_can_write_nowhere_but_where_it_must(file: str) -> None:
    pod = pod_of(file)

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert "command" not in container  # the image's own, without a shell


def test_the_spark_job_gives_the_example_job_options_that_it_has_and_writes_nowhere_else() -> None:
    (job,) = [manifest for manifest in documents("spark/job.yaml") if manifest["kind"] == "Job"]
    (driver,) = job["spec"]["template"]["spec"]["containers"]
    given = driver["args"][driver["args"].index("/opt/joint-risk/spark_job.py") + 1 :]
    known = set(re.findall(r'add_argument\("(--[a-z-]+)"', (ROOT / "examples" / "spark_job.py").read_text()))

    assert {option.partition("=")[0] for option in given if option.startswith("--")} <= known
    assert len([argument for argument in given if not argument.startswith("--")]) == 2
    assert driver["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_spark_executors_find_their_driver_by_the_service_that_selects_it() -> None:
    manifests = {manifest["kind"]: manifest for manifest in documents("spark/job.yaml")}
    service, template = manifests["Service"], manifests["Job"]["spec"]["template"]
    options = dict(
        argument.removeprefix("--conf=").split("=", 1)
        for argument in template["spec"]["containers"][0]["args"]
        if argument.startswith("--conf=")
    )

    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    assert options["spark.driver.host"].startswith(f"{service['metadata']['name']}.")
    assert {str(port["port"]) for port in service["spec"]["ports"]} == {
        options["spark.driver.port"],
        options["spark.driver.blockManager.port"],
    }


def test_a_replica_has_the_time_it_is_promised_to_stop() -> None:
    assert pod_of("kustomize/base/deployment.yaml")["terminationGracePeriodSeconds"] > 25
    (compose,) = documents("compose/compose.yaml")
    assert compose["services"]["joint-risk"]["stop_grace_period"] == "30s"


def test_every_setting_that_is_deployed_exists() -> None:
    (settings,) = documents("kustomize/base/settings.yaml")
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}

    assert settings["data"]
    assert set(settings["data"]) <= known


def test_the_image_names_nothing_that_is_mounted_as_a_secret() -> None:
    """A variable wins over a file, so a default of the image would win over what an operator mounted."""
    secrets = {name.upper() for name in documents("compose/compose.yaml")[0]["secrets"] if name.startswith("joint_")}
    assert secrets == {f"{PREFIX}DATABASE_URL"}
    named = re.findall(rf"\b{PREFIX}[A-Z_]+(?==)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert f"{PREFIX}HOST" in named
    assert secrets.isdisjoint(named)


def test_the_service_has_the_rights_of_the_handbook_and_an_address_of_its_own() -> None:
    handbook = (ROOT / "docs" / "handbook.md").read_text(encoding="utf-8")
    written = (DEPLOY / "compose" / "service-role.sql").read_text(encoding="utf-8")
    rights = [re.findall(r"^ *((?:GRANT|ALTER DEFAULT) .+;)$", text, re.MULTILINE) for text in (handbook, written)]
    services = documents("compose/compose.yaml")[0]["services"]

    assert rights[0] == rights[1] != []
    assert services["joint-risk"]["secrets"] == ["joint_risk_database_url"]
    assert services["migrate"]["secrets"] == [{"source": "owner-database-url", "target": "joint_risk_database_url"}]
    assert list(services["joint-risk"]["depends_on"]) == ["service-role"]
    assert list(services["service-role"]["depends_on"]) == ["migrate"]


def test_nothing_deployed_holds_a_secret() -> None:
    for file in MANIFESTS:
        for manifest in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            assert manifest["kind"] != "Secret", file


def test_every_manifest_is_part_of_something() -> None:
    listed = {
        (file.parent / name).resolve()
        for file in (DEPLOY / "kustomize").rglob("kustomization.yaml")
        for name in yaml.safe_load(file.read_text(encoding="utf-8"))["resources"]
    }
    alone = {file for file in MANIFESTS if file.name != "kustomization.yaml"} - listed

    assert alone == set()


def test_what_is_watched_is_what_is_named() -> None:
    (monitor,) = documents("kustomize/production/service-monitor.yaml")
    services = documents("kustomize/base/service.yaml")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    (watched,) = [service for service in services if wanted <= service["metadata"]["labels"].items()]

    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in watched["spec"]["ports"]}
