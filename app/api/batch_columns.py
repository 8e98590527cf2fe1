"""Lines of a batch that are plainly in order, scored in columns: many at once, each answered as if it stood alone.

Needs the `bulk` extra. What is left out here, faulty rows above all, is for `RowScorer`.
"""

import logging
from collections.abc import Sequence
from json import dumps

from app.api.batch_rows import RowScorer
from app.api.problems import REQUEST_ID
from app.log_lines import FIELDS, describe_failure
from app.runners.line_columns import read_lines
from app.scoring.written_columns import write_scores

log = logging.getLogger("joint_risk.api")


def score_lines(scorer: RowScorer, lines: Sequence[bytes | None]) -> list[bytes | None]:
    """The result of every line that is plainly in order, as `RowScorer.answer` gives it; None for the others.

    Never raises, whatever the lines hold.

    Args:
        scorer: of a call that asks for `scores`.
        lines: None is a line that was too long.
    """
    results: list[bytes | None] = [None] * len(lines)
    try:
        for plain in read_lines(lines, as_of=scorer.as_of, today=scorer.today):
            written = write_scores(scorer.rules, plain.told, language=scorer.language, notes=scorer.notes)
            for place, id_, text in zip(plain.places, plain.ids, written.texts, strict=True):
                if text is not None:
                    results[place] = f'{{"id":{dumps(id_)},"assessment":{text}}}'.encode()
            for (joint, status, level), times in written.joints.items():
                labels = (joint, status, level or "none", scorer.rules.digest)
                scorer.telemetry.count("joint_risk_scored_joints", *labels, times=times)
            for code, times in written.findings.items():
                scorer.telemetry.count("joint_risk_findings", code, times=times)
    except Exception as failure:  # noqa: BLE001 - what nobody foresaw in one row must not end the stream of all others
        fields = {FIELDS: {"request_id": scorer.scope.get(REQUEST_ID)}}
        log.error("An error nobody foresaw, in columns: %s", describe_failure(failure), extra=fields)
    return results
