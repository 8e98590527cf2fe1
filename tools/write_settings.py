"""Writes the table of settings into the operator's page, from the settings themselves: `make docs`."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "operation.md"
HEAD = "| Variable | Default | Meaning |\n|---|---|---|\n"


def derive_table() -> str:
    """One row a setting, in the order of the code."""
    from app.settings import PREFIX, Settings

    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default or 'none'} | {field.description} |\n")
    return HEAD + "".join(rows)


def with_table(page: str) -> str:
    """The page with its table made anew."""
    return re.sub(re.escape(HEAD) + r"(?:\|.*\n)+", lambda _: derive_table(), page, count=1)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
