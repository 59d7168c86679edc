"""`imageserver frame --swarm`: what goes with it, and the run."""

from __future__ import annotations

import asyncio
import contextlib
import gc

import click
from click.core import ParameterSource

from imageserver.clock import SystemClock
from imageserver.frame_client.client import POLL
from imageserver.frame_client.options import SwarmOptions
from imageserver.frame_client.swarm_sockets import SwarmImpossible

_TYPES = ("auto", "old")
_WITH_SWARM = ("address", "kind", "tls", "every", "data", "swarm", "seconds", "abort", "seed")
_ONLY_WITH_SWARM = ("seconds", "abort", "seed")


def check_mixture(context: click.Context) -> None:
    """Whether the options of one frame and those of many are kept apart. Raises click.UsageError for all at once."""
    given = [one for one in context.command.params if _was_given(context, one)]
    if context.params["swarm"] is None:
        if lost := [_written(one) for one in given if one.name in _ONLY_WITH_SWARM]:
            raise click.UsageError(f"without --swarm there is no {', '.join(lost)}")
        return
    problems = []
    if lost := [_written(one) for one in given if one.name not in _WITH_SWARM]:
        problems.append(f"--swarm does not go with {', '.join(lost)}")
    if (kind := context.params["kind"]) not in (None, *_TYPES):
        problems.append(f"--swarm asks for {' or '.join(_TYPES)}, not for {kind}")
    if context.params["every"] <= POLL:
        problems.append(
            f"--every must be more than {POLL:g} with --swarm: a frame asks for the result {POLL:g} s later"
        )
    if problems:
        raise click.UsageError("; ".join(problems))


def be_many(options: SwarmOptions) -> int:
    """Run until the time is over or Ctrl-C is pressed; the exit code. Raises SwarmImpossible."""
    from imageserver.frame_client.swarm_run import SwarmRun

    run = SwarmRun(options, click.echo, clock=SystemClock())
    try:
        with contextlib.suppress(KeyboardInterrupt):
            # Looking through thousands of frames for garbage would stop all of them for a tenth of a second.
            asyncio.run(run.run(settled=gc.freeze))
    except SwarmImpossible:
        run.conclude()  # what was seen before
        raise
    finally:
        gc.unfreeze()
    return run.conclude()


def _was_given(context: click.Context, parameter: click.Parameter) -> bool:
    return context.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT


def _written(parameter: click.Parameter) -> str:
    return parameter.opts[0]
