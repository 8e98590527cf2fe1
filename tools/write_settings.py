"""Writes the tables of settings, metrics and fixed bounds into the operator's page, from the code: `make docs`."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "operation.md"
HEAD = "| Variable | Default | Meaning |\n|---|---|---|\n"
LIMITS_HEAD = "| Bound | At most | Of what |\n|---|--:|---|\n"
METRICS_HEAD = "| Metric | Labels | What it tells |\n|---|---|---|\n"


def derive_table() -> str:
    """One row a setting, in the order of the code."""
    from app.settings import PREFIX, Settings

    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default or 'none'} | {field.description} |\n")
    return HEAD + "".join(rows)


def derive_metrics_table() -> str:
    """One row a metric, by the name that Prometheus knows it by."""
    from app.telemetry import METRICS

    rows = []
    for name, metric in METRICS.items():
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        rows.append(f"| `{name}{'_total' if metric.kind == 'counter' else ''}` | {labels} | {metric.tells} |\n")
    return METRICS_HEAD + "".join(rows)


def derive_limits_table() -> str:
    """One row a bound that is no setting."""
    from app.api.fixed_limits import fixed_limits

    return LIMITS_HEAD + "".join(
        f"| `{name}` | {limit.most:,.15g} | {limit.tells} |\n" for name, limit in fixed_limits().items()
    )


def with_tables(page: str) -> str:
    """The page with its tables made anew."""
    tables = {HEAD: derive_table(), METRICS_HEAD: derive_metrics_table(), LIMITS_HEAD: derive_limits_table()}
    for head, table in tables.items():
        before, _, behind = page.partition(head)
        page = before + table + re.sub(r"^(\|.*\n)*", "", behind, count=1)
    return page


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
