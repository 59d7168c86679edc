"""GET /metrics: the server's numbers for Prometheus. No prompt and no address is among them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from aiohttp import web
from attrs import define, field, frozen
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from imageserver.counters import (
    DOWNLOADS_ABORTED,
    PICTURES_MADE,
    PICTURES_SENT,
    PROVIDER_FAILURES,
    REQUESTS,
    Counters,
)
from imageserver.version import __version__

_SOURCES = ("stored", "made", "card")


@frozen(kw_only=True)
class ProviderReading:
    """A provider that serves, in numbers."""

    code: str
    is_ready: bool
    bought_this_month: int | None = None  # None: it is not counted, or the journal cannot be read
    spent_this_month: Decimal | None = None


@frozen(kw_only=True)
class FrameReading:
    """A frame that was seen. Only one that its owner named is shown by itself: other names are addresses."""

    name: str | None
    last_seen: float  # seconds since 1970
    is_late: bool = False


@frozen(kw_only=True)
class Readings:
    """How things stand at this moment."""

    stored: int
    waiting_jobs: int
    queued: int
    providers: tuple[ProviderReading, ...]
    is_alive: bool = True
    loop_lag: float = 0.0  # seconds, the longest of the last minute
    disk_free: Mapping[str, int] = field(factory=dict)  # bytes, by disk


@define(kw_only=True, eq=False)
class Metrics:
    """Where the numbers come from; built by app.py."""

    _counters: Counters
    _readings: Callable[[], Awaitable[Readings]]
    _frames: Callable[[], Iterable[FrameReading]] = field(default=tuple)

    async def text(self) -> bytes:
        """All numbers, in Prometheus' text format."""
        readings = await self._readings()
        made = dict(self._counters.last_made)
        return generate_latest(_Snapshot(self._counters.totals(), made, readings, tuple(self._frames())))


METRICS = web.AppKey("metrics", Metrics)


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics."""
    body = await request.app[METRICS].text()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Cache-Control": "no-store"})


@frozen
class _Snapshot(Collector):
    """The numbers of one moment. Asked without a registry: nothing is shared between applications of one process."""

    _totals: Mapping[tuple[str, str], int]
    _last_made: Mapping[str, float]
    _readings: Readings
    _frames: tuple[FrameReading, ...]

    def collect(self) -> Iterator[Metric]:
        """Everything that there is to see."""
        yield InfoMetricFamily("imageserver", "The server.", value={"version": __version__})
        yield from self._counted()
        yield from self._present()
        yield from self._of_providers()
        yield from self._of_frames()

    def _counted(self) -> Iterator[Metric]:
        requests = CounterMetricFamily("imageserver_requests", "HTTP requests.", labels=("route", "status"))
        for label, number in self._under(REQUESTS).items():
            route, _, status = label.rpartition(" ")
            requests.add_metric((route, status), number)
        yield requests
        # What has not happened yet is there as 0: Prometheus sees no increase of what was not there before.
        codes = [provider.code for provider in self._readings.providers]
        yield self._counter("pictures_sent", "Pictures that frames have read.", PICTURES_SENT, "source", _SOURCES)
        yield self._counter("pictures_made", "Pictures of providers.", PICTURES_MADE, "provider", codes)
        yield self._counter(
            "provider_failures", "Jobs that a provider gave no picture for.", PROVIDER_FAILURES, "provider", codes
        )
        yield CounterMetricFamily(
            "imageserver_downloads_aborted",
            "Pictures that a frame stopped reading.",
            value=self._under(DOWNLOADS_ABORTED).get("", 0),
        )

    def _counter(self, metric: str, meaning: str, name: str, label: str, always: Iterable[str]) -> Metric:
        family = CounterMetricFamily(f"imageserver_{metric}", meaning, labels=(label,))
        for value, number in sorted((dict.fromkeys(always, 0) | self._under(name)).items()):
            family.add_metric((value,), number)
        return family

    def _under(self, name: str) -> dict[str, int]:
        return {label: number for (its, label), number in sorted(self._totals.items()) if its == name}

    def _present(self) -> Iterator[Metric]:
        readings = self._readings
        yield GaugeMetricFamily("imageserver_stored_pictures", "Pictures that can be shown.", value=readings.stored)
        yield GaugeMetricFamily("imageserver_waiting_jobs", "Jobs that are not finished.", value=readings.waiting_jobs)
        yield GaugeMetricFamily("imageserver_queue_depth", "Jobs that wait for a worker.", value=readings.queued)
        yield GaugeMetricFamily("imageserver_alive", "Whether /healthz says ok.", value=int(readings.is_alive))
        yield GaugeMetricFamily(
            "imageserver_loop_lag_seconds",
            "By how much the event loop was late at most, in the last minute.",
            value=readings.loop_lag,
        )
        free = GaugeMetricFamily("imageserver_disk_free_bytes", "What is free on a folder's disk.", labels=("folder",))
        for folder, size in readings.disk_free.items():
            free.add_metric((folder,), size)
        yield free

    def _of_providers(self) -> Iterator[Metric]:
        ready = GaugeMetricFamily(
            "imageserver_provider_ready", "Whether it can be asked for a picture now.", labels=("provider",)
        )
        bought = GaugeMetricFamily(
            "imageserver_provider_bought_this_month", "Pictures bought in this local month.", labels=("provider",)
        )
        spent = GaugeMetricFamily(
            "imageserver_provider_spent_this_month",
            "Money spent in this local month, in the currency of its price.",
            labels=("provider",),
        )
        success = GaugeMetricFamily(
            "imageserver_provider_last_success_timestamp_seconds",
            "When it last gave a picture that was kept.",
            labels=("provider",),
        )
        for provider in self._readings.providers:
            if provider.code in self._last_made:
                success.add_metric((provider.code,), self._last_made[provider.code])
            ready.add_metric((provider.code,), int(provider.is_ready))
            if provider.bought_this_month is not None:
                bought.add_metric((provider.code,), provider.bought_this_month)
            if provider.spent_this_month is not None:
                spent.add_metric((provider.code,), float(provider.spent_this_month))
        yield from (ready, bought, spent, success)

    def _of_frames(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("imageserver_frames_seen", "Frames that were seen.", value=len(self._frames))
        late = sum(frame.is_late for frame in self._frames)
        yield GaugeMetricFamily("imageserver_frames_late", "Frames that are silent for longer than usual.", value=late)
        last_seen = GaugeMetricFamily(
            "imageserver_frame_last_seen_timestamp_seconds", "When a named frame was last seen.", labels=("frame",)
        )
        for frame in self._frames:
            if frame.name is not None:
                last_seen.add_metric((frame.name,), frame.last_seen)
        yield last_seen
