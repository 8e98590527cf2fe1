"""The image, built and run as an operator runs it: read-only root, no capabilities, no user name, little memory.

Takes a minute, root, buildah, podman and runc, so it runs when JOINT_RISK_TEST_CONTAINER=1 asks for it, as `.ci/run`
does. The base image must be there (`tools/ci-base-image.sh`); the build sees no network, only wheels fetched before.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.access.store import KeyStore
from app.database import connect_engine
from tests.postgresql import own_postgresql
from tests.system.load import Load

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "localhost/joint-risk:under-test"
# Debian's default runtime fails where old and new cgroups are mixed; runc does not.
PODMAN = ["podman", "--runtime", "runc"]
HARDENED = [
    *("--network", "host", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "all"),
    *("--security-opt", "no-new-privileges", "--memory", "256m"),
    *("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"),
]


def missing_for_containers() -> str | None:
    """Why these tests cannot run here, or None where they can."""
    if os.environ.get("JOINT_RISK_TEST_CONTAINER") != "1":
        return "JOINT_RISK_TEST_CONTAINER=1 is not set: building an image takes minutes and root"
    missing = [tool for tool in ("buildah", "podman", "runc") if shutil.which(tool) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


pytestmark = pytest.mark.skipif(missing_for_containers() is not None, reason=str(missing_for_containers()))


def run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A finished command; where it failed and that was not expected, with all it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image, built from locked wheels without a network."""
    wheels = tmp_path_factory.mktemp("wheels")
    for lock in ("build", "run"):
        pip = [sys.executable, "-m", "pip", "download", "-qq", "--only-binary", ":all:", "--python-version", "3.11"]
        run(*pip, "--require-hashes", "-r", f"requirements/{lock}.txt", "--dest", str(wheels))
    build = ["buildah", "--runtime", "runc", "build", "--format", "docker", "--network", "none", "--pull-never"]
    mount = [
        "--volume",
        f"{wheels}:/wheels:ro",
        "--build-arg",
        "PIP_NO_INDEX=1",
        "--build-arg",
        "PIP_FIND_LINKS=/wheels",
    ]
    for tag in (IMAGE, f"{IMAGE}-again"):
        run(*build, *mount, "--timestamp", "0", "--no-cache", "--tag", tag, ".")
    yield IMAGE
    run(*PODMAN, "rmi", "--force", IMAGE, f"{IMAGE}-again")


@dataclass(frozen=True)
class Container:
    """A running service in a container, and where it answers."""

    name: str
    url: str

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """What Python says inside the container."""
        return run(*PODMAN, "exec", self.name, "python3", "-c", code, check=False)


@contextmanager
def running(image: str, *options: str) -> Iterator[Container]:
    """The service, healthy by the image's own health check."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name = f"joint-risk-test-{os.getpid()}-{port}"
    settings = ["--env", "JOINT_RISK_AUTH=off", "--env", f"JOINT_RISK_PORT={port}"]
    began_s = time.monotonic()
    run(*PODMAN, "run", "--detach", "--name", name, *HARDENED, *settings, *options, image)
    try:
        deadline = time.monotonic() + 30
        while run(*PODMAN, "healthcheck", "run", name, check=False).returncode != 0:
            logs = run(*PODMAN, "logs", name, check=False)
            assert time.monotonic() < deadline, f"not healthy after 30 s:\n{logs.stdout}\n{logs.stderr}"
            time.sleep(0.2)
        print(f"healthy {time.monotonic() - began_s:.1f} s after it was told to run")
        yield Container(name, f"http://127.0.0.1:{port}")
    finally:
        run(*PODMAN, "rm", "--force", "--volumes", "--time", "0", name, check=False)


@pytest.fixture
def container(image: str) -> Iterator[Container]:
    with running(image) as started:
        yield started


def test_a_runner_is_scored_over_http_from_a_container_with_a_read_only_root(container: Container) -> None:
    request = (ROOT / "examples" / "risky-runner.json").read_bytes()

    answer = httpx.post(f"{container.url}/v1/scores", content=request, headers={"Content-Type": "application/json"})

    assert answer.status_code == 200, answer.text
    assert answer.json()["joints"]["knee"]["score"] is not None
    assert answer.json()["rule_set"]["version"] == "2026.1"


def test_the_service_is_nobody_and_can_write_only_to_its_data(container: Container) -> None:
    assert container.python("import os; print(os.getuid(), os.getgid())").stdout.split() == ["10001", "10001"]
    for place in ("/opt/joint-risk/planted", "/planted", "/usr/planted"):
        refused = container.python(f"open({place!r}, 'w')")
        assert refused.returncode != 0
        assert "Read-only file system" in refused.stderr
    assert container.python("import os; os.stat('/data/joint-risk.db')").returncode == 0


def test_the_image_holds_nothing_to_build_or_install_with(container: Container) -> None:
    tools = ("pip", "pip3", "cc", "gcc", "make", "git", "uv", "hatchling")
    found = container.python(f"import shutil; print([t for t in {tools} if shutil.which(t)])")
    assert found.stdout.strip() == "[]"
    assert container.python("import pip").returncode != 0


def test_building_it_again_makes_the_same_layers_to_the_byte(image: str) -> None:
    first, again = (json.loads(run(*PODMAN, "image", "inspect", tag).stdout)[0] for tag in (image, f"{image}-again"))

    assert first["RootFS"]["Layers"] == again["RootFS"]["Layers"]
    print(f"{first['Size'] / 1e6:.0f} MB")


def test_it_is_stopped_under_load_and_no_call_fails(container: Container) -> None:
    with Load([container.url], callers=3) as load:
        load.wait_for(30)
        stopping = threading.Thread(target=run, args=(*PODMAN, "stop", "--time", "30", container.name))
        stopping.start()
        # A load balancer's part: once it says that it goes, nothing more is sent.
        while httpx.get(f"{container.url}/readyz").status_code == 200:
            time.sleep(0.02)
        load.wait_for(10)  # still answered: it takes the balancer a while
    stopping.join()

    load.ensure_nothing_failed()
    state = json.loads(run(*PODMAN, "inspect", container.name).stdout)[0]["State"]
    assert state["ExitCode"] in (0, 128 + 15)


def test_a_term_signal_ends_the_service_within_ten_seconds_and_without_force(container: Container) -> None:
    started = time.monotonic()
    run(*PODMAN, "stop", "--time", "20", container.name)
    assert time.monotonic() - started < 10

    state = json.loads(run(*PODMAN, "inspect", container.name).stdout)[0]["State"]
    assert state["ExitCode"] in (0, 128 + 15)


def test_without_keys_and_without_a_word_about_it_the_container_refuses_to_start(image: str) -> None:
    refused = run(*PODMAN, "run", "--rm", *HARDENED, image, check=False)

    assert refused.returncode not in (0, 137)
    assert "JOINT_RISK_AUTH" in refused.stderr + refused.stdout


def test_the_store_that_a_mounted_secret_names_is_used_by_every_command(image: str, tmp_path: Path) -> None:
    secret = tmp_path / "joint_risk_database_url"
    with own_postgresql() as postgresql:
        secret.write_text(postgresql.url, encoding="utf-8")
        mounted = [*PODMAN, "run", "--rm", *HARDENED, "--volume", f"{tmp_path}:/run/secrets:ro", image]
        for folder_mode, file_mode, named in ((0o700, 0o644, "SECRETS_DIR"), (0o755, 0o600, "DATABASE_URL")):
            tmp_path.chmod(folder_mode)
            secret.chmod(file_mode)
            refused = run(*mounted, "migrate", check=False)
            assert (refused.returncode, "1 settings fault found" in refused.stderr) == (8, True), refused.stderr
            assert f"JOINT_RISK_{named}: " in refused.stderr
        secret.chmod(0o644)
        run(*mounted, "migrate")
        run(*mounted, "keys", "create", "--name", "first", "--scope", "score")
        engine = connect_engine(postgresql.url)
        assert [record.name for record in KeyStore(engine).records()] == ["first"]
        engine.dispose()


def test_readiness_says_whether_the_store_outlives_the_container(image: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    for place, said in (
        ([f"--volume={tmp_path}:/data"], "ok"),
        ([], "ephemeral"),  # the image asks for a volume, so the engine makes one that has no name
    ):
        with running(image, *place) as container:
            assert httpx.get(f"{container.url}/readyz").json()["store"] == said, place


def test_the_image_says_what_it_is_and_how_to_ask_after_its_health(image: str) -> None:
    facts = json.loads(run(*PODMAN, "image", "inspect", image).stdout)[0]
    question = "from importlib.metadata import version; print(version('joint-risk'))"
    installed = run(*PODMAN, "run", "--rm", *HARDENED, "--entrypoint", "python3", image, "-c", question)

    assert facts["User"] == "10001:10001"
    assert facts["Healthcheck"]["Test"] == ["CMD", "joint-risk", "health"]
    assert facts["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert facts["Labels"]["org.opencontainers.image.version"] == installed.stdout.strip()
