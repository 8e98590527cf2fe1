"""What a Spark job's driver does in the tests: run with the Python that has pyspark, not with pytest's.

    spark_driver.py MASTER VERSION RULES AS_OF TODAY RUNNERS SCORES

A VERSION that ends with "!" has been withdrawn.
Says GOING once a few tasks are done and others are not, so that whoever watches may take a worker away.
"""

import sys
import threading
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from app.bulk.run import RulesFile
from app.bulk.spark import score
from app.rule_sets.documents import digest_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def say_when_going(spark: "SparkSession", done: threading.Event) -> None:
    """Watches the tasks."""
    tracker = spark.sparkContext.statusTracker()
    while not done.is_set():
        for stage in tracker.getActiveStageIds():
            told = tracker.getStageInfo(stage)
            if told is not None and told.numCompletedTasks >= 2 and told.numCompletedTasks < told.numTasks:
                print("GOING", told.numCompletedTasks, "of", told.numTasks, flush=True)
                return
        time.sleep(0.02)


def main() -> None:
    """Scores RUNNERS into SCORES."""
    from pyspark.sql import SparkSession  # here, because whoever collects the tests need not have it

    master, version, rules_file, as_of, today, runners, scores = sys.argv[1:]
    canonical = Path(rules_file).read_bytes()
    rules = RulesFile(version.rstrip("!"), digest_of(canonical), canonical, is_withdrawn=version.endswith("!"))
    spark = (
        SparkSession.builder.master(master)
        .config("spark.ui.enabled", "false")
        .config("spark.executor.memory", "600m")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.files.maxPartitionBytes", "64m")
        .config("spark.sql.files.openCostInBytes", "64m")  # a task a file, so that there are many
        .getOrCreate()
    )
    done = threading.Event()
    threading.Thread(target=say_when_going, args=(spark, done), daemon=True).start()
    scored = score(
        spark.read.parquet(runners),
        rules,
        as_of=date.fromisoformat(as_of),
        today=date.fromisoformat(today),
        contributions="listed",
        keep=["place"],
    )
    scored.write.parquet(scores)
    done.set()
    print("DONE", spark.read.parquet(scores).count(), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
