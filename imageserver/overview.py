"""What the page, the command line and /healthz say about the server: gathered here, shown by web."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from imageserver.extension_registry import Extensions, kind_of
from imageserver.jobs import JobQueue, OpenJobs
from imageserver.journal import Journal
from imageserver.pictures.store import PictureStore
from imageserver.provider_host import ProviderHost
from imageserver.registry import Registry
from imageserver.supervisor import Supervisor
from imageserver.till import Till
from imageserver.version import __version__
from imageserver.web.keys import ExtensionLine, PluginLine, ProviderLine


@define(kw_only=True, eq=False)
class ServerOverview:
    """Reads the rooms; changes nothing and asks no provider."""

    _registry: Registry
    _extensions: Extensions
    _till: Till
    _supervisor: Supervisor
    _store: PictureStore
    _journal: Journal
    _queue: JobQueue
    _open_jobs: OpenJobs
    _vital: Callable[[], tuple[str, ...]]  # names of what must run

    async def providers(self) -> list[ProviderLine]:
        """Every provider that there is, those that serve first."""
        serving = []
        for host in self._registry.hosts.values():
            state = host.state
            serving.append(
                ProviderLine(
                    code=state.code,
                    title=state.title,
                    status="last resort" if state.ready and state.role == "last_resort" else str(state.health),
                    reason=state.reason or self._held_back(state.code) or await self._till.why_not(host) or "",
                    spent=await self._spent(host) if host.is_counted else "",
                )
            )
        classes = self._registry.plugins.providers
        off = [
            ProviderLine(code=code, title=classes[code].title or code, status="off", reason=reason)
            for code, reason in self._registry.off.items()
        ]
        return serving + off

    def _held_back(self, code: str) -> str:
        why = self._registry.held_back.get(code)
        return f"it serves as it was before the last change: {why}" if why else ""

    async def _spent(self, host: ProviderHost) -> str:
        totals = await self._till.totals(host.code)
        parts = [("today", totals.today), ("yesterday", totals.yesterday), ("this month", totals.this_month)]
        if not any(spent.pictures for _, spent in parts):
            return "nothing yet"
        return "; ".join(f"{name} {spent.pictures}, costing {spent.cost}" for name, spent in parts)

    def plugins(self) -> list[PluginLine]:
        """Every plugin that was found."""
        return [
            PluginLine(
                name=record.name,
                version=record.version,
                source=record.source,
                status=str(record.status),
                reason=record.advice,
                providers=record.codes,
            )
            for record in self._registry.plugins.records
        ]

    def extensions(self) -> list[ExtensionLine]:
        """Every extension that there is, those that serve first."""
        serving = [
            ExtensionLine(code=state.code, title=state.title, kind=state.kind, status=state.status, reason=state.reason)
            for state in self._extensions.states()
        ]
        classes = self._registry.plugins.extensions
        off = [
            ExtensionLine(
                code=code, title=classes[code].title or code, kind=kind_of(classes[code]), status="off", reason=reason
            )
            for code, reason in self._extensions.off.items()
        ]
        return serving + off

    def health(self) -> dict[str, object]:
        """Whether everything that must run does."""
        dead = [name for name in self._vital() if not self._supervisor.is_alive(name)]
        return {
            "status": "ok" if not dead else "failing",
            "version": __version__,
            "not_running": dead,
            "restarts": dict(self._supervisor.restarts),
            "stored": self._store.count(),
            "waiting_jobs": len(self._open_jobs),
            "queued": len(self._queue),
            "lost_notes": self._journal.lost_writes,
        }
