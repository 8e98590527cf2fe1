"""Makes `.venv` hold exactly what the lock names and this package, and is done at once where it already does.

Run by `make setup` with any Python 3; only making a new environment asks for 3.11. It knows nothing but the
standard library, because it runs before anything is installed.
"""

from __future__ import annotations  # an old Python has to get as far as saying that it is too old

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = str(ENVIRONMENT / "bin" / "python")
STAMP = ENVIRONMENT / ".set-up"
LOCK = ROOT / "requirements" / "dev.txt"


def read_python_version() -> str | None:
    """The version of the environment's Python, or None where it does not run, is too old, or has no pip.

    An environment outlives its Python: after a system upgrade its links lead nowhere, or to another minor
    version that does not find what was installed. Importing pip finds out both.
    """
    question = f"import pip, sys; assert sys.version_info >= {OLDEST}; print(sys.version)"
    try:
        answer = subprocess.run([PYTHON, "-c", question], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def derive_stamp(python_version: str) -> str:
    """What the environment was made from; any difference means it has to be made to fit again.

    The folder counts, because an editable install and the scripts' first lines name it.
    """
    digest = hashlib.sha256()
    for part in (python_version.encode(), LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes()):
        digest.update(hashlib.sha256(part).digest())
    return f"{ROOT}\n{digest.hexdigest()}\n"


def ensure_environment(*, afresh: bool) -> str:
    """The version of a Python that works in `.venv`, which is made anew where there is none or it has moved."""
    version = None if afresh else read_python_version()
    moved = STAMP.exists() and STAMP.read_text().splitlines()[:1] != [str(ROOT)]
    if version is None or moved:
        if sys.version_info < OLDEST:
            sys.exit(
                f"Joint-risk needs Python {'.'.join(map(str, OLDEST))} or newer; this is {sys.version.split()[0]}. "
                "Name another: make setup PYTHON=/path/to/python3"
            )
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        version = read_python_version()
        if version is None:
            sys.exit("The new environment in .venv has no pip. Install your system's venv package (python3-venv).")
    return version


def install() -> None:
    """Installs what the lock names, every file checked against its hash, then this package in place."""
    pip = [PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True, cwd=ROOT)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", "."], check=True, cwd=ROOT)


def main() -> None:
    """Brings `.venv` up to date, and says so only when there was something to do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--with-this-python", action="store_true", help="make .venv anew if it was not made by the Python running this"
    )
    chosen = parser.parse_args().with_this_python
    version = ensure_environment(afresh=chosen and read_python_version() != sys.version.strip())
    stamp = derive_stamp(version)
    if STAMP.exists() and STAMP.read_text() == stamp:
        return
    print("Setting up .venv from requirements/dev.txt (a minute or two, once) ...", flush=True)
    STAMP.unlink(missing_ok=True)  # an interrupted installation must not look finished
    install()
    STAMP.write_text(stamp)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"make setup: {' '.join(map(str, error.cmd))} ended with status {error.returncode}")
