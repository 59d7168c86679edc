"""The free check: is the key accepted, is the model there, and for how long."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from typing import Any

from imageserver import Reply
from imageserver.default_plugins.openai.refusals import as_error
from imageserver.default_plugins.openai.service import Service

_SHOWN = 5  # models in a message
_LONGEST = 60  # characters of a name in it


async def missing_step(service: Service) -> str | None:
    """One sentence about the step that is missing, or None. Raises ProviderErrors."""
    reply = await service.models()
    log, model = service.context.log, service.settings.model
    if reply.status in {404, 405}:
        log.info("%s does not list its models, so key and model cannot be checked", reply.host)
        return None
    if not reply.ok:
        raise as_error(reply)
    models = _models(reply)
    if models and model not in models:
        near = difflib.get_close_matches(model, models, n=_SHOWN, cutoff=0.3) or sorted(models)[:_SHOWN]
        offered = ", ".join(name[:_LONGEST] for name in near)
        return reply.mask(f'{reply.host} does not list the model "{model}": it has {offered} …')
    end = _day(models.get(model, {}).get("shutdown_date"))
    if end:
        log.warning("the model %s is to be shut down on %s: choose another one before", model, reply.mask(end))
    return None


def _models(reply: Reply) -> dict[str, dict[str, Any]]:
    """What is listed, by name. Raises BadResult where that is no JSON object; look-alikes may list nothing."""
    listed = reply.json_object().get("data")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    return {entry["id"]: entry for entry in entries if isinstance(entry.get("id"), str)}


def _day(value: object) -> str:
    """A day as people write it, whether it came as a text or in seconds since 1970."""
    if isinstance(value, int | float) and 0 < value < 1e11:
        return datetime.fromtimestamp(value, UTC).date().isoformat()
    return value[:_LONGEST] if isinstance(value, str) else ""
