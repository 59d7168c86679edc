"""The provider: one wish in, one ticket out, and later the picture behind it."""

from __future__ import annotations

import asyncio
import uuid

from imageserver import (
    BadResult,
    DeadlineExceeded,
    GeneratedImage,
    GenerationRequest,
    PollingImageProvider,
    ProviderContext,
    ProviderError,
    TransientError,
    __version__,
)
from imageserver.default_plugins.comfyui.check import missing_thing
from imageserver.default_plugins.comfyui.history import SEED_KEY, read_entry
from imageserver.default_plugins.comfyui.service import Service
from imageserver.default_plugins.comfyui.settings import ComfyUiSettings
from imageserver.default_plugins.comfyui.withdrawal import IsOurs, from_client, with_ticket, withdraw
from imageserver.default_plugins.comfyui.workflow import Workflow, read_workflow

_NO_SEED = (
    "the workflow has no {seed}: a prompt that comes again gives the same picture again; write {seed} where the "
    "sampler's seed stands"
)


class ComfyUi(PollingImageProvider):
    """Pictures from the owner's own workflow."""

    code = "comfyui"
    title = "ComfyUI"
    version = __version__
    settings_class = ComfyUiSettings
    takes_negative = True
    idempotent = True

    def __init__(self, context: ProviderContext) -> None:
        super().__init__(context)
        self.settings: ComfyUiSettings = context.settings
        # context.data_folder is providers/comfyui of the data folder; what an owner wrote is absolute
        self._file = context.data_folder.parent.parent / self.settings.workflow
        self._service = Service(context=context, settings=self.settings)
        self._since: dict[str, float] = {}  # ticket → when it was first seen, by the steady clock
        self._withdrawals: set[asyncio.Task[None]] = set()
        self._told_of_seed = False

    async def readiness(self) -> str | None:
        try:
            self._workflow()
            await self._service.is_up()
        except DeadlineExceeded:
            return None  # it is there and too busy to answer
        except ProviderError as error:
            return str(error)
        return None

    async def check(self) -> str | None:
        missing = await self.readiness()
        if missing is not None:
            return missing
        try:
            workflow = self._workflow()
            missing = await missing_thing(self._service, workflow.graph)
        except ProviderError as error:
            return str(error)
        return missing or (None if "seed" in workflow.placeholders else _NO_SEED)

    async def submit(self, request: GenerationRequest) -> str:
        workflow = self._workflow()
        client_id = uuid.uuid4().hex
        body = {
            "prompt": workflow.filled(request, self.settings.pixels, client_id),
            "client_id": client_id,
            "extra_data": {SEED_KEY: request.seed} if "seed" in workflow.placeholders else {},
        }
        try:
            ticket = await self._service.order(body)
        except (DeadlineExceeded, TransientError, BadResult, asyncio.CancelledError):
            await self._withdraw(from_client(client_id))  # it may be in the queue, and nobody knows its ticket
            raise
        self._forget_old_tickets()
        self._since[ticket] = self.context.clock.monotonic()
        return ticket

    async def poll(self, ticket: str) -> GeneratedImage | None:
        now = self.context.clock.monotonic()
        since = self._since.setdefault(ticket, now)  # after a restart its time begins anew
        image = await self._finished(ticket)
        if image is not None:
            return image
        if not await self._is_queued(ticket):
            image = await self._finished(ticket)  # it may have ended between the two questions
            if image is None:
                raise BadResult("ComfyUI no longer knows the order: it was restarted, or somebody cleared its lists")
            return image
        if now - since <= self.settings.timeout:
            return None
        await self._withdraw(with_ticket(ticket))
        # Not DeadlineExceeded: the server would keep the ticket, and this order is gone.
        raise BadResult(f"ComfyUI did not finish the picture within {self.settings.timeout:g} s")

    async def close(self) -> None:
        if self._withdrawals:
            await asyncio.wait(self._withdrawals)

    async def _finished(self, ticket: str) -> GeneratedImage | None:
        entry = await self._service.history(ticket)
        if entry is None:
            return None
        painted = read_entry(entry, self.context.mask)
        return GeneratedImage(data=await self._service.view(painted), model=painted.model, seed=painted.seed)

    async def _is_queued(self, ticket: str) -> bool:
        running, waiting = await self._service.queue()
        return any(map(with_ticket(ticket), running + waiting))

    async def _withdraw(self, is_ours: IsOurs) -> None:
        """Take an order back. Goes on when whoever wanted that is cancelled."""
        task = asyncio.create_task(withdraw(self._service, is_ours))
        self._withdrawals.add(task)
        task.add_done_callback(self._withdrawals.discard)
        await asyncio.shield(task)

    def _workflow(self) -> Workflow:
        """The workflow as it is now: a file that is corrected counts at once."""
        workflow = read_workflow(self._file)
        if "seed" not in workflow.placeholders and not self._told_of_seed:
            self._told_of_seed = True
            self.context.log.warning("%s", _NO_SEED)
        return workflow

    def _forget_old_tickets(self) -> None:
        """Nobody asks about a ticket that is older than the server's patience, or has ended."""
        now = self.context.clock.monotonic()
        self._since = {ticket: since for ticket, since in self._since.items() if now - since <= self.patience}
