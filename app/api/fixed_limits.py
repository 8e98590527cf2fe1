"""Bounds that nobody can set: what a machine of any size is held to, by names with their units, for operators to see.

They are gathered from where they are kept to. Readers and Arrow are looked at when somebody asks: a start does without.
"""

from functools import cache
from typing import NamedTuple


class FixedLimit(NamedTuple):
    """One of them.

    Attributes:
        most: in the unit that its name ends with.
        tells: what it bounds.
    """

    most: float
    tells: str


@cache
def fixed_limits() -> dict[str, FixedLimit]:
    """Every bound that is no setting, by its name."""
    return {**_calls(), **_batches(), **_imports(), **_jobs(), **_rule_sets()}


def _calls() -> dict[str, FixedLimit]:
    from app.api.deps import QUERY_FIELDS_MOST
    from app.api.limits import HEADERS_MOST
    from app.api.problems import ERRORS_MOST
    from app.api.receipts import BODIES
    from app.runners.profile import SESSIONS_MAX, WEEKS_MAX
    from app.runners.requests import DEPTH_MOST, FINDINGS_MAX

    return {
        "head_headers_count": FixedLimit(HEADERS_MOST, "headers of a call"),
        "query_parameters_count": FixedLimit(QUERY_FIELDS_MOST, "parameters of an address"),
        "request_nesting_count": FixedLimit(DEPTH_MOST, "objects and lists of a runner's request within one another"),
        "request_sessions_count": FixedLimit(SESSIONS_MAX, "sessions of one runner"),
        "request_weeks_count": FixedLimit(WEEKS_MAX, "weeks of one runner"),
        "request_findings_count": FixedLimit(FINDINGS_MAX, "unknown fields that are told one by one"),
        "verify_bodies_count": FixedLimit(BODIES, "times `JOINT_RISK_BODY_LIMIT_BYTES` for a verification"),
        "problem_errors_count": FixedLimit(ERRORS_MOST, "faults that a problem lists"),
    }


def _batches() -> dict[str, FixedLimit]:
    from app.api.arrow_frames import MESSAGE_MOST_BYTES, METADATA_MOST_BYTES
    from app.api.arrow_frames import ROWS_MOST as ARROW_ROWS_MOST
    from app.api.batch import BODY_MOST_BYTES, LINE_MOST_BYTES, ROWS_MOST
    from app.api.batch_lines import AHEAD_MOST_BYTES
    from app.api.streams import WAITING_MOST_BYTES

    return {
        "batch_body_bytes": FixedLimit(BODY_MOST_BYTES, "a batch as a list, unpacked"),
        "batch_rows_count": FixedLimit(ROWS_MOST, "rows of a batch as a list"),
        "batch_line_bytes": FixedLimit(LINE_MOST_BYTES, "one line of a stream"),
        "arrow_message_bytes": FixedLimit(MESSAGE_MOST_BYTES, "one record batch of an Arrow stream"),
        "arrow_rows_count": FixedLimit(ARROW_ROWS_MOST, "rows of one record batch"),
        "arrow_metadata_bytes": FixedLimit(METADATA_MOST_BYTES, "what a record batch says of itself"),
        "stream_ahead_bytes": FixedLimit(AHEAD_MOST_BYTES, "lines that are read ahead of what is scored"),
        "stream_waiting_bytes": FixedLimit(WAITING_MOST_BYTES, "answers of one stream that wait to be read"),
    }


def _imports() -> dict[str, FixedLimit]:
    from app.api.training import BENCHES, BODY_MOST_BYTES, DEADLINE_S, MEMORY_BYTES, WAITING_MOST
    from app.readers import containers, content, fit_messages, gpx, guarded_xml, multipart, records, tables, tcx
    from app.readers.assembly import ACTIVITIES_MOST
    from app.readers.importing import CALL_MOST_S, FILE_MOST_S

    return {
        "import_body_bytes": FixedLimit(BODY_MOST_BYTES, "an import, all its files together"),
        "import_parts_count": FixedLimit(multipart.PARTS_MOST, "files of one import"),
        "import_deadline_s": FixedLimit(DEADLINE_S, "the process that reads an import"),
        "import_reading_s": FixedLimit(CALL_MOST_S, "reading; files that are left then are named as not read"),
        "import_file_reading_s": FixedLimit(FILE_MOST_S, "reading one file"),
        "import_memory_bytes": FixedLimit(MEMORY_BYTES, "memory of the process that reads an import"),
        "import_at_work_count": FixedLimit(BENCHES, "imports that are read at a time"),
        "import_waiting_count": FixedLimit(WAITING_MOST, "imports that wait; the next is refused"),
        "import_unpacked_bytes": FixedLimit(containers.UNPACKED_MOST_BYTES, "all that is unpacked in one import"),
        "import_file_bytes": FixedLimit(containers.FILE_MOST_BYTES, "one file, unpacked"),
        "import_unpacked_ratio": FixedLimit(containers.RATIO_MOST, "unpacked to packed size of a file over 1 MiB"),
        "import_archive_entries_count": FixedLimit(containers.ENTRIES_MOST, "entries of an archive"),
        "import_activities_count": FixedLimit(ACTIVITIES_MOST, "activities of one import"),
        "import_json_bytes": FixedLimit(content.JSON_LIMIT_BYTES, "one JSON file"),
        "import_json_openings_count": FixedLimit(content.JSON_OPENINGS_MOST, "objects and lists of one JSON file"),
        "import_json_records_count": FixedLimit(records.RECORDS_MOST, "records of one JSON file"),
        "import_table_bytes": FixedLimit(tables.TABLE_LIMIT_BYTES, "one table"),
        "import_table_rows_count": FixedLimit(tables.ROWS_MOST, "rows of one table"),
        "import_table_columns_count": FixedLimit(tables.COLUMNS_MOST, "columns of one table"),
        "import_xml_nesting_count": FixedLimit(guarded_xml.DEPTH_MOST, "elements of XML within one another"),
        "import_xml_attributes_count": FixedLimit(guarded_xml.ATTRIBUTES_MOST, "attributes of an element"),
        "import_fit_records_count": FixedLimit(fit_messages.RECORDS_MOST, "records of one FIT file"),
        "import_fit_summaries_count": FixedLimit(fit_messages.SUMMARIES_MOST, "sessions or laps of one FIT file"),
        "import_gpx_tracks_count": FixedLimit(gpx.TRACKS_MOST, "tracks of one GPX file"),
        "import_tcx_activities_count": FixedLimit(tcx.ACTIVITIES_MOST, "activities of one TCX file"),
    }


def _jobs() -> dict[str, FixedLimit]:
    from app.api.published_work import JOB_DEADLINE_S, JOB_MEMORY_BYTES, JOBS_WAITING_MOST
    from app.workshop import ANSWER_MOST_BYTES

    return {
        "job_deadline_s": FixedLimit(JOB_DEADLINE_S, "a check, a comparison, a card or a test pack"),
        "job_memory_bytes": FixedLimit(JOB_MEMORY_BYTES, "memory of its process"),
        "job_waiting_count": FixedLimit(JOBS_WAITING_MOST, "jobs that wait for the one at work; the next is refused"),
        "job_answer_bytes": FixedLimit(ANSWER_MOST_BYTES, "what a job or an import may answer"),
    }


def _rule_sets() -> dict[str, FixedLimit]:
    from app.rule_sets.documents import DOCUMENT_BYTES_MAX
    from app.rule_sets.in_force import OTHERS_MOST
    from app.rule_sets.lifecycle import AHEAD_MOST, REASON_MOST_CHARACTERS
    from app.rule_sets.syntax import DEPTH_MAX, VALUES_MAX

    return {
        "rule_set_bytes": FixedLimit(DOCUMENT_BYTES_MAX, "a rule set as it is written"),
        "rule_set_nesting_count": FixedLimit(DEPTH_MAX, "maps and lists of a rule set within one another"),
        "rule_set_values_count": FixedLimit(VALUES_MAX, "values of a rule set"),
        "rule_sets_held_count": FixedLimit(OTHERS_MOST, "pinned versions held beside those in force and scheduled"),
        "reason_characters_count": FixedLimit(REASON_MOST_CHARACTERS, "a reason for a decision"),
        "schedule_ahead_days": FixedLimit(AHEAD_MOST.days, "a version put in force ahead of time"),
    }
