"""The command line. Every command is a few lines here; the work lives in the room it belongs to."""

from __future__ import annotations

import click


@click.group()
def main() -> None:
    """A picture server for network photo frames."""
