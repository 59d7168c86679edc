"""The calls of ComfyUI's API. Every one raises ProviderErrors only."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from attrs import frozen

from imageserver import (
    BadProviderRequest,
    BadResult,
    ProviderContext,
    ProviderError,
    Reply,
    TransientError,
    Unreachable,
)
from imageserver.default_plugins.comfyui.history import SHOWN, Painted
from imageserver.default_plugins.comfyui.settings import ComfyUiSettings

_CONNECT = 3.0  # seconds: the PC is in the house, and when it sleeps nobody shall wait for it
_QUICK = 6.0  # seconds for a question: twice as much, and less than readiness may take
_SLOW = 60.0  # for an order, whose nodes are all checked, and for a large picture
_NODES = 3  # nodes in a message
_NO_BRACKETS = str.maketrans("", "", "[]")  # around the names of which one should be chosen


@frozen(kw_only=True)
class Service:
    """ComfyUI on the owner's PC."""

    context: ProviderContext
    settings: ComfyUiSettings

    async def order(self, body: dict[str, Any]) -> str:
        """Put a graph into the queue; returns its id."""
        reply = await self._call("POST", "/prompt", _SLOW, json=body)
        if not reply.ok:
            raise self._refused(reply)
        answer = reply.json_object()
        if answer.get("node_errors"):
            self.context.log.warning("a part of the workflow is left out: %s", self._nodes(answer["node_errors"]))
        ticket = answer.get("prompt_id")
        if not isinstance(ticket, str) or not ticket:
            raise BadResult("ComfyUI took the order and gave no prompt_id for it")
        return ticket

    async def history(self, ticket: str) -> dict[str, Any] | None:
        """What the history has about an order; None until it is finished."""
        entry = (await self._ask(f"/history/{quote(ticket, safe='')}")).get(ticket)
        return entry if isinstance(entry, dict) else None

    async def queue(self) -> tuple[list[list[Any]], list[list[Any]]]:
        """The orders that run and those that wait, each as [number, id, graph, extra_data, …]."""
        read = await self._ask("/queue")
        running, waiting = read.get("queue_running"), read.get("queue_pending")
        if not isinstance(running, list) or not isinstance(waiting, list):
            raise TransientError("ComfyUI's answer about its queue has no queue in it")
        return _orders(running), _orders(waiting)

    async def view(self, painted: Painted) -> bytes:
        """The file of a picture; one that is too large is asked for as JPEG."""
        where = {"filename": painted.filename, "subfolder": painted.subfolder, "type": painted.folder}
        try:
            reply = await self._call("GET", "/view", _SLOW, params=where)
        except BadResult:  # the only one that a call raises: too many bytes
            reply = await self._call("GET", "/view", _SLOW, params={**where, "preview": "jpeg;90"})
        if reply.status == 404:
            raise BadResult("the picture was made, and its file is no longer on the PC")
        if not reply.ok:
            raise _proxys(reply)
        return reply.body

    async def is_up(self) -> None:
        """Raises what is wrong when it cannot be asked, or is no ComfyUI."""
        if "system" not in await self._ask("/system_stats"):
            raise TransientError(f"what answers at {self.settings.base_url} is no ComfyUI")

    async def inputs_of(self, node_class: str) -> dict[str, Any] | None:
        """What a class of nodes takes: name of the input → its description; None when there is no such class."""
        found = (await self._ask(f"/object_info/{quote(node_class, safe='')}")).get(node_class)
        if not isinstance(found, dict):
            return None
        groups = found.get("input")
        groups = groups.values() if isinstance(groups, dict) else ()
        return {name: what for group in groups if isinstance(group, dict) for name, what in group.items()}

    async def delete(self, ticket: str) -> None:
        """Take an order out of the queue; nothing happens when it is not waiting there."""
        await self._call("POST", "/queue", _QUICK, json={"delete": [ticket]})

    async def interrupt(self, ticket: str) -> None:
        """Stop what runs. Older ones do not read the id, so be sure that it is the one."""
        await self._call("POST", "/interrupt", _QUICK, json={"prompt_id": ticket})

    async def _ask(self, path: str) -> dict[str, Any]:
        """The answer to a question. One that cannot be read may be a proxy's, and says nothing about an order."""
        try:
            reply = await self._call("GET", path, _QUICK)
            if reply.ok:
                return reply.json_object()
        except BadResult as error:
            raise TransientError(str(error)) from None
        raise _proxys(reply)

    async def _call(self, method: str, path: str, seconds: float, **request: Any) -> Reply:
        url = self.settings.base_url.rstrip("/") + path
        seconds = min(seconds, self.settings.timeout)
        try:
            return await self.context.http.call(method, url, timeout=seconds, connect=_CONNECT, **request)
        except Unreachable as error:
            raise Unreachable(f"{error} The PC may sleep, or ComfyUI is not started; nothing is wrong") from None

    def _refused(self, reply: Reply) -> ProviderError:
        if reply.status != 400:
            return reply.error()
        try:
            nodes = self._nodes(reply.json_object().get("node_errors"))
        except BadResult:
            nodes = ""
        if nodes:
            return BadProviderRequest(f"ComfyUI refuses the workflow: {nodes}")
        return reply.error(BadProviderRequest, "ComfyUI refuses the workflow")

    def _nodes(self, errors: object) -> str:
        """Each node that is wrong, with all that is wrong about it: the answer's own message is too general."""
        told = []
        for name, node in errors.items() if isinstance(errors, dict) else ():
            problems = node.get("errors") if isinstance(node, dict) else None
            said = [
                f"{one.get('message')}: {one.get('details')}"
                for one in (problems if isinstance(problems, list) else [])
                if isinstance(one, dict)
            ]
            kind = node.get("class_type") if isinstance(node, dict) else None
            problem = ", ".join(said).translate(_NO_BRACKETS)
            told.append(self.context.mask.line(f"node {name} ({kind}): {problem}", SHOWN))
        return "; ".join(told[:_NODES]) + (f"; and {len(told) - _NODES} more" if len(told) > _NODES else "")


def _proxys(reply: Reply) -> ProviderError:
    """The error for a status that ComfyUI itself does not give: a proxy is in the way, which may pass."""
    return reply.error(None if reply.status in (401, 403, 429) else TransientError)


def _orders(queue: list[Any]) -> list[list[Any]]:
    return [order for order in queue if isinstance(order, list) and len(order) > 1]
