"""The page on columns says what the code does: its table is the schema, its example runs, its kinds are odd."""

import re
from typing import Any

from app.scoring.columns import BLOCK_ROWS, answer_schema
from tests.house.checkout import ROOT

PAGE = (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")


def documented_columns() -> dict[str, str]:
    """Every column of the table with its type."""
    table = PAGE.partition("## What comes out")[2].partition("## Equal")[0]
    rows = re.findall(r"^\| (`[^|]*`) \| `([^|]*)` \|", table, flags=re.MULTILINE)
    return {name: type_ for names, type_ in rows for name in re.findall(r"`([a-z_]+)`", names)}


def test_the_table_of_columns_is_the_schema() -> None:
    schema = answer_schema(contributions="listed")

    assert documented_columns() == {field.name: str(field.type) for field in schema}
    of_one_joint = [name for name in documented_columns() if not name.startswith("lower_back_")]
    assert of_one_joint == [name for name in schema.names if not name.startswith("lower_back_")]


def test_the_example_of_the_page_runs() -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}

    exec(example, names)

    (row,) = names["answers"].to_pylist()
    assert (row["id"], row["row_status"]) == ("a", "assessed")


def test_the_page_names_the_size_of_a_block() -> None:
    assert f"{BLOCK_ROWS:,} rows" in PAGE
