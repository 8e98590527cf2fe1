"""The card of a rule set as a page to read: no script, nothing from anywhere else, every text escaped."""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from typing import Final

from app.rule_sets.changelog import tell_changes, tell_points
from app.rule_sets.changes import Json

_STYLE: Final = """
:root{--ink:#1c2430;--soft:#56606e;--line:#d9dee5;--paper:#fff;--wash:#f4f6f9;--accent:#0b5c8a;--good:#1d6b3a;--bad:#a3241b}
@media (prefers-color-scheme:dark){:root{--ink:#e8ecf1;--soft:#a9b3c0;--line:#38424f;--paper:#12171d;--wash:#1b222b;
--accent:#7cc4ee;--good:#7bd39a;--bad:#ff9d94}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem}
header{background:var(--wash);border-bottom:1px solid var(--line);padding:2rem 1.25rem}
header>*,main{max-width:60rem;margin-inline:auto}main{max-width:62.5rem;padding:0 1.25rem 4rem}
section:first-child h2{border:0}
h1{font-size:2rem;line-height:1.2;margin:0 auto .5rem}
h2{font-size:1.3rem;margin:2.5rem 0 .75rem;padding-top:.75rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.5rem 0 .5rem}
p,li{max-width:46rem}ul{padding-left:1.25rem}li{margin:.3rem 0}
.soft{color:var(--soft)}code{font:.9em ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.two{display:grid;gap:0 2.5rem;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr))}
.table{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.93rem;margin:.5rem 0 1rem}
caption{text-align:left;color:var(--soft);padding:.25rem 0}
th,td{text-align:left;vertical-align:top;padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--line)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.tag{border:1px solid currentColor;border-radius:1rem;padding:0 .5rem;font-size:.8rem;color:var(--soft)}
.ok{color:var(--good);font-weight:600}.no{color:var(--bad);font-weight:600}
a{color:var(--accent)}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;padding:0;margin:1rem auto 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:1rem auto 0}
dt{color:var(--soft)}dd{margin:0}
@media print{nav,.skip{display:none}header{background:none}}
"""
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may load and do: its own style, and nothing else."""

_JOINTS: Final = {"knee": "Knee", "lower_back": "Lower back"}
_GRADES: Final = {
    "high": "High", "moderate": "Moderate", "low": "Low", "very_low": "Very low", "none": "Shown, weighs nothing",
}  # fmt: skip
_PARTS: Final = (
    ("use", "What it is for"), ("population", "Whom it speaks of"), ("evidence", "What it rests on"),
    ("limits", "Known limits"), ("difference", "What is different"), ("checks", "Checks"),
)  # fmt: skip


def write_page(card: Json) -> bytes:
    """The page of a card, UTF-8."""
    version = escape(card["version"])
    parts = (
        _use(card),
        _population(card["population"]),
        _evidence(card["evidence"]),
        _limits(card["known_limits"]),
        _difference(card["difference"]),
        _checks(card["checks"]),
    )
    sections = "".join(
        f'<section aria-labelledby="{id}"><h2 id="{id}">{title}</h2>{part}</section>'
        for (id, title), part in zip(_PARTS, parts, strict=True)
    )
    contents = "".join(f'<li><a href="#{id}">{title}</a></li>' for id, title in _PARTS)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Rule set {version}: its card</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>'
        f'<a class="skip" href="#content">To the content</a><header><h1>Rule set {version}</h1>{_about(card)}'
        f'<nav aria-label="On this page"><ul>{contents}</ul></nav></header><main id="content">{sections}</main>'
        "</body></html>\n"
    ).encode()


def _about(card: Json) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in card["counts"].items())
    rows = {
        "Published": f"{card['published_at'][:10]} by {card['published_by']}",
        "Why": card["reason"],
        "Holds": counts,
    }
    told = "".join(f"<dt>{name}</dt><dd>{escape(said)}</dd>" for name, said in rows.items())
    return f"<dl>{told}<dt>Digest</dt><dd><code>{escape(card['digest'])}</code></dd></dl>"


def _use(card: Json) -> str:
    return (
        f'<div class="two"><div><h3>Intended use</h3>{_list(card["intended_use"])}</div>'
        f"<div><h3>Not for</h3>{_list(card['not_for'])}</div></div>"
        f'<p class="soft">What every runner reads with a score: “{escape(card["notice"])}”</p>'
    )


def _population(population: Json) -> str:
    levels = list(population["levels"]["knee"])
    rows = [
        [_JOINTS[joint], f"{population['base'][joint]:g}", *(f"{100 * shares[level]:.1f} %" for level in levels)]
        for joint, shares in population["levels"].items()
    ]
    table = _table(
        "Base (the score with every factor in its reference band), and how common each level is by the declared shares",
        ["Joint", "Base", *levels], rows, numbers_from=1,
    )  # fmt: skip
    sources = _table(
        "Where the shares of each factor come from",
        ["Factor", "Shares"],
        [[each["title"], each["shares_from"]] for each in population["shares"]],
    )
    return (
        "<p>50 is the average of the reference population, whose shares the rule set declares; 25 points more are "
        f"twice the risk. The shares of {population['assumed_count']} of {len(population['shares'])} factors that "
        f"count are assumed.</p>{table}{sources}"
    )


def _evidence(evidence: Json) -> str:
    told = []
    for joint, by_grade in evidence.items():
        rows = [
            [
                each["title"] + (" (contested)" if each["contested"] else ""),
                f"{_GRADES.get(grade, grade)}, {each['weight']:g}",
                _span(each["points"]),
                f"{each['measure']}: {each['outcome']}",
                "; ".join(source["citation"] for source in each["sources"]),
            ]
            for grade, factors in by_grade.items()
            for each in factors
        ]
        columns = ["Factor", "Grade and weight", "Points", "Measured", "Sources"]
        told.append(f"<h3>{_JOINTS[joint]}</h3>" + _table(f"Factors by grade, {_JOINTS[joint].lower()}", columns, rows))
    return "".join(told)


def _span(points: Json) -> str:
    ends = dict.fromkeys(tell_points(points[end]) for end in ("lowest", "highest"))
    return " to ".join(ends)


def _limits(limits: Json) -> str:
    tag = ' <span class="tag">contested</span>'
    rows = [
        f"<h3>{escape(each['title'])}{tag if each['contested'] else ''}</h3><p>{escape(each['limits'])}</p>"
        for each in limits["factors"]
    ]
    return _list(limits["general"]) + "".join(rows)


def _difference(difference: Json | None) -> str:
    if difference is None:
        return "<p>There is no version before this one.</p>"
    said = [f"<h3>{title}</h3>{_list(sentences)}" for title, sentences in tell_changes(difference["changes"])]
    nothing = "<p>Nothing that a score, an advice or a flag hangs on.</p>"
    return f"<p>Against {escape(difference['from'])}.</p>" + ("".join(said) or nothing)


def _checks(checks: Json) -> str:
    verdict = (
        '<span class="ok">All promises hold.</span>' if checks["ok"] else '<span class="no">Promises are broken.</span>'
    )
    if not checks["findings"]:
        return f"<p>{verdict} This release finds nothing to say against it.</p>"
    rows = [[each["severity"], each["code"], each["path"], each["message"]] for each in checks["findings"]]
    return f"<p>{verdict}</p>" + _table("What was found", ["Kind", "Code", "Where", "What"], rows)


def _list(sentences: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences) + "</ul>"


def _table(caption: str, columns: list[str], rows: list[list[str]], *, numbers_from: int = 99) -> str:
    def kind(place: int) -> str:
        return ' class="n"' if place >= numbers_from else ""

    head = "".join(f'<th scope="col"{kind(place)}>{escape(name)}</th>' for place, name in enumerate(columns))
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{kind(place)}>{escape(told)}</td>" for place, told in enumerate(row[1:], start=1))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="table" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
