"""Whoever silences a check says why, beside it."""

import ast
import io
import re
import tokenize

import pytest

from tests.house.checkout import names_of, python_texts

SILENCERS = re.compile(
    r"#\s*(?:"
    r"type:\s*ignore(?:\[[\w, -]+\])?"
    r"|(?:ruff:\s*)?noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?"
    r"|pragma:\s*no\s*\w+"
    r"|mypy:\s*[\w-]+"
    r")"
)
SKIPS = {
    "pytest.skip": 0,
    "pytest.xfail": 0,
    "pytest.mark.skip": 0,
    "pytest.mark.xfail": None,
    "pytest.mark.skipif": None,
    "pytest.importorskip": None,
}
BROAD = {"Exception", "BaseException"}


def says_something(comment: str) -> bool:
    """Whether what is left of a comment is a reason: at least three words."""
    return len(re.findall(r"[A-Za-z]{2,}", comment)) >= 3


def comments_of(source: str) -> dict[int, tuple[str, bool]]:
    """Line to comment, and whether the comment has the line for itself."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: (token.string, not token.line[: token.start[1]].strip())
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def unexplained(source: str) -> list[int]:
    """Lines that silence a check, skip a test or catch everything, and give no reason."""
    comments = comments_of(source)

    def reason_near(line: int, *, after: str = "") -> bool:
        above, alone = comments.get(line - 1, ("", False))
        return says_something(after) or (alone and not SILENCERS.search(above) and says_something(above))

    lines = [
        line
        for line, (text, _) in comments.items()
        if SILENCERS.search(text) and not reason_near(line, after=SILENCERS.sub("", text))
    ]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and (node.type is None or names_of(node.type) in BROAD):
            beside = SILENCERS.sub("", comments.get(node.lineno, ("", False))[0])
            first = comments.get(node.lineno + 1, ("", False))[0]
            if not (reason_near(node.lineno, after=beside) or says_something(first)):
                lines.append(node.lineno)
        if isinstance(node, ast.Call) and names_of(node.func) in SKIPS and not gives_reason(node):
            lines.append(node.lineno)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            bare = [mark for mark in node.decorator_list if names_of(mark) in SKIPS]
            lines += [mark.lineno for mark in bare]
    return sorted(set(lines))


def gives_reason(call: ast.Call) -> bool:
    """Whether a skip is called with words, or with an expression that makes them."""
    position = SKIPS[names_of(call.func)]
    reasons = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
    if position is not None and len(call.args) > position:
        reasons.append(call.args[position])
    return any(not isinstance(reason, ast.Constant) or says_something(str(reason.value)) for reason in reasons)


def test_every_silenced_check_has_its_reason_beside_it() -> None:
    assert {path: lines for path, text in python_texts() if (lines := unexplained(text))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "x = f()  # type: ignore[arg-type]",
        "x = f()  # noqa: S101",
        "if x:  # pragma: no cover\n    pass",
        "pytest.skip()",
        "pytest.skip('later')",
        "pytest.importorskip('zen')",
        "@pytest.mark.skip\ndef test_x(): ...",
        "@pytest.mark.skipif(True, reason='')\ndef test_x(): ...",
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept:\n    pass",
    ],
)
def test_a_silenced_check_without_a_reason_is_noticed(code: str) -> None:
    assert unexplained(code)


@pytest.mark.parametrize(
    "code",
    [
        "x = f()  # type: ignore[arg-type]  # the stub of f is older than f",
        "# The stub of f is older than f.\nx = f()  # type: ignore[arg-type]",
        "x = f()  # noqa: S608 - the name comes from our own list",
        "pytest.skip('no PostgreSQL in this environment')",
        "pytest.importorskip('zen', reason='the rival is only in the bench lock')",
        "try:\n    f()\nexcept Exception:\n    # Whatever it is, the poll goes on.\n    pass",
        "text = '# noqa'",
    ],
)
def test_a_reason_is_recognised(code: str) -> None:
    assert unexplained(code) == []
