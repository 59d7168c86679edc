"""What the web UI's refusals mean. AUTOMATIC1111 and Forge word the same failure in different ways."""

from __future__ import annotations

from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    ModelGone,
    ProviderError,
    Reply,
    TransientError,
)
from imageserver.default_plugins.sdwebui.settings import SdWebUiSettings


def as_error(reply: Reply, settings: SdWebUiSettings) -> ProviderError:
    """The error for an answer whose status is no good."""
    said = words_of(reply)
    kind, sentence = _meaning(reply, f"{_exception(reply)} {said}".lower(), settings)
    if kind is None:
        return reply.error()
    return kind(f'{sentence} (it said: "{said}")' if said else sentence)


def words_of(reply: Reply) -> str:
    """The service's own words. AUTOMATIC1111 hides them behind the name of its exception: `detail` or `errors`."""
    try:
        read = reply.json_object()
    except BadResult:
        return reply.words
    said = ": ".join(filter(None, (_text(read.get("detail")), _text(read.get("errors"))))) or _text(read.get("error"))
    return reply.mask.line(said)


def _meaning(reply: Reply, said: str, settings: SdWebUiSettings) -> tuple[type[ProviderError] | None, str]:
    """The class and the sentence; None where the status says it all. `said` is in lower case."""
    lower = f"lower pixels, which is {settings.pixels}"
    unknown = "not found" in said
    known: tuple[tuple[bool, type[ProviderError], str], ...] = (
        (
            reply.status == 401,
            AuthError,
            f"{reply.host} does not accept username and password: take those of --api-auth",
        ),
        (
            "outofmemory" in said or "out of memory" in said,
            TransientError,
            f"the graphics card has too little memory: {lower}",
        ),
        (
            "nansexception" in said,
            TransientError,
            "the model gave no numbers, only a black picture: start the web UI with --no-half-vae",
        ),
        (
            unknown and "sampler" in said,
            BadProviderRequest,
            f'the web UI has no sampler "{settings.sampler}": correct sampler',
        ),
        (
            unknown and ("model" in said or "checkpoint" in said),
            ModelGone,
            f'the web UI has no model "{settings.model}": correct model',
        ),
        (reply.status == 404, BadProviderRequest, f"{reply.host} offers no API: start the web UI with --api"),
        (reply.status == 422, BadProviderRequest, "the web UI does not understand a setting: look at extra_body first"),
        (
            reply.status == 500,
            TransientError,
            f"the web UI failed, often for want of memory on the graphics card: {lower}, or read what its window says",
        ),
    )
    return next(((kind, sentence) for applies, kind, sentence in known if applies), (None, ""))


def _exception(reply: Reply) -> str:
    """The name of the exception, which decides the class but is nothing for the owner."""
    try:
        return str(reply.json_object().get("error", ""))
    except BadResult:
        return ""


def _text(said: object) -> str:
    """A sentence, or the sentences of a list of problems with the fields they are about."""
    if isinstance(said, str):
        return said
    if not isinstance(said, list):
        return ""
    problems = [one for one in said[:5] if isinstance(one, dict)]
    return "; ".join(f"{_place(one.get('loc'))}: {one.get('msg')}" for one in problems)


def _place(names: object) -> str:
    return ".".join(str(name) for name in names) if isinstance(names, list) else "somewhere"
