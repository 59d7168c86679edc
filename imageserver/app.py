"""The wiring: every room, in the order in which it is opened. Nothing else is done here."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial

from aiohttp import web
from attrs import field, frozen

from imageserver.access import open_access
from imageserver.answers import Answers
from imageserver.card_facts import CardFactsNow
from imageserver.clock import Clock
from imageserver.config.model import Config
from imageserver.counters import Counters
from imageserver.crew import Crew
from imageserver.delivery import Delivery
from imageserver.error_cards import ErrorCards
from imageserver.extension_registry import Extensions, ExtensionSelection, picture_facts
from imageserver.frames import Frames
from imageserver.home import open_home
from imageserver.intake import Intake, limits_of
from imageserver.job_ids import JobIds
from imageserver.jobs import JobQueue, OpenJobs
from imageserver.journal import Journal
from imageserver.money import MoneyClock
from imageserver.naps import Naps
from imageserver.options_in_use import OptionsInUse
from imageserver.overview import ServerOverview
from imageserver.owners_texts import open_prompts
from imageserver.pictures.cards import CardRenditions
from imageserver.pictures.choices import Choices
from imageserver.pictures.peoples_rooms import open_for_people
from imageserver.pictures.renditions import Renditions
from imageserver.pictures.rotation import Rotation
from imageserver.pictures.store import PictureStore
from imageserver.pictures.turns import Turns
from imageserver.plugins import Plugins
from imageserver.registry import Registry, Selection
from imageserver.reloading import Reloader
from imageserver.rounds import Rounds
from imageserver.schedule import Timetable
from imageserver.settings_desk import SettingsDesk
from imageserver.sightings import Sightings
from imageserver.snapshots import Snapshots
from imageserver.starter import paint_starter_set
from imageserver.steering import Steering
from imageserver.summary import Summary
from imageserver.supervisor import Supervisor
from imageserver.till import Till
from imageserver.vigil import Stage, Vigil
from imageserver.web import keys
from imageserver.web.access import gate
from imageserver.web.counting import COUNTERS, counted
from imageserver.web.frame_list import frame_readings
from imageserver.web.html import load_files
from imageserver.web.metrics import METRICS, Metrics
from imageserver.web.middlewares import errors
from imageserver.web.page_files import PAGE_FILES, PageFiles
from imageserver.web.routes import add_routes
from imageserver.web.screens import Screens
from imageserver.workshop import Workshop

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
    app = web.Application(middlewares=[counted, errors, gate], client_max_size=_LARGEST_BODY)
    add_routes(app)

    async def rooms(app: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await _open_rooms(app, given, stack)
            yield

    app.cleanup_ctx.append(rooms)
    return app


async def _open_rooms(app: web.Application, given: Given, stack: AsyncExitStack) -> None:  # noqa: PLR0915 - one statement a room
    options, clock, rng = given.config.options, given.clock, given.rng
    data = given.config.data

    # Threads: short work on the disk must not queue behind pictures that are being made, nor what was paid for.
    disk = ThreadPoolExecutor(8, thread_name_prefix="disk")
    brush = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="brush")
    for executor in (disk, brush, judge := ThreadPoolExecutor(1, thread_name_prefix="judge")):
        stack.callback(executor.shutdown, wait=False, cancel_futures=True)

    # The journal, and what must be known from it before anything begins.
    journal = Journal(data / "journal.sqlite")
    await journal.open()
    stack.push_async_callback(journal.close)
    counters = Counters(journal=journal, clock=clock)
    await counters.open()
    stack.push_async_callback(counters.write_down)
    access = await open_access(options, journal, clock, given.token, given.owner_token, given.environment)
    stack.callback(access.close)
    secret = await journal.notes.get_or_put(_ID_SECRET, lambda: given.token(32).hex())
    ids = JobIds(bytes.fromhex(secret), clock, given.token)
    queue, open_jobs = JobQueue(), OpenJobs()

    # Providers and pictures.
    answers = Answers(data / "answers")
    registry = Registry(given.plugins, given.selection, data=data, answers=answers, clock=clock, rng=rng)
    stack.push_async_callback(registry.close)
    await registry.open()
    extensions = Extensions(data=data, clock=clock, rng=rng)
    stack.push_async_callback(extensions.close)
    await extensions.take_over(given.extensions)
    frames = Frames(options, given.config.frames, registry.code_of)
    sightings = Sightings(journal=journal, clock=clock)
    await sightings.open()
    stack.push_async_callback(sightings.close)
    turns = Turns(journal=journal, clock=clock, rng=rng)
    store = PictureStore(
        folder=options.image_path,
        journal=journal,
        libraries=registry.libraries,
        clock=clock,
        executor=disk,
        renditions=Renditions(data / "renditions", brush, disk),
        turns=turns,
        drawings=lambda picture, target: extensions.drawing(picture_facts(picture, target)),
        draws=extensions.may_draw,
    )
    people = await open_for_people(
        store, journal, registry.libraries, data / "renditions", clock=clock, token=given.token, disk=disk, brush=brush
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
    prompts, language = await open_prompts(given.config, given.environment, clock, disk)

    disks = {"data": data, "pictures": options.image_path}
    till = Till(journal=journal, clock=MoneyClock(clock), disks=disks, executor=disk)
    await till.open()
    error_cards = ErrorCards(journal=journal, are_wanted=options.error_cards)
    facts = CardFactsNow(
        registry=registry, store=store, till=till, error_cards=error_cards, language=language, page=given.page
    )
    cards = CardRenditions(facts=facts.gather, executor=brush)
    stack.push_async_callback(cards.close)

    # Wishes come in here, and pictures go out there.
    choices = Choices(journal=journal, open_jobs=open_jobs)
    await choices.open()
    naps = await Naps.opened(journal)
    intake = Intake(
        journal=journal,
        store=store,
        choices=choices,
        registry=registry,
        prompts=prompts,
        queue=queue,
        open_jobs=open_jobs,
        ids=ids,
        till=till,
        error_cards=error_cards,
        naps=naps,
        limits=limits_of(options),
        clock=clock,
        rng=rng,
        executor=disk,
    )
    await intake.open()
    steering = Steering(frames=frames, store=store, choices=choices, intake=intake)
    delivery = Delivery(
        journal=journal,
        store=store,
        choices=choices,
        cards=cards,
        queue=queue,
        open_jobs=open_jobs,
        ids=ids,
        counters=counters,
        clock=clock,
    )
    await delivery.open()

    # What runs by itself: first the jobs of the last run, then workers and the schedule.
    unfinished = [job.id for job in await journal.jobs.unfinished()]
    await asyncio.get_running_loop().run_in_executor(disk, answers.keep_only, unfinished)
    for job_id in unfinished:
        open_jobs.add(job_id)
        queue.wake(job_id)
    workshop = Workshop(
        journal=journal,
        registry=registry,
        extensions=extensions,
        store=store,
        frames=frames,
        queue=queue,
        open_jobs=open_jobs,
        till=till,
        answers=answers,
        error_cards=error_cards,
        counters=counters,
        quarantine=data / "quarantine",
        pause=given.pause,
        clock=clock,
        rng=rng,
        disk=disk,
        judge=judge,
    )
    rounds = Rounds(
        journal=journal,
        store=store,
        registry=registry,
        rotation=rotation,
        trash=people.trash,
        frames=frames,
        sightings=sightings,
        queue=queue,
        open_jobs=open_jobs,
        clock=clock,
    )
    summary = Summary(counters=counters, stored=store.count, clock=clock).entry()
    snapshots = Snapshots(journal=journal, clock=clock, executor=disk).entry()
    timetable = Timetable((*rounds.entries(options), summary, snapshots), clock)
    supervisor = Supervisor(clock)
    stack.push_async_callback(supervisor.stop)
    stack.push_async_callback(workshop.hands.close, _LAST_CALLS)  # left first: calls under way may come to their end
    crew = Crew(supervisor=supervisor, registry=registry, take_on=workshop.take_on, least=options.workers)
    crew.fill()
    screens = Screens(intake=intake, delivery=delivery, clock=clock, refresh=options.refresh)
    in_use = OptionsInUse(
        config=given.config,
        frames=frames,
        sightings=sightings,
        turns=turns,
        choices=choices,
        naps=naps,
        delivery=delivery,
        screens=screens,
        rotation=rotation,
        intake=intake,
        prompts=prompts,
        crew=crew,
    )
    await in_use.open()
    reloader = Reloader(
        options=in_use,
        flags=given.flags,
        environment=given.environment,
        registry=registry,
        extensions=extensions,
        store=store,
        journal=journal,
        queue=queue,
        open_jobs=open_jobs,
        clock=clock,
        executor=disk,
    )
    supervisor.keep_running("reloads", reloader.run)
    supervisor.keep_running("counters", counters.run)
    timetable.begin(supervisor)
    vigil = Vigil(supervisor=supervisor, crew=crew, timetable=timetable, journal=journal, queue=queue, clock=clock)
    vigil.begin()
    starter = paint_starter_set(
        journal=journal, store=store, registry=registry, intake=intake, frames=frames, open_jobs=open_jobs
    )
    supervisor.run_once("starter set", starter)
    overview = ServerOverview(
        registry=registry,
        extensions=extensions,
        till=till,
        store=store,
        journal=journal,
        queue=queue,
        open_jobs=open_jobs,
        vigil=vigil,
    )
    page_files = PageFiles(load_files)
    stack.push_async_callback(page_files.close)

    app[PAGE_FILES] = page_files
    app[keys.INTAKE] = intake
    app[keys.DELIVERY] = delivery
    app[keys.FRAMES] = frames
    app[keys.SIGHTINGS] = sightings
    app[keys.SCREENS] = screens
    app[keys.OPTIONS] = in_use
    app[keys.STORE] = store
    app[keys.PEOPLE] = people
    app[keys.ROTATION] = rotation
    app[keys.JOURNAL] = journal
    app[keys.PROMPTS] = prompts
    app[keys.CLOCK] = clock
    app[keys.ACCESS] = access
    app[keys.RELOADER] = reloader
    app[keys.SETTINGS] = SettingsDesk(
        options=in_use, reloader=reloader, registry=registry, extensions=extensions, executor=disk
    )
    app[keys.CHOICES] = choices
    app[keys.NAPS] = naps
    app[keys.STEERING] = steering
    app[keys.DICE] = rng
    app[keys.OPEN_JOBS] = open_jobs
    app[keys.WHERE] = given.page
    app[keys.OVERVIEW] = overview
    app[keys.TILL] = till
    app[COUNTERS] = counters
    app[METRICS] = Metrics(counters=counters, readings=overview.readings, frames=partial(frame_readings, app))
    if home := open_home(app, options.mqtt, registry=registry, till=till, language=language, executor=disk):
        supervisor.keep_running("mqtt", home)

    async def release_waiters(_app: web.Application) -> None:
        # A frame that waits for a job would make the stop take its whole time.
        vigil.stage = Stage.STOPPING
        open_jobs.release()

    app.on_shutdown.append(release_waiters)
    vigil.stage = Stage.READY
