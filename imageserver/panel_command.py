"""`imageserver panel` and `imageserver render`: what a frame shows of a file, and how one is made for it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

import click

from imageserver.errors import PictureBroken
from imageserver.panel.profiles import DEFAULT, profile_called, profiles
from imageserver.panel.refusal import JpegRefused
from imageserver.target import FitMode, Render, Target, read_focus

_THERE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(dir_okay=False, path_type=Path)


@click.command("panel")
@click.argument("file", type=_THERE)
@click.option("--save", type=_NEW, required=True, help="Write what the panel shows as PNG.")
def panel_command(file: Path, save: Path) -> None:
    """Draw FILE, a JPEG, as a frame's decoder does."""
    from imageserver.panel import accepted, proof

    jpeg = file.read_bytes()
    try:
        facts = accepted.inspect(jpeg)
        proof.drawn(jpeg).save(save, "PNG")
    except JpegRefused as error:
        click.echo(f"{file}: a frame's decoder refuses it: {error}", err=True)
        sys.exit(1)
    click.echo(f"{facts.width}x{facts.height}, {facts.sampling}, {facts.size} bytes: {save} is what the panel shows")


@click.command("render")
@click.argument("files", nargs=-1, required=True, type=_THERE, metavar="FILE...")
@click.option("--panel", type=click.Choice(list(profiles())), default=DEFAULT, show_default=True, help="For which one.")
@click.option("--render", "how", type=click.Choice(get_args(Render)), default="panel", show_default=True)
@click.option("--fit-mode", type=click.Choice(get_args(FitMode)), default="smart", show_default=True)
@click.option("--focus", metavar="X,Y", help="What a crop must keep: shares of width and height, such as 0.3,0.6.")
@click.option("--max-bytes", type=click.IntRange(4_000, 10_000_000), help="By default as the panel's profile says.")
@click.option("--sheet", type=_NEW, help="Write original, sent, panel and difference of every file as one PNG.")
@click.option("--save-jpeg", type=_NEW, help="Write the JPEG of the last file.")
def render_command(
    *,
    files: tuple[Path, ...],
    panel: str,
    how: Render,
    fit_mode: FitMode,
    focus: str | None,
    max_bytes: int | None,
    sheet: Path | None,
    save_jpeg: Path | None,
) -> None:
    """Make each FILE as the server makes it for a frame, and say how near the panel comes to it."""
    from imageserver import image
    from imageserver.panel import proof

    profile = profile_called(panel)
    target = Target(
        width=profile.width or 800,
        height=profile.height or 600,
        panel=panel,
        render=how,
        fit_mode=fit_mode,
        max_bytes=max_bytes,
    )
    strips, failed = [], False
    for file in files:
        try:
            canvas = image.fitted(file.read_bytes(), target, _focus(focus))
        except PictureBroken as error:
            click.echo(f"{file}: {error}", err=True)
            failed = True
            continue
        jpeg = image.encoded(canvas, target)
        near = proof.nearness(canvas, jpeg) if profile.is_coarse else None
        told = f", eye {near.eye:.1f} dB, detail {near.detail:.1f} dB, pixels {near.pixels:.1f} dB" if near else ""
        click.echo(f"{file}: {canvas.width}x{canvas.height}, {len(jpeg)} bytes{told}")
        strips.append(proof.strip(file.name, canvas, jpeg))
        if save_jpeg is not None:
            save_jpeg.write_bytes(jpeg)
    if sheet is not None and strips:
        proof.stacked(strips).save(sheet, "PNG")
        click.echo(f"wrote {sheet}")
    sys.exit(1 if failed else 0)


def _focus(text: str | None) -> tuple[float, float] | None:
    try:
        return None if text is None else read_focus(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
