"""`python -m benchmarks.training_files`: a folder of 500 files, imported and read by the bare libraries, side by side.

Half are FIT, the rest GPX and TCX, all of a real run of 47 minutes with a record a second. Each measurement is a fresh
process, because peak memory is one; the rounds alternate, and medians are quoted. *Bare* decodes every FIT message with
fitdecode, parses GPX with gpxpy and adds its length up, and parses TCX with the standard library; it maps nothing,
checks nothing and keeps nothing.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1] / "tests"
FILES = int(os.environ.get("TRAINING_FILES", "500"))
ROUNDS = int(os.environ.get("TRAINING_ROUNDS", "3"))
RUN = "fit/activity-small-fenix2-run.fit"


def made_up() -> Any:
    """What the tests write files with; a package of theirs is not to be had by name where another has it."""
    found = spec_from_file_location("made_up", TESTS / "unit" / "training_files.py")
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


def write_folder(folder: Path) -> int:
    """Writes the files and answers their size in bytes."""
    write = made_up()
    fit = (TESTS / "samples" / RUN).read_bytes()
    points = write.points_of(fit)
    for number in range(FILES):
        moved = [point._replace(at=point.at + timedelta(days=number)) for point in points] if number % 2 else []
        match number % 4:
            case 1:
                (folder / f"{number}.gpx").write_bytes(write.as_gpx(moved))
            case 3:
                (folder / f"{number}.tcx").write_bytes(write.as_tcx(moved, seconds=2832, metres=9008.22))
            case _:
                (folder / f"{number}.fit").write_bytes(fit)
    return sum(path.stat().st_size for path in folder.iterdir())


def read_ours(folder: str) -> None:
    """What `joint-risk training FOLDER` does before it draws."""
    from app.terminal.training_files import import_files, no_progress

    answer = import_files([folder], today=date(2026, 11, 26), as_of=None, time_zone=None, progress=no_progress)
    assert len(answer["activities"]) == FILES


def read_bare(folder: str) -> None:
    """The same files by the libraries alone."""
    from xml.etree import ElementTree

    import gpxpy
    from fitdecode import FitReader

    for path in sorted(Path(folder).iterdir()):
        if path.suffix == ".fit":
            with FitReader(path) as frames:
                for _ in frames:
                    pass
        elif path.suffix == ".gpx":
            assert gpxpy.parse(path.read_text(encoding="utf-8")).length_2d() > 8_000
        else:
            assert ElementTree.parse(path).getroot() is not None


def measured(way: str, folder: str) -> dict[str, float]:
    """CPU seconds and peak MiB of a fresh process that reads the folder this way."""
    told = subprocess.run(
        [sys.executable, "-m", __spec__.name, way, folder], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(told.stdout)
    return found


def main() -> None:
    """Measures and prints, or is the process that is measured."""
    if len(sys.argv) == 3:
        begun = time.process_time()
        (read_ours if sys.argv[1] == "ours" else read_bare)(sys.argv[2])
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"cpu_s": time.process_time() - begun, "peak_mib": peak_mib}))
        return
    with tempfile.TemporaryDirectory() as folder:
        size = write_folder(Path(folder))
        rounds: dict[str, list[dict[str, float]]] = {"ours": [], "bare": []}
        for _ in range(ROUNDS):
            for way, found in rounds.items():
                found.append(measured(way, folder))
    medians = {
        way: {name: statistics.median(each[name] for each in times) for name in times[0]}
        for way, times in rounds.items()
    }
    print(f"{FILES} files, {size / 1e6:.1f} MB, medians of {ROUNDS} rounds")
    for way, median in medians.items():
        print(f"{way}: {median['cpu_s']:.1f} CPU s, peak {median['peak_mib']:.0f} MiB")
    print(f"ours / bare: {medians['ours']['cpu_s'] / medians['bare']['cpu_s']:.2f}")


if __name__ == "__main__":
    main()
