"""Scores a folder of Parquet with Spark: reads runners, writes scores, and says how many fell where.

    spark-submit --master spark://HOST:7077 \
      --archives joint-risk-environment.tar.gz#environment --conf spark.pyspark.python=environment/bin/python \
      examples/spark_job.py --rules 2026.1.json --as-of 2026-11-23 RUNNERS SCORES

`joint-risk rules show 2026.1 --format json > 2026.1.json` writes the rules; the environment is a packed virtual one
with `joint-risk[spark]` in it. How many cores and hours a run takes is worked out in docs/spark.md.
"""

import argparse
from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql.functions import count, lit

from app.bulk.run import RulesFile
from app.bulk.spark import score
from app.rule_sets.documents import digest_of


def main() -> None:
    """Runs the job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runners", help="a folder or file of Parquet that every worker can read")
    parser.add_argument("scores", help="where the scores go; replaced if it is there")
    parser.add_argument("--rules", type=Path, required=True, help="a rule set in its canonical form")
    parser.add_argument("--version", help="the version that it was published under; else the file's name")
    parser.add_argument("--withdrawn", action="store_true", help="they have been withdrawn since; every row says so")
    parser.add_argument("--as-of", type=date.fromisoformat, help="the day of rows that name none")
    told = parser.parse_args()
    canonical = told.rules.read_bytes()
    rules = RulesFile(told.version or told.rules.stem, digest_of(canonical), canonical, told.withdrawn)

    spark = SparkSession.builder.appName(f"joint-risk {rules.version}").getOrCreate()
    scored = score(spark.read.parquet(told.runners), rules, as_of=told.as_of)
    scored.write.mode("overwrite").parquet(told.scores)
    done = spark.read.parquet(told.scores)
    done.groupBy("row_status", "summary_level").agg(count(lit(1)).alias("runners")).orderBy("row_status").show()
    spark.stop()


if __name__ == "__main__":
    main()
