"""What the pages say is so: links lead somewhere, commands exist, examples are real, tables are complete."""

import ast
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from typer.main import get_command

from app.api.fixed_limits import fixed_limits
from app.api.problems import KIND_OF, STATUS_OF, TITLE_OF
from app.cli import EXIT_MEANINGS, app
from app.readers import READERS
from app.readers.findings import FINDINGS
from app.rule_sets.documents import published_document
from app.runners import read_request
from app.scoring.assessment import render
from app.scoring.compiled import compile_rule_set
from app.scoring.engine import assess
from app.scoring.rule_set import RuleSetDocument
from app.settings import PREFIX, Settings
from app.telemetry import METRICS
from tests.house.checkout import ROOT, own_texts, project, python_texts

TODAY = date(2026, 11, 24)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")
DECISION_PARTS = ["Context", "Decision", "Consequences", "What enforces it"]
# Keys that are ids of the rule set or of a joint: the page names the kind, not each of them.
MAPS = {"sources", "numbers", "joints", "similar_runner_score", "scores_if_run", "narrows"}

Json = dict[str, Any]


def pages() -> list[str]:
    """Every Markdown file of the checkout."""
    return [path for path, _ in own_texts() if path.endswith(".md")]


def page(path: str) -> str:
    """The text of one page."""
    return (ROOT / path).read_text(encoding="utf-8")


def boxes(path: str, *, kind: str) -> list[str]:
    """The code boxes of a page that are marked as this language."""
    return [text for language, text in FENCE.findall(page(path)) if language == kind]


def links(text: str) -> list[str]:
    """Where a page's links and pictures lead; what stands in code is none."""
    return LINK.findall(re.sub(r"`[^`\n]*`", "", FENCE.sub("", text)))


def anchors(text: str) -> set[str]:
    """The names that a page's headings can be linked by."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken_links(path: str, text: str) -> list[str]:
    """Links within the checkout that lead nowhere."""
    broken = []
    for link in links(text):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (ROOT / path).parent / file
        if not target.exists() or (
            anchor and anchor not in anchors(target.read_text(encoding="utf-8") if file else text)
        ):
            broken.append(link)
    return broken


def make_targets() -> set[str]:
    """What can be made."""
    return set(re.findall(r"^([a-z-]+):(?!=)", page("Makefile"), re.MULTILINE))


@cache
def answer_to(body: bytes) -> Json:
    """What the service answers, without the service."""
    document = RuleSetDocument.model_validate(published_document("2026.1"))
    rules = compile_rule_set(document, version="2026.1", digest=f"sha256:{'0' * 64}")
    read = read_request(body, today=TODAY)
    answer: Json = json.loads(render(assess(rules, read.request, as_of=read.as_of, findings=read.findings)))
    return answer


def readme_request() -> bytes:
    """The body of the README's curl request."""
    (command,) = [text for text in boxes("README.md", kind="sh") if "curl" in text and "-d '" in text]
    body = re.search(r"-d '(\{.*?\})'", command, re.DOTALL)
    assert body is not None
    return body[1].encode()


def left_out(shown: object, real: object, at: str = "") -> Iterator[str]:
    """Places where what is shown is no part of what is real; an entry of a list may stand anywhere in the real one."""
    if isinstance(shown, dict) and isinstance(real, dict):
        for name, member in shown.items():
            if name in real:
                yield from left_out(member, real[name], f"{at}/{name}")
            else:
                yield f"{at}/{name}"
    elif isinstance(shown, list) and isinstance(real, list) and shown and isinstance(shown[0], dict):
        for place, entry in enumerate(shown):
            if not any(not list(left_out(entry, each)) for each in real):
                yield f"{at}/{place}"
    elif shown != real:
        yield at


def command_options() -> Iterator[tuple[str, set[str]]]:
    """Every command of the command line, with its options but for --help."""

    def walk(command: Any, name: str) -> Iterator[tuple[str, set[str]]]:
        below = getattr(command, "commands", None)
        if below is None:
            yield (
                name,
                {option for each in command.params for option in each.opts if option.startswith("--")} - {"--help"},
            )
            return
        for word, one in below.items():
            yield from walk(one, f"{name} {word}".strip())

    yield from walk(get_command(app), "")


def member_names(answer: object) -> set[str]:
    """Every name of a member in an answer, however deep."""
    if isinstance(answer, list):
        return set().union(*map(member_names, answer)) if answer else set()
    if not isinstance(answer, dict):
        return set()
    names: set[str] = set()
    for name, member in answer.items():
        inner = list(member.values()) if name in MAPS and isinstance(member, dict) else member
        names |= {name} | member_names(inner)
    return names


def test_every_link_within_the_checkout_leads_somewhere() -> None:
    assert len(pages()) > 10
    assert {path: broken for path in pages() if (broken := broken_links(path, page(path)))} == {}


def test_a_link_that_leads_nowhere_is_noticed() -> None:
    text = "# One\n[a](README.md) [b](gone.md) [c](#one) [d](#two) [e](https://gone.example) `[f](g.md)`\n"
    assert broken_links("README.md", text) == ["gone.md", "#two"]


def test_every_make_target_that_a_page_names_exists() -> None:
    code = "\n".join(
        "\n".join([text for _, text in FENCE.findall(page(path))] + re.findall(r"`([^`\n]+)`", page(path)))
        for path in pages()
    )
    named = set(re.findall(r"(?<![\w-])make ([a-z][a-z-]*)", code))
    assert {"run", "test", "check"} <= named
    assert named - make_targets() == set()


def test_the_readme_has_the_two_commands() -> None:
    assert {"run", "test"} <= set(re.findall(r"^make ([a-z]+)", "".join(boxes("README.md", kind="sh")), re.MULTILINE))


def test_the_readmes_request_is_scored_without_a_doubt() -> None:
    read = read_request(readme_request(), today=TODAY)
    assert read.findings == []


def test_the_readmes_answer_is_a_part_of_the_real_one() -> None:
    (shown,) = (json.loads(text) for text in boxes("README.md", kind="json"))
    assert list(left_out(shown, answer_to(readme_request()))) == []
    assert shown["joints"]["knee"]["score"] is not None


def test_an_invented_answer_is_noticed() -> None:
    real = {"score": 74, "contributions": [{"factor": "a", "points": 1}, {"factor": "b", "points": 2}]}
    assert list(left_out({"contributions": [{"factor": "b"}]}, real)) == []
    assert list(left_out({"score": 75, "level": "low"}, real)) == ["/score", "/level"]
    assert list(left_out({"contributions": [{"factor": "a", "points": 2}]}, real)) == ["/contributions/0"]


def test_every_member_of_an_answer_is_described() -> None:
    text = page("docs/answer.md")
    answers = [answer_to(path.read_bytes()) for path in sorted((ROOT / "examples").glob("*.json"))]
    assert answers
    names = set().union(*map(member_names, answers))
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_every_code_of_a_finding_or_a_fault_is_described() -> None:
    text = page("docs/answer.md")
    literals = {
        node.value
        for path, source in python_texts("app/runners", "app/scoring/findings.py", "app/scoring/advice.py")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }
    flags = RuleSetDocument.model_validate(published_document("2026.1")).flags
    derived = {flag.id.replace("_", "-") for flag in flags if flag.urgency is None}
    assert len(literals) > 20
    assert {code for code in literals | derived if f"`{code}`" not in text} == set()


def test_every_training_format_and_every_doubt_about_one_is_described() -> None:
    text = page("docs/training-files.md")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.+) \|$", text, re.MULTILINE))
    assert {id for id in READERS if id not in rows} == set()
    assert {code: rows.get(code) for code in FINDINGS} == {code: kind.message for code, kind in FINDINGS.items()}
    unnamed = [id for id, reader in READERS.items() if f"`{reader.media_types[0]}`" not in rows[id]]
    assert unnamed == []


def test_the_floors_are_those_that_are_checked() -> None:
    floors = next(each for each in project()["tool"]["importlinter"]["contracts"] if each["id"] == "floors")
    written = " › ".join(f"`{re.sub(r'[()]', '', layer)}`" for layer in floors["layers"])
    assert written in " ".join(page("CONTRIBUTING.md").split())


def test_every_problem_is_described_with_its_status() -> None:
    listed = {
        slug: int(status)
        for slugs, status in re.findall(r"^\| (`[^|]+`) \| (\d{3}) \|", page("docs/answer.md"), re.MULTILINE)
        for slug in re.findall(r"`([\w-]+)`", slugs)
    }
    assert listed.keys() == TITLE_OF.keys()
    # What callers have no part in never leaves under its own name.
    ours = {error.slug: status for error, status in STATUS_OF.items() if status < 500 or status == 503}
    theirs = {kind.slug: status for status, kind in KIND_OF.items()}
    assert listed == {"internal": 500, **ours, **theirs}


def test_every_setting_is_described_with_its_default() -> None:
    rows = re.findall(rf"^\| `({PREFIX}\w+)` \| (`[^`]*`|none) \| (.+) \|$", page("docs/operation.md"), re.MULTILINE)
    assert rows == [
        (f"{PREFIX}{name.upper()}", "none" if field.default is None else f"`{field.default}`", field.description)
        for name, field in Settings.model_fields.items()
    ], "run: make docs"


def test_every_bound_that_is_no_setting_is_described() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,.]+) \| (.+) \|$", page("docs/operation.md"), re.MULTILINE)
    assert [(name, float(most.replace(",", "")), tells) for name, most, tells in rows] == [
        (name, *limit) for name, limit in fixed_limits().items()
    ], "run: make docs"


def test_every_metric_is_described_with_its_labels() -> None:
    rows = re.findall(r"^\| `(joint_risk_\w+)` \| (.*?) \| (.+) \|$", page("docs/operation.md"), re.MULTILINE)
    assert rows == [
        (
            f"{name}_total" if metric.kind == "counter" else name,
            ", ".join(f"`{label}`" for label in metric.labels),
            metric.tells,
        )
        for name, metric in METRICS.items()
    ], "run: make docs"


def test_every_command_and_option_is_described() -> None:
    sections = {section.partition("\n")[0]: section for section in page("docs/command-line.md").split("\n## ")}
    for name, options in command_options():
        section = next((text for heading, text in sections.items() if f"`joint-risk {name}" in heading), "")
        assert {option for option in options if f"`{option}" not in section} == set(), f"joint-risk {name}"


def test_the_privacy_page_has_a_purpose_for_every_field_of_a_request_and_for_no_other() -> None:
    (table,) = re.findall(r"^\| What \| Fields \|.+\n\|[-|]+\n((?:\|.+\n)+)", page("docs/privacy.md"), re.MULTILINE)
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()]
    told = [name for _, fields, _, _ in rows for name in re.findall(r"`([a-z_]+)`", fields)]
    schemas = json.loads((ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8"))["components"]["schemas"]
    of = {kind: set(schemas[kind]["properties"]) for kind in ("ScoreRequest", "Runner", "Training", "Session")}

    assert all(len(row) == 4 and all(row) for row in rows)
    assert sorted(set(told)) == sorted(told)
    assert set(told) == set().union(*of.values()) - {"runner", "training"}


def test_every_exit_code_is_described() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", page("docs/command-line.md"), re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == EXIT_MEANINGS


def test_every_decision_has_its_parts_and_is_listed() -> None:
    row = re.compile(r"^\| \[(\d{4})\]\(\1-[\w-]+\.md\) \| (.+) \|$", re.MULTILINE)
    found = {}
    for path in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        head = re.match(r"# (\d{4}) · .+\n\n> (.+)\n\n## ", text)
        assert head is not None, f"{path.name} does not begin with its title and one quotable line"
        assert head[1] == path.name[:4]
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == DECISION_PARTS, path.name
        assert links(text.split("## What enforces it")[1]), f"{path.name} names nothing that enforces it"
        found[head[1]] = head[2]
    listed = row.findall(page("docs/decisions/README.md"))
    assert dict(listed) == found
    # A number is given out before its page is written, so there may be gaps; none is used twice, all stand in order.
    assert len(found) == len(list((ROOT / "docs" / "decisions").glob("[0-9]*.md")))
    assert [number for number, _ in listed] == sorted(found)


def test_a_picture_stands_by_itself() -> None:
    drawn = [ET.fromstring(text) for path, text in own_texts() if path.endswith(".svg")]
    assert drawn
    for picture in drawn:
        tags = {element.tag.rpartition("}")[2] for element in picture.iter()}
        assert {"title", "desc"} <= tags
        assert not tags & {"script", "image", "foreignObject", "style", "use"}
        attributes = [written for element in picture.iter() for written in element.attrib.values()]
        assert [written for written in attributes if "//" in written or "url(" in written] == []


def test_the_picture_shows_numbers_of_the_page() -> None:
    texts = " ".join(ET.fromstring(page("docs/how-a-score-is-made.svg")).itertext())
    numbers = set(re.findall(r"\d+\.\d+", texts))
    assert len(numbers) > 10
    assert {number for number in numbers if number not in page("docs/how-a-score-is-made.md")} == set()


def test_no_page_is_empty() -> None:
    assert [path for path in pages() if not Path(ROOT / path).read_text(encoding="utf-8").strip()] == []
