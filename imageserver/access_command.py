"""`imageserver password` and `imageserver tokens`: who may come in. They need the right to read the data folder."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import click

from imageserver.access.password import PasswordUnfit, check_password, hashed
from imageserver.access.rules import Scope
from imageserver.access.tokens import Tokens
from imageserver.clock import SystemClock
from imageserver.commands import load_config, table, when, with_journal
from imageserver.config.folders import data_folder
from imageserver.errors import ImageServerError
from imageserver.journal import Journal
from imageserver.running import NotRunning, Running

T = TypeVar("T")
_data = click.option(
    "--data", metavar="DIR", help="The data folder. Otherwise IMAGESERVER_DATA, else var/data.", type=click.Path()
)


@click.command("password")
@_data
def password_command(data: str | None) -> None:
    """Set the password for the page; whoever is signed in is signed out.

    It is asked for here, or read from standard input: its first line.
    """
    if sys.stdin.isatty():
        password = click.prompt("New password", hide_input=True, confirmation_prompt="The same once more")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        check_password(password)
    except PasswordUnfit as error:
        raise ImageServerError(str(error)) from None
    folder = data_folder(data, os.environ)
    try:
        asyncio.run(Running.find(folder).ask("POST", "/api/v1/password", {"password": password}))
    except NotRunning:
        _set_at_rest(data, folder, password)
    click.echo("The password is set. Whoever was signed in is signed out.")


def _set_at_rest(data: str | None, folder: Path, password: str) -> None:
    named = load_config(data, {"data": data}).options.password_file
    if named is not None:
        raise ImageServerError(f"the password stands in {named}, as password_file of the options says: change it there")

    async def keep(journal: Journal) -> None:
        await journal.access.set_password(await asyncio.to_thread(hashed, password))

    with_journal(folder, keep)


@click.group("tokens", invoke_without_command=True)
@_data
@click.pass_context
def tokens_command(context: click.Context, data: str | None) -> None:
    """List the tokens of programs; add one, or remove one."""
    if context.invoked_subcommand is not None:
        return
    folder = data_folder(data, os.environ)
    try:
        found = asyncio.run(Running.find(folder).ask("GET", "/api/v1/tokens"))["tokens"]
    except NotRunning:
        found = _at_rest(folder, _listed)
    rows = [("NAME", "SCOPES", "CREATED", "LAST USED")]
    rows += [
        (
            one["name"],
            ", ".join(one["scopes"]),
            when(one["created"]),
            when(one["last_used"]) if one["last_used"] else "-",
        )
        for one in found
    ]
    table(rows, click.echo)


@tokens_command.command()
@_data
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([str(scope) for scope in Scope]),
    multiple=True,
    required=True,
    help="What it may be used for; repeatable.",
)
@click.pass_context
def add(context: click.Context, data: str | None, name: str, scopes: tuple[str, ...]) -> None:
    """Make a token for a program called NAME, and print it this once."""
    folder = _folder(context, data)
    try:
        asked = Running.find(folder).ask("POST", "/api/v1/tokens", {"name": name, "scopes": list(scopes)})
        secret = str(asyncio.run(asked)["token"])
    except NotRunning:

        async def made(tokens: Tokens) -> str:
            return await tokens.add(name, scopes)

        secret = _at_rest(folder, made, begins=True)
    click.echo(secret)
    click.echo("It is shown this once. A program sends it as the header `Authorization: Bearer …`.", err=True)


@tokens_command.command()
@_data
@click.argument("name")
@click.pass_context
def remove(context: click.Context, data: str | None, name: str) -> None:
    """Take a token away: it is good for nothing from now on."""
    folder = _folder(context, data)
    try:
        asyncio.run(Running.find(folder).ask("DELETE", f"/api/v1/tokens/{quote(name, safe='')}"))
    except NotRunning:

        async def gone(tokens: Tokens) -> None:
            await tokens.remove(name)

        _at_rest(folder, gone)
    click.echo(f"The token {name} is removed.")


def _folder(context: click.Context, data: str | None) -> Path:
    assert context.parent is not None
    return data_folder(data or context.parent.params["data"], os.environ)


async def _listed(tokens: Tokens) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "scopes": one.scopes, "created": one.created, "last_used": one.last_used}
        for one in tokens.all()
    ]


def _at_rest(folder: Path, work: Callable[[Tokens], Awaitable[T]], *, begins: bool = False) -> T:
    """The same without a server. Raises NotRunning where none has ever run, unless this `begins` the journal."""
    if not begins and not (folder / "journal.sqlite").exists():
        raise NotRunning(f"no server has run on {folder} yet")

    async def done(journal: Journal) -> T:
        tokens = Tokens(journal=journal, clock=SystemClock(), token=secrets.token_bytes)
        tokens.take_over((await journal.access.all()).tokens)
        return await work(tokens)

    return with_journal(folder, done)
