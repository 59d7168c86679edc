"""The free check: how far the set-up in the cloud has come.

Two questions, neither of which can buy a picture:

- GET of an operation that does not exist. Reading is free; an unknown key is refused with 401.
- POST to imageGenerationAsync without messages. The interface demands at least one message and has nothing to draw
  without it, so it ends as INVALID_ARGUMENT. The service looks at key, role, scope, folder and model on the way there.
  Role and scope are the same ones for the images interface, whose own address is left alone: it is not documented what
  it does without a prompt, and a check must not find that out with the owner's money.

What it cannot tell: whether there is money on the account, whether the quota is used up, whether the images interface
takes the model. A service that looks at the messages before the role would let a missing role pass.
"""

from __future__ import annotations

from imageserver import BadProviderRequest, ModerationRefused, ProviderError, Unreachable
from imageserver.default_plugins.yandexart.refusals import PRECONDITION, Refusal
from imageserver.default_plugins.yandexart.service import Service

NO_SUCH_OPERATION = "imageserver-check"


class _Passed(ProviderError):
    """The service refused what it had to refuse, and nothing else is wrong."""


async def missing_step(service: Service) -> str | None:
    """One sentence about the first step that is missing, or None. Free of charge."""
    try:
        await service.ask(NO_SUCH_OPERATION, lambda refusal: _about_the_key(service, refusal))
    except _Passed:
        pass
    except Unreachable as error:
        if service.settings.transport == "async":  # the images interface needs no operations
            return str(error)
    except ProviderError as error:
        return str(error)
    body = {"modelUri": service.settings.model_uri(service.keys.folder_id), "messages": []}
    try:
        await service.start(body, lambda refusal: _about_the_rest(service, refusal))
    except _Passed:
        return None
    except ProviderError as error:
        return str(error)
    service.context.log.warning("the service took a request without a prompt, which says nothing about the set-up")
    return None


def _about_the_key(service: Service, refusal: Refusal) -> ProviderError:
    # Whatever else it says about an operation that never was: it knows the key.
    return service.explain(refusal) if refusal.status == 401 or refusal.status >= 500 else _Passed()


def _about_the_rest(service: Service, refusal: Refusal) -> ProviderError:
    images = service.settings.transport == "images"
    if images and refusal.status == 404:
        service.context.log.info("role and scope cannot be checked: there is no asynchronous interface at this address")
        return _Passed()
    if images and refusal.code == PRECONDITION:
        return _Passed()  # "not by the asynchronous interface", says the service, which nobody wants here
    error = service.explain(refusal)
    # It came to the missing messages, so everything before them was in order.
    return _Passed() if isinstance(error, BadProviderRequest | ModerationRefused) else error
