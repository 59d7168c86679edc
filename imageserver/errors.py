"""Every error the server raises on purpose: one base, one branch per cause.

| error              | raised by                 | what the client or owner sees                         |
|--------------------|---------------------------|-------------------------------------------------------|
| ConfigError        | config, before the start  | all problems with file:line, exit code 2              |
| OptionsRefused     | config, on a change       | 409: nothing was written, and the message says why    |
| BadRequest         | web, on reading a request | 400 with all problems of the request                  |
| PromptRefused      | prompts.add               | 400 (empty, duplicate) or 409 (the file is broken)    |
| TooManyWaiting     | journal, on a new job     | 429 with Retry-After; `auto` and `old` never see it   |
| RenditionsBusy     | pictures.renditions       | `pending`; 503 with Retry-After where people look     |
| CapReached         | journal, before a call    | a stored picture, or a card for an explicit wish      |
| UnknownProvider    | intake                    | 400 that names the providers there are                |
| PictureNotMoved    | pictures.trash            | 409: it stays where it is, and the message says why   |
| PictureBroken      | image, on decoding        | never seen by a frame: noted, another picture is sent |
| JournalRefused     | journal, at the start     | exit code 2, the data left untouched                  |
| JournalUnavailable | journal, at any time      | a stored picture; jobs go on when it works again      |
| Banned             | access, on a guess        | 429 with Retry-After; what frames ask never sees it   |
| ForwardingRefused  | access, on arrival        | 400 on pages and API; a frame gets its picture        |
| PasswordUnfit …    | access, on a new password | the page or the command says what is wrong with it    |
| DataFolderInUse    | lock, at the start        | exit code 2 with the other server's process id        |
| ProviderError …    | providers                 | a stored picture instead; the reason in journal, log  |
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen


class ImageServerError(Exception):
    """The base of them all. `str(error)` is a sentence for the owner; `reason` a short label for logs and JSON."""

    reason: ClassVar[str] = "error"


@frozen
class Problem:
    """One thing wrong in a file that the owner writes: where it stands and what to do about it."""

    where: str  # "options.yml:12", "--port", "environment PORT"
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class ConfigError(ImageServerError):
    """The configuration cannot be used. Carries every problem found, never only the first."""

    reason = "config"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class OptionsMistaken(ConfigError):
    """A change would put a mistake into the options: nothing was changed."""


class OptionsRefused(ImageServerError):
    """The options file was not changed: `refusal` is `changed`, `not_writable` or `shape`."""

    reason = "options"

    def __init__(self, refusal: str, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class BadRequest(ImageServerError):
    """A client's request cannot be understood; the message names every field that is wrong."""

    reason = "bad_request"


class ChangeUnclear(BadRequest):
    """Part of a change names what is not there or is of no use; `rest` is the options file with all that is clear."""

    def __init__(self, message: str, rest: bytes) -> None:
        super().__init__(message)
        self.rest = rest


class PromptRefused(ImageServerError):
    """A prompt was not added to the library: `reason` is `empty`, `duplicate` or `broken_library`."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.refusal = reason


class TooManyWaiting(ImageServerError):
    """The journal holds `queue_size` unfinished jobs already."""

    reason = "too_many_waiting"


class RenditionsBusy(ImageServerError):
    """So many pictures are being made at a frame's size that one more is not begun."""

    reason = "busy"


class TooManyWatching(ImageServerError):
    """So many people and programs watch jobs already that no more are let in."""

    reason = "too_many_watching"


class CapReached(ImageServerError):
    """One more picture would cost more than the owner allowed; the message names the cap."""

    reason = "cap_reached"


class UnknownProvider(ImageServerError):
    """A request or an option names a provider that is not there."""

    reason = "unknown_provider"


class PictureBroken(ImageServerError):
    """The bytes are no picture that can be shown: undecodable, truncated, or larger than the limits."""

    reason = "picture_broken"


class PictureNotMoved(ImageServerError):
    """A picture cannot be moved into the trash or out of it: the disk refuses, or the file is another one now."""

    reason = "not_moved"


class JournalRefused(ImageServerError):
    """The journal on disk is not one that this version may open."""

    reason = "journal"


class JournalUnavailable(ImageServerError):
    """The journal could not do what it was asked: the disk is full or broken, mostly. Asking later may work."""

    reason = "journal_unavailable"


class DataFolderInUse(ImageServerError):
    """Another server holds the data folder."""

    reason = "in_use"


class ProviderError(ImageServerError):
    """What a provider raises when it cannot give a picture. The class decides what the server does next.

    `charged` is False only where it is certain that the service took no money for the call: then it may be repeated,
    or the next provider asked. Anything else is treated as paid for. Each class has its usual answer; a provider that
    knows better about one call says so.
    """

    reason = "provider"
    usually_charged: ClassVar[bool] = True

    def __init__(self, message: str = "", *, retry_after: float | None = None, charged: bool | None = None) -> None:
        super().__init__(message or self.reason)
        self.retry_after = retry_after  # seconds, where the service said so
        self.charged = self.usually_charged if charged is None else charged


class AuthError(ProviderError):
    """The service does not know the key. Disabled until the configuration changes."""

    reason = "auth"
    usually_charged = False


class PermissionDenied(ProviderError):
    """The key is known but lacks a role or a scope."""

    reason = "permission"
    usually_charged = False


class ModelGone(ProviderError):
    """The model was retired or never existed."""

    reason = "model_gone"
    usually_charged = False


class PaymentRequired(ProviderError):
    """No money or no quota is left on the account."""

    reason = "payment"
    usually_charged = False


class RateLimited(ProviderError):
    """Too many requests; `retry_after` holds the seconds to wait where the service named them."""

    reason = "rate_limit"
    usually_charged = False


class ModerationRefused(ProviderError):
    """The service will not draw this prompt. Another prompt may work."""

    reason = "moderation"
    usually_charged = False


class BadProviderRequest(ProviderError):
    """The service did not understand the request: the message goes to the owner."""

    reason = "bad_request"
    usually_charged = False


class Unreachable(ProviderError):
    """No connection came about, so not one byte of the request was sent."""

    reason = "unreachable"
    usually_charged = False


class UntrustedCertificate(Unreachable):
    """The server is there, and its certificate does not prove who it is: self-signed, expired, for another name."""


class TransientError(ProviderError):
    """Something broke on the way or at the service. The call may have been charged."""

    reason = "transient"


class DeadlineExceeded(ProviderError):
    """The provider did not answer in its time. The call may have been charged."""

    reason = "deadline"


class BadResult(ProviderError):
    """The service answered with something that is no picture."""

    reason = "bad_result"


class UnreadableAnswer(BadResult):
    """The answer is not in the service's language: somebody else may have given it. A ticket outlives it."""
