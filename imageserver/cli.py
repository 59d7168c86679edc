"""The command line. Every command is a few lines here; the work lives in the room it belongs to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from imageserver import commands, moving_in
from imageserver.access_command import password_command, tokens_command
from imageserver.backup_command import backup_command, restore_command, spending_command
from imageserver.cert_command import cert_command
from imageserver.doctor_command import doctor_command
from imageserver.errors import ConfigError, ImageServerError
from imageserver.frame_client.command import frame_command
from imageserver.healthcheck import check as check_health
from imageserver.panel_command import panel_command, render_command
from imageserver.prompt_command import prompts_command
from imageserver.version import __version__

F = TypeVar("F", bound=Callable[..., Any])
_data = click.option(
    "--data", metavar="DIR", help="The data folder. Otherwise IMAGESERVER_DATA, else var/data.", type=click.Path()
)


class _Group(click.Group):
    """Says what is wrong in sentences, with exit code 2, and without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            for problem in error.problems:
                click.echo(str(problem), err=True)
            click.echo(f"{len(error.problems)} problem(s); nothing was changed.", err=True)
        except ImageServerError as error:
            click.echo(str(error), err=True)
        except BrokenPipeError:  # `imageserver jobs | head`
            sys.stderr.close()
            return ctx.exit(0)
        except OSError as error:
            click.echo(f"{error.filename or 'system'}: {error.strerror or error}", err=True)
        return ctx.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """A picture server for network photo frames."""


@main.command()
@_data
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; 0 takes any free one.")
def serve(data: str | None, host: str | None, port: int | None) -> None:
    """Start the server."""
    commands.run_server(data, _flags(host=host, port=port, data=data), click.echo)


@main.command()
@_data
@click.option("--providers", is_flag=True, help="Ask each provider's service too, in ways that cost nothing.")
@click.pass_context
def check(context: click.Context, data: str | None, providers: bool) -> None:
    """Check the options and folders; change nothing."""
    config, plugins, selection = commands.check(data, _flags(data=data))
    serving = ", ".join(enabled.kind.code for enabled in selection.enabled) or "none"
    click.echo(f"{config.options_file}: no problems. Providers: {serving}.")
    if not config.data.is_dir():
        click.echo(f"There is no folder {config.data} yet; a start makes it, with everything at its default.")
    for line in moving_in.report(config, selection, os.environ):
        click.echo(line)
    wrong_prompts = commands.check_prompts(config)
    for problem in wrong_prompts:
        click.echo(str(problem), err=True)
    if wrong_prompts:
        click.echo("A server would start all the same, with the last good prompts or with `test`.", err=True)
        context.exit(2)
    if providers:
        found = commands.check_providers(config, plugins, selection)
        for code, missing in found:
            click.echo(f"{code}: {missing or 'good'}")
        context.exit(0 if all(missing is None for _, missing in found) else 1)


@main.command()
@_data
@click.pass_context
def healthcheck(context: click.Context, data: str | None) -> None:
    """Say whether the server is alive: exit code 0, otherwise 1."""
    context.exit(check_health(data))


@main.command()
@_data
def config(data: str | None) -> None:
    """Print the effective options, with secrets masked."""
    click.echo(commands.show_config(data), nl=False)


@main.command()
@_data
@click.option("--count", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many.")
def jobs(data: str | None, count: int) -> None:
    """List the last jobs, newest first, with their state and why."""
    rows = [("CREATED", "STATE", "ASKED", "FRAME", "PROVIDER", "PICTURE", "WHY")]
    rows += [
        (
            commands.when(job["created"]),
            job["state"],
            job["kind"],
            job["frame"] or "-",
            job["provider"] or "-",
            str(job["picture"] or "-"),
            job["why"],
        )
        for job in commands.list_jobs(data, count)
    ]
    commands.table(rows, click.echo)


@main.group(invoke_without_command=True)
@_data
@click.pass_context
def plugins(context: click.Context, data: str | None) -> None:
    """List plugins and providers with their state; or load them anew, or begin one."""
    if context.invoked_subcommand is None:
        _list_plugins(data)


def _list_plugins(data: str | None) -> None:
    there = commands.list_plugins(data)
    rows = [("PLUGIN", "VERSION", "STATUS", "BRINGS", "FROM", "REASON")]
    rows += [
        (
            record["name"],
            record["version"] or "-",
            record["status"],
            ", ".join(record["providers"]) or "-",
            record["source"],
            record["reason"],
        )
        for record in there["plugins"]
    ]
    commands.table(rows, click.echo)
    click.echo()
    commands.table(
        [
            ("PROVIDER", "STATE", "SPENT", "REASON"),
            *(
                (provider["code"], provider["status"], provider.get("spent") or "-", provider["reason"])
                for provider in there["providers"]
            ),
        ],
        click.echo,
    )
    click.echo()
    commands.table(
        [
            ("EXTENSION", "KIND", "STATE", "REASON"),
            *((one["code"], one["kind"], one["status"], one["reason"]) for one in there["extensions"]),
        ],
        click.echo,
    )


@plugins.command()
@_data
@click.pass_context
def reload(context: click.Context, data: str | None) -> None:
    """Let the running server take over what changed in plugins and in the options of providers."""
    assert context.parent is not None
    report = commands.reload_plugins(data or context.parent.params["data"])
    for name in ("added", "changed", "removed", "kept"):
        if report[name]:
            click.echo(f"{name}: {', '.join(report[name])}")
    if report["needs_restart"]:
        click.echo(f"needs a restart: {', '.join(report['needs_restart'])}")
    for problem in report["problems"]:
        click.echo(problem, err=True)
    context.exit(1 if report["problems"] else 0)


@plugins.command()
@click.argument("name")
def new(name: str) -> None:
    """Begin a plugin: write files for a provider called NAME, with tests, into a folder here."""
    from imageserver.scaffold import write_plugin

    for path in write_plugin(name, Path.cwd()):
        click.echo(path)
    click.echo("Next: edit the provider, run its test, drop the provider's file into the plugins folder,")
    click.echo("and say `imageserver plugins reload`.")


@main.command()
@_data
@click.option("--yes", is_flag=True, help="Agree that pictures which this server did not make are deleted too.")
def rotate(data: str | None, yes: bool) -> None:
    """Delete the oldest stored pictures now if there are too many."""
    done = commands.rotate(data, confirm=yes)
    if done["waiting"]:
        click.echo(
            f"{done['stored']} pictures are stored; {done['waiting']} of those to be deleted are your own. "
            "Nothing was deleted: say it with --yes."
        )
    else:
        click.echo(f"{done['stored']} pictures were stored, {done['deleted']} were deleted.")


@main.command()
@_data
@click.argument("picture")
@click.argument("at", metavar="X,Y")
def focus(data: str | None, picture: str, at: str) -> None:
    """Say what a crop of PICTURE must keep: shares of its width and height, such as 0.3,0.6; `none` takes it back.

    PICTURE is its number, as `imageserver jobs` shows it, or its path in the store, such as original/cat.jpg.
    """
    done = commands.set_focus(data, picture, at)
    click.echo(f"picture {done['picture']}: " + ("the server decides" if done["focus"] is None else f"{at} is kept"))


main.add_command(doctor_command, "doctor")
main.add_command(frame_command, "frame")
main.add_command(cert_command, "cert")
main.add_command(backup_command, "backup")
main.add_command(restore_command, "restore")
main.add_command(spending_command, "spending")
main.add_command(password_command, "password")
main.add_command(tokens_command, "tokens")
main.add_command(prompts_command, "prompts")
main.add_command(panel_command, "panel")
main.add_command(render_command, "render")


def _flags(**given: object) -> dict[str, object]:
    return {name: value for name, value in given.items() if value is not None}
