"""What the page, the command line and /healthz say about the server: gathered here, shown by web."""

from __future__ import annotations

from attrs import define, evolve

from imageserver.errors import JournalUnavailable
from imageserver.extension_registry import Extensions, kind_of
from imageserver.jobs import JobQueue, OpenJobs
from imageserver.journal import Journal
from imageserver.pictures.store import PictureStore
from imageserver.provider_host import ProviderHost
from imageserver.registry import Registry
from imageserver.till import Till
from imageserver.version import __version__
from imageserver.vigil import Stage, Vigil
from imageserver.web.keys import Books, ExtensionLine, PluginLine, ProviderLine
from imageserver.web.metrics import ProviderReading, Readings


@define(kw_only=True, eq=False)
class ServerOverview:
    """Reads the rooms; changes nothing and asks no provider."""

    _registry: Registry
    _extensions: Extensions
    _till: Till
    _store: PictureStore
    _journal: Journal
    _queue: JobQueue
    _open_jobs: OpenJobs
    _vigil: Vigil

    async def providers(self) -> list[ProviderLine]:
        """Every provider that there is, those that serve first."""
        errors = await self._journal.jobs.last_errors()
        serving = [await self._serving(host, errors) for host in self._registry.hosts.values()]
        classes = self._registry.plugins.providers
        off = [
            ProviderLine(code=code, title=classes[code].title or code, status="off", reason=reason)
            for code, reason in self._registry.off.items()
        ]
        return serving + off

    async def _serving(self, host: ProviderHost, errors: dict[str, tuple[str, float]]) -> ProviderLine:
        state, why_not = host.state, await self._till.why_not(host)
        error, error_at = errors.get(state.code, ("", None))
        return ProviderLine(
            code=state.code,
            title=state.title,
            status="last resort" if state.ready and state.role == "last_resort" else str(state.health),
            reason=state.reason or self._held_back(state.code) or why_not or "",
            spent=await self._spent(host) if host.is_counted else "",
            serves=state.ready and why_not is None,
            paints=not state.is_library,
            takes_prompt=state.takes_prompt,
            threshold=state.threshold,
            asked_at=state.asked_at,
            error=error,
            error_at=error_at,
            books=await self._books(host) if host.is_counted else None,
        )

    async def _books(self, host: ProviderHost) -> Books:
        totals, caps = await self._till.totals(host.code), host.caps
        return Books(
            price=str(caps.price),
            is_paid=host.provider_class.paid,
            pictures_today=totals.today.pictures,
            pictures_this_month=totals.this_month.pictures,
            cost_today=str(totals.today.cost),
            cost_this_month=str(totals.this_month.cost),
            max_per_day=caps.per_day,
            max_per_month=caps.per_month,
            max_cost_per_month=None if caps.cost_per_month is None else str(caps.cost_per_month),
        )

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

    def not_running(self) -> list[str]:
        """The names of what must run and does not."""
        return self._vigil.not_running()

    def health(self) -> dict[str, object]:
        """Whether everything that must run does."""
        dead = self.not_running()
        return {
            "status": "ok" if not dead else "failing",
            "version": __version__,
            "not_running": dead,
            "restarts": dict(self._vigil.restarts),
            "loop_lag": round(self._vigil.loop_lag, 3),
            "stored": self._store.count(),
            "waiting_jobs": len(self._open_jobs),
            "queued": len(self._queue),
            "lost_notes": self._journal.lost_writes,
            "unconfirmed": self._till.unconfirmed,
        }

    def stage(self) -> Stage:
        """Whether frames are answered."""
        return self._vigil.stage

    async def readings(self) -> Readings:
        """The same in numbers, for /metrics."""
        return Readings(
            stored=self._store.count(),
            waiting_jobs=len(self._open_jobs),
            queued=len(self._queue),
            loop_lag=self._vigil.loop_lag,
            is_alive=not self._vigil.not_running(),
            disk_free=await self._till.free(),
            providers=tuple([await self._reading(host) for host in self._registry.hosts.values()]),
        )

    async def _reading(self, host: ProviderHost) -> ProviderReading:
        reading = ProviderReading(code=host.code, is_ready=host.state.ready)
        if not host.is_counted:
            return reading
        try:
            this_month = (await self._till.totals(host.code)).this_month
        except JournalUnavailable:
            return reading
        return evolve(reading, bought_this_month=this_month.pictures, spent_this_month=this_month.cost)
