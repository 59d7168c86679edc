"""`imageserver backup`, `restore` and `spending`: for the day on which something is lost, and the day after it."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from imageserver.clock import SystemClock, local_time
from imageserver.commands import check, load_config, table, when, with_journal
from imageserver.config.folders import absolute, data_folder
from imageserver.errors import ConfigError, ImageServerError
from imageserver.journal import UNCONFIRMED, Damaged, Journal, refuse_newer_journal
from imageserver.lock import DataLock
from imageserver.registry import Selection, library_folders
from imageserver.running import NotRunning, Running

if TYPE_CHECKING:  # a server needs none of it, and `serve` is a command of the same line
    from imageserver.backup.belongings import Belongings
    from imageserver.backup.checking import Checked

_data = click.option(
    "--data", metavar="DIR", help="The data folder. Otherwise IMAGESERVER_DATA, else var/data.", type=click.Path()
)


@click.command("backup")
@_data
@click.option("--check", "only_check", is_flag=True, help="Write nothing: verify the backup FILE.")
@click.argument("file", type=click.Path())
def backup_command(data: str | None, file: str, only_check: bool) -> None:
    """Put everything but renditions into one FILE, while the server runs or while it does not.

    FILE holds keys and can be read by its owner only. It is a tar archive that `tar` opens too.
    """
    from imageserver.backup.checking import check_backup
    from imageserver.backup.making import make_backup

    target = absolute(file)
    if only_check:
        _tell(target, check_backup(target))
        return
    folder = data_folder(data, os.environ)
    with _copied_journal(folder) as (journal, told):
        of = _belongings(data, told)
        made = make_backup(target, of, journal, now=SystemClock().now())
    _tell(target, made.checked)
    if made.gone:
        click.echo(f"{made.gone} pictures went while the others were copied; neither they nor their entries are in it.")
    for name, library in of.libraries.items():
        click.echo(f"not in it: {library}, the folder of {name}: it is yours and is never changed")


def _tell(target: Path, checked: Checked) -> None:
    click.echo(
        f"{target}: whole. Made {when(checked.about.made)} by version {checked.about.version}; "
        f"{checked.files} files, {checked.pictures} pictures in its journal, {checked.purchases} purchases."
    )


@contextmanager
def _copied_journal(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """A copy of the journal, gone afterwards, and which folders a running server says that it uses."""
    from imageserver.journal.copies import copy_at_rest

    if not (folder / "journal.sqlite").exists():
        raise NotRunning(f"no server has run on {folder} yet")
    refuse_newer_journal(folder / "journal.sqlite")
    told: Mapping[str, Any]
    try:
        told = asyncio.run(Running.find(folder).ask("POST", "/api/v1/journal/copy"))
        copy = Path(told["copy"])
    except NotRunning:
        told, copy = {}, folder / f".journal-copy-{secrets.token_hex(8)}.sqlite"
        lock = DataLock(folder)
        lock.take()  # a server that starts at this moment must not write into it
        try:
            copy_at_rest(folder / "journal.sqlite", copy)
        except Damaged as error:
            raise ImageServerError(
                f"{folder / 'journal.sqlite'} is damaged ({error}): start the server, which knows what to do"
            ) from error
        finally:
            lock.release()
    try:
        yield copy, told
    finally:
        copy.unlink(missing_ok=True)


def _belongings(data: str | None, told: Mapping[str, Any]) -> Belongings:
    """Where everything is: as the running server says, else as the options say."""
    from imageserver.backup.belongings import Belongings

    try:
        config, _plugins, selection = check(data, {"data": data} if data else {})
    except ConfigError as error:
        if not told:
            raise
        # The server runs by what the options were. Its folders are known, and no backup waits for a typing error.
        click.echo(f"The options have problems, and what they name elsewhere is not in the backup:\n{error}", err=True)
        folder = data_folder(data, os.environ)
        return Belongings(data=folder, **_folders(told))
    options = config.options
    files = {} if options.password_file is None else {"password_file": options.password_file}
    files.update(_files_of(selection))
    of = Belongings(
        data=config.data,
        images=options.image_path,
        certificates=options.cert_path,
        plugins=options.plugins_dir,
        log_file=options.log_file,
        files={name: path for name, path in files.items() if path.is_file() and not path.is_relative_to(config.data)},
        libraries=library_folders(selection),
    )
    return attrs.evolve(of, **_folders(told)) if told else of


def _folders(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "images": Path(told["image_path"]),
        "certificates": Path(told["cert_path"]),
        "plugins": Path(told["plugins_dir"]),
    }


def _files_of(selection: Selection) -> dict[str, Path]:
    """The files that settings of providers name, by `providers.code.setting`."""
    return {
        f"providers.{enabled.kind.code}.{name}": value
        for enabled in selection.enabled
        for name, value in _values(enabled.settings).items()
        if isinstance(value, Path)
    }


def _values(settings: Any) -> dict[str, Any]:
    return attrs.asdict(settings, recurse=False) if attrs.has(type(settings)) else {}


@click.command("restore")
@_data
@click.option("--images", metavar="DIR", help="The store. Otherwise images beside the data folder.", type=click.Path())
@click.option("--force", is_flag=True, help="Also into folders that are not empty: what is there is moved aside.")
@click.argument("file", type=click.Path())
def restore_command(data: str | None, images: str | None, file: str, force: bool) -> None:
    """Put the backup FILE back into an empty data folder and an empty store.

    A backup holds plugins, which are programs: restore only your own.
    """
    from imageserver.backup.restoring import Places, restore

    named = images or os.environ.get("IMAGESERVER_IMAGE_PATH")
    places = Places.around(data_folder(data, os.environ), absolute(named) if named else None)
    done = restore(absolute(file), places, force=force, now=local_time(SystemClock()))
    click.echo(
        f"{done.files} files of {when(done.about.made)} are restored: data in {places.data}, pictures in "
        f"{places.images}; the journal names {done.pictures} pictures."
    )
    for folder in done.aside:
        click.echo(f"what was there is in {folder}")
    for remark in done.remarks:
        click.echo(remark)
    click.echo(
        "What was bought since that day is not counted, and nothing paid is asked for until you have confirmed the "
        "numbers (on the page Numbers, or by `imageserver spending --confirm`). Start the server when you like."
    )


@click.command("spending")
@_data
@click.option("--confirm", is_flag=True, help="Agree that the counters are right, so that what is paid may be asked.")
def spending_command(data: str | None, confirm: bool) -> None:
    """Show what was bought; confirm it when the journal is a copy or came from a snapshot."""
    folder = data_folder(data, os.environ)
    done = False
    try:
        server = Running.find(folder)
        if confirm:
            done = asyncio.run(server.ask("POST", "/api/v1/counters/confirm"))["confirmed"]
        lines = asyncio.run(server.ask("GET", "/api/v1/plugins"))["providers"]
        waits = asyncio.run(server.ask("GET", "/api/v1/numbers"))["unconfirmed"]
    except NotRunning:
        if not confirm:
            raise
        load_config(data, {"data": data} if data else {})
        done, lines, waits = with_journal(folder, _confirmed_at_rest), [], None
    rows = [("PROVIDER", "TODAY", "THIS MONTH", "COST TODAY", "COST THIS MONTH")]
    for line in lines:
        books = line["books"]
        if books is not None:
            pictures = [str(books[f"pictures_{name}"]) for name in ("today", "this_month")]
            rows.append((line["code"], *pictures, books["cost_today"], books["cost_this_month"]))
    if len(rows) > 1:
        table(rows, click.echo)
    if confirm:
        click.echo("The counters are confirmed." if done else "Nothing had to be confirmed.")
    elif waits is not None:
        click.echo("Nothing paid is asked for until you say `imageserver spending --confirm`: the journal is a copy.")


async def _confirmed_at_rest(journal: Journal) -> bool:
    is_waiting = await journal.notes.get(UNCONFIRMED) is not None
    await journal.notes.remove(UNCONFIRMED)
    return is_waiting
