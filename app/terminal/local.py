"""What is done on this machine without a service: the store is opened, migrated, asked, and scored by."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, make_url

from app import database
from app.access.files import KeyFile
from app.access.store import KeyStore
from app.database import SchemaState, connect_engine, ensure_schema_fits
from app.errors import StoreAwayError
from app.rule_sets.bundle import read_bundle
from app.rule_sets.in_force import RulesInForce
from app.rule_sets.store import RuleSetStore
from app.runners import read_request
from app.scoring.assessment import Detail, render
from app.scoring.compiled import CompiledRuleSet, MinEvidence, compile_rule_set
from app.scoring.engine import assess
from app.scoring.findings import WITHDRAWN
from app.settings import Settings, read_settings


def score_locally(
    body: bytes,
    *,
    now: datetime,
    rule_set: str | None,
    min_evidence: MinEvidence | None,
    language: str,
    detail: Detail,
) -> bytes:
    """The answer that `POST /v1/scores` would give, by the rules that the store has in force at this moment.

    Raises:
        InvalidInputError: the request cannot be scored as it is.
        UnknownRuleSetError, NoRuleSetError, InvalidRuleSetError: there are no rules to score by.
        InvalidSettingsError, StoreAwayError, SchemaBehindError, SchemaAheadError: the store cannot be used.
    """
    told = read_request(body, today=now.date())
    settings = read_settings()
    with open_store(settings) as engine:
        store = RuleSetStore(engine)
        held = RulesInForce(store, poll_s=settings.poll_s, timeout_s=settings.store_timeout_s)
        if rule_set is None:
            held.load(now)
        rules = held.active(now) if rule_set is None else held.pinned(rule_set)
        held.close()
        is_withdrawn = any(row.version == rules.version for row in store.withdrawals())
    if min_evidence is not None:
        rules = compile_rule_set(rules.document, version=rules.version, digest=rules.digest, min_evidence=min_evidence)
    notes = [WITHDRAWN] if is_withdrawn else []
    assessment = assess(rules, told.request, as_of=told.as_of, findings=[*notes, *told.findings])
    return render(assessment, detail=detail, language=language)


def published_rules(version: str) -> CompiledRuleSet:
    """The rules of a version that the store of the settings holds.

    Raises:
        UnknownRuleSetError, InvalidRuleSetError: there is no such version, or this release cannot load it.
        InvalidSettingsError, StoreAwayError, SchemaBehindError, SchemaAheadError: the store cannot be used.
    """
    settings = read_settings()
    with open_store(settings) as engine:
        held = RulesInForce(RuleSetStore(engine), poll_s=settings.poll_s, timeout_s=settings.store_timeout_s)
        try:
            return held.pinned(version)
        finally:
            held.close()


@contextmanager
def open_store(settings: Settings) -> Iterator[Engine]:
    """The store of the settings; an embedded one is migrated first, another has to be up to date.

    Raises:
        StoreAwayError, SchemaBehindError, SchemaAheadError: it cannot be used.
    """
    if is_embedded(settings):
        migrate(settings)
    else:
        ensure_schema(settings)
    engine = connect_engine(settings.database_url, timeout_s=settings.store_timeout_s)
    try:
        yield engine
    finally:
        engine.dispose()


def is_embedded(settings: Settings) -> bool:
    """Whether the store is a file that nobody but this installation looks after."""
    return settings.database_url.startswith("sqlite:")


def may_have_keys(settings: Settings) -> bool:
    """Whether the store has keys, or is away: then whoever is let in is told by the keys that it has once it is back.

    Beside a bundle, whether the file of keys has any.

    Raises:
        UnreadableFileError, UnusableFileError: the file of keys cannot be used.
    """
    if settings.bundle is not None:
        return bool(KeyFile(settings.keys_file).records())
    try:
        if schema_of(settings) == "empty":
            return False
        # As it is, also where it is about to be migrated: every schema has had this table.
        engine = connect_engine(settings.database_url, timeout_s=settings.store_timeout_s)
        try:
            return bool(KeyStore(engine).records())
        finally:
            engine.dispose()
    except StoreAwayError:
        return True


def ensure_bundle(settings: Settings) -> None:
    """Raises unless the bundle and the file of keys can be served; uses no store.

    Raises:
        UnreadableFileError, UnusableFileError: one of them cannot; with every fault.
    """
    if settings.bundle is not None:
        read_bundle(settings.bundle)
        KeyFile(settings.keys_file).records()


def name_of_user() -> str:
    """Who is at this command line, as far as the system knows."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "command line"


def migrate(settings: Settings) -> SchemaState:
    """Brings the store up to this release, and says how it stood before.

    Raises:
        StoreAwayError, SchemaAheadError: it cannot be done; nothing was changed.
    """
    before = schema_of(settings)
    database.migrate(settings.database_url)
    return before


def ensure_schema(settings: Settings) -> None:
    """Raises unless this release can work on the store as it is; changes nothing.

    Raises:
        StoreAwayError, SchemaBehindError, SchemaAheadError: it cannot.
    """
    ensure_schema_fits(schema_of(settings))


def schema_of(settings: Settings) -> SchemaState:
    """How the schema of the store stands to this release.

    Raises:
        StoreAwayError: it does not answer.
    """
    file = make_url(settings.database_url).database
    if is_embedded(settings) and file and not Path(file).exists():
        return "empty"  # asking would make the file
    engine = connect_engine(settings.database_url, timeout_s=settings.store_timeout_s)
    try:
        return database.schema_state(engine)
    finally:
        engine.dispose()
