"""The wiring: every room, in the order in which it is opened. Nothing else is done here."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial

from aiohttp import web
from attrs import field, frozen

from imageserver.answers import Answers
from imageserver.clock import Clock
from imageserver.config.model import Config
from imageserver.crew import Crew
from imageserver.delivery import Delivery
from imageserver.extension_registry import Extensions, ExtensionSelection, picture_facts
from imageserver.frames import Frames
from imageserver.intake import Intake, Limits
from imageserver.job_ids import JobIds
from imageserver.jobs import Hands, JobQueue, OpenJobs
from imageserver.journal import Journal
from imageserver.language import owners_language
from imageserver.money import MoneyClock
from imageserver.overview import ServerOverview
from imageserver.pictures.cards import CardFacts, CardRenditions
from imageserver.pictures.quarantine import Quarantine
from imageserver.pictures.renditions import Renditions
from imageserver.pictures.rotation import Rotation
from imageserver.pictures.store import PictureStore
from imageserver.pictures.turns import Turns
from imageserver.plugins import Plugins
from imageserver.prompts import PromptLibrary
from imageserver.providers import GeneratedImage
from imageserver.registry import Registry, Selection
from imageserver.reloading import Reloader
from imageserver.rounds import Rounds
from imageserver.schedule import Entry, run_entry
from imageserver.settler import Settler
from imageserver.starter import paint_starter_set
from imageserver.supervisor import Supervisor
from imageserver.till import Till, free_bytes
from imageserver.web import keys
from imageserver.web.middlewares import errors, own_pages_only
from imageserver.web.pages import load_files
from imageserver.web.routes import add_routes
from imageserver.web.screens import Screens
from imageserver.worker import Worker

_LARGEST_BODY = 128 * 1024  # bytes; a frame sends at most about 1 KiB
_LAST_CALLS = 4.0  # seconds at a stop for what is being asked; a paid answer that comes later is looked for next time
_ID_SECRET = "id_secret"  # noqa: S105 - the note's name, not the secret


@frozen(kw_only=True)
class Given:
    """What the server is given from outside, so that tests can give something else."""

    config: Config
    plugins: Plugins
    selection: Selection
    extensions: ExtensionSelection = ExtensionSelection()
    clock: Clock
    rng: random.Random
    token: Callable[[int], bytes] = secrets.token_bytes
    environment: Mapping[str, str] = os.environ
    flags: Mapping[str, object] = field(factory=dict)  # of the command line, read again at a reload
    page: str = ""  # where a person looks, as cards say it
    pause: float = 1.0  # seconds between two attempts at a provider
    owner_token: str = ""  # for the command line


def create_app(given: Given) -> web.Application:
    """The whole server as an application that listens nowhere yet."""
    app = web.Application(middlewares=[errors, own_pages_only], client_max_size=_LARGEST_BODY)
    add_routes(app)
    load_files()

    async def rooms(app: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await _open_rooms(app, given, stack)
            yield

    app.cleanup_ctx.append(rooms)
    return app


async def _open_rooms(app: web.Application, given: Given, stack: AsyncExitStack) -> None:  # noqa: PLR0915 - one statement a room
    options, clock, rng = given.config.options, given.clock, given.rng
    data = given.config.data

    # Threads: short work on the disk must not queue behind pictures that are being decoded.
    disk = ThreadPoolExecutor(8, thread_name_prefix="disk")
    brush = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="brush")
    for executor in (disk, brush):
        stack.callback(executor.shutdown, wait=False, cancel_futures=True)

    # The journal, and what must be known from it before anything begins.
    journal = Journal(data / "journal.sqlite")
    await journal.open()
    stack.push_async_callback(journal.close)
    ids = JobIds(await _id_secret(journal, given.token), clock, given.token)
    queue, open_jobs = JobQueue(), OpenJobs()

    # Providers and pictures.
    answers = Answers(data / "answers")
    registry = Registry(given.plugins, given.selection, data=data, answers=answers, clock=clock, rng=rng)
    stack.push_async_callback(registry.close)
    await registry.open()
    extensions = Extensions(data=data, clock=clock, rng=rng)
    stack.push_async_callback(extensions.close)
    await extensions.take_over(given.extensions)
    frames = Frames(options)
    store = PictureStore(
        folder=options.image_path,
        journal=journal,
        libraries=registry.libraries,
        clock=clock,
        executor=disk,
        renditions=Renditions(data / "renditions", brush),
        turns=Turns(journal=journal, clock=clock, rng=rng),
        drawings=lambda picture, target: extensions.drawing(picture_facts(picture, target)),
    )
    await store.open()
    stack.push_async_callback(store.close)
    rotation = Rotation(
        store=store,
        journal=journal,
        least=options.image_amount_min,
        most=options.image_amount_max,
        is_given=given.config.is_given("image_amount_max"),
        clock=clock,
        executor=disk,
    )
    prompts = PromptLibrary(data, options.prompts_amount, logging.getLogger("imageserver.prompts"))
    await asyncio.get_running_loop().run_in_executor(disk, prompts.open)
    texts = [prompt.text for prompt in await asyncio.get_running_loop().run_in_executor(disk, prompts.all)]
    language = owners_language(options.language, given.environment, texts)

    def card_facts() -> CardFacts:
        missing = tuple((state.code, state.reason) for state in registry.states() if not state.ready)
        missing += tuple(store.absent.items())
        return CardFacts(language=language, page=given.page, providers=missing)

    cards = CardRenditions(facts=card_facts, executor=brush)

    till = Till(
        journal=journal,
        clock=MoneyClock(clock),
        free_bytes=partial(free_bytes, (data, options.image_path)),
        executor=disk,
    )
    await till.open()

    # Wishes come in here, and pictures go out there.
    intake = Intake(
        journal=journal,
        store=store,
        registry=registry,
        prompts=prompts,
        queue=queue,
        open_jobs=open_jobs,
        ids=ids,
        till=till,
        limits=Limits(threshold=options.image_generate_threshold * 60, queue_size=options.queue_size),
        clock=clock,
        rng=rng,
        executor=disk,
    )
    await intake.open()
    delivery = Delivery(
        journal=journal, store=store, cards=cards, queue=queue, open_jobs=open_jobs, ids=ids, clock=clock
    )
    await delivery.open()

    # What runs by itself: first the jobs of the last run, then workers and the schedule.
    unfinished = [job.id for job in await journal.jobs.unfinished()]
    await asyncio.get_running_loop().run_in_executor(disk, answers.keep_only, unfinished)
    for job_id in unfinished:
        open_jobs.add(job_id)
        queue.wake(job_id)
    settler = Settler(
        journal=journal,
        store=store,
        open_jobs=open_jobs,
        quarantine=Quarantine(data / "quarantine"),
        answers=answers,
        clock=clock,
        executor=brush,
        tell=extensions.tell,
    )
    hands = Hands()
    unsaved: dict[str, GeneratedImage] = {}
    first_polled: dict[str, float] = {}

    def take_on() -> Worker:
        return Worker(
            journal=journal,
            registry=registry,
            extensions=extensions,
            prompts=prompts,
            queue=queue,
            open_jobs=open_jobs,
            settler=settler,
            till=till,
            answers=answers,
            hands=hands,
            pause=given.pause,
            unsaved=unsaved,
            first_polled=first_polled,
            clock=clock,
            rng=rng,
            executor=disk,
        )

    rounds = Rounds(
        journal=journal,
        store=store,
        registry=registry,
        rotation=rotation,
        frames=frames,
        queue=queue,
        open_jobs=open_jobs,
        clock=clock,
    )
    entries = (
        Entry(name="ask about waiting jobs", cron=options.check_pending_cron, action=rounds.ask_waiting),
        Entry(name="count and rotate pictures", cron=options.scan_image_cron, action=rounds.scan_and_rotate),
    )
    supervisor = Supervisor(clock)
    stack.push_async_callback(supervisor.stop)
    stack.push_async_callback(hands.close, _LAST_CALLS)  # left first: calls under way may come to their end
    crew = Crew(supervisor=supervisor, registry=registry, take_on=take_on, least=options.workers)
    crew.fill()
    reloader = Reloader(
        config=given.config,
        flags=given.flags,
        environment=given.environment,
        registry=registry,
        extensions=extensions,
        store=store,
        journal=journal,
        queue=queue,
        open_jobs=open_jobs,
        crew=crew,
        clock=clock,
        executor=disk,
    )
    supervisor.keep_running("reloads", reloader.run)
    for entry in entries:
        supervisor.keep_running(entry.name, partial(run_entry, entry, clock))
    starter = paint_starter_set(
        journal=journal, store=store, registry=registry, intake=intake, frames=frames, open_jobs=open_jobs
    )
    supervisor.run_once("starter set", starter)

    app[keys.INTAKE] = intake
    app[keys.DELIVERY] = delivery
    app[keys.FRAMES] = frames
    app[keys.SCREENS] = Screens(intake=intake, delivery=delivery, clock=clock, refresh=options.refresh)
    app[keys.STORE] = store
    app[keys.ROTATION] = rotation
    app[keys.JOURNAL] = journal
    app[keys.PROMPTS] = prompts
    app[keys.CLOCK] = clock
    app[keys.TOKEN] = given.owner_token
    app[keys.RELOADER] = reloader
    app[keys.OVERVIEW] = ServerOverview(
        registry=registry,
        extensions=extensions,
        till=till,
        supervisor=supervisor,
        store=store,
        journal=journal,
        queue=queue,
        open_jobs=open_jobs,
        vital=lambda: (*crew.names, *(entry.name for entry in entries)),
    )

    async def release_waiters(_app: web.Application) -> None:
        # A frame that waits for a job would make the stop take its whole time.
        open_jobs.release()

    app.on_shutdown.append(release_waiters)


async def _id_secret(journal: Journal, token: Callable[[int], bytes]) -> bytes:
    secret = await journal.notes.get(_ID_SECRET)
    if secret is None:
        secret = token(32).hex()
        await journal.notes.put(_ID_SECRET, secret)
    return bytes.fromhex(secret)
