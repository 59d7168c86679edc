"""`imageserver doctor`: the page, as it is typed and printed."""

from __future__ import annotations

import json
import os

import click

from imageserver.clock import SystemClock
from imageserver.config.folders import data_folder
from imageserver.config.model import Config
from imageserver.language import Language, owners_language
from imageserver.prompts import source


@click.command("doctor")
@click.option(
    "--data", metavar="DIR", help="The data folder. Otherwise IMAGESERVER_DATA, else var/data.", type=click.Path()
)
@click.option("--offline", is_flag=True, help="Ask no provider's service.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def doctor_command(context: click.Context, data: str | None, *, offline: bool, as_json: bool) -> None:
    """Look at everything, and say what to do; safe to paste into a forum. Exit code 1: something is wrong."""
    from imageserver.doctor import examine

    language: list[Language] = []

    def speaks(config: Config) -> Language:
        language.append(_language(config))
        return language[0]

    report = examine(
        data_folder(data, os.environ), clock=SystemClock(), environment=os.environ, language=speaks, is_offline=offline
    )
    if as_json:
        click.echo(json.dumps(report.as_json(language[0]), ensure_ascii=False, indent=1))
    else:
        for line in report.page(language[0]):
            click.echo(line)
    context.exit(report.exit_code)


def _language(config: Config) -> Language:
    path = source.find(config.data)
    prompts = source.read(path)[1].prompts if path else ()
    return owners_language(config.options.language, os.environ, (prompt.text for prompt in prompts))
