"""`joint-risk serve`, `migrate` and `health`: the service, its store, and whether it is well."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from app.cli.endings import ensure_web_address, give_up, warn
from app.errors import StoreAwayError


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at; else JOINT_RISK_HOST, or 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen at, 0 for any; else JOINT_RISK_PORT, or 8000.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes, on a bare machine; containers run one each.")] = 1,
    migrate: Annotated[bool, typer.Option("--migrate", help="Migrate PostgreSQL first; SQLite always is.")] = False,
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Score by this file and use no store; else JOINT_RISK_BUNDLE."),
    ] = None,
) -> None:
    """Serve the API until told to stop."""
    from app.api.management import ensure_port_is_free
    from app.api.permissions import ensure_bind_is_allowed, read_off_scopes
    from app.settings import read_settings
    from app.terminal import local
    from app.terminal.serving import bind_socket, run_service

    settings = read_settings(host=host, port=port, bundle=bundle)
    ensure_bind_is_allowed(settings, has_keys=lambda: local.may_have_keys(settings))
    read_off_scopes(settings)
    if settings.auth == "off":
        warn(
            f"JOINT_RISK_AUTH=off: nobody is asked for a key, and everybody may {settings.auth_off_scopes}. "
            "Let only what checks callers reach this address."
        )
    if settings.bundle is not None:
        local.ensure_bundle(settings)
    elif migrate or local.is_embedded(settings):
        local.migrate(settings)
    else:
        try:
            local.ensure_schema(settings)
        except StoreAwayError:
            warn("The store does not answer yet. The service starts, asks again, and is not ready until then.")
    try:
        bound = bind_socket(settings)
    except OSError as failure:
        _give_up_listening(failure, at=(settings.host, settings.port), choose="--port")
    try:
        ensure_port_is_free(settings, callers_port=bound.getsockname()[1])
    except OSError as failure:
        _give_up_listening(failure, at=(settings.host, settings.management_port), choose="JOINT_RISK_MANAGEMENT_PORT")
    run_service(bound, settings=settings, workers=workers)


def _give_up_listening(failure: OSError, *, at: tuple[str, int | None], choose: str) -> NoReturn:
    """Says of an address why it cannot be listened at, and how to `choose` another."""
    import errno

    host, port = at
    if failure.errno == errno.EADDRINUSE:
        give_up(f"Port {port} at {host} is taken. Choose another with {choose}.")
    give_up(f"Cannot listen at {host}, port {port}: {failure.strerror or failure}.")


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; say whether there is something to do.")
    ] = False,
    back: Annotated[
        bool, typer.Option("--back", help="Take back what this release changed, for the one before to run on.")
    ] = False,
) -> None:
    """Bring the store up to this release's schema and shipped rules."""
    from alembic.util import CommandError

    from app.database import take_back
    from app.settings import read_settings
    from app.terminal import local

    settings = read_settings()
    if check and back:
        raise typer.BadParameter("one of the two.", param_hint="--check, --back")
    try:
        if check:
            local.ensure_schema(settings)
            typer.echo("The store is up to date.")
        elif back:
            take_back(settings.database_url)
            typer.echo("The store is as the release before left it. Start that one, not this.")
        else:
            before = local.migrate(settings)
            typer.echo("The store was up to date already." if before == "current" else "The store is up to date now.")
    except CommandError as refused:  # a sentence of the migration's own, or of Alembic's
        give_up(str(refused))


def health(
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The service to ask; else the one at JOINT_RISK_HOST and _PORT.")
    ] = None,
) -> None:
    """Ask a running service whether it may be sent requests."""
    from app.terminal.calls import ask_for_health, local_url

    if url is None:
        from app.settings import read_settings

        settings = read_settings()
        if settings.port == 0:
            give_up("JOINT_RISK_PORT=0 names no port to ask at. Say where the service is with --url.")
        url = local_url(settings.host, settings.port)
    is_ready, told = ask_for_health(ensure_web_address(url))
    if not is_ready:
        give_up(f"not ready: {told}")
    typer.echo(told)
