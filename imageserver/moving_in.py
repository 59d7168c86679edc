"""Folders that the Go ImageServer left: what lies there, which version it was, and what its owner will see differ."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from imageserver.certificates.files import Pair
from imageserver.config.folders import default_images
from imageserver.config.model import Config, Options
from imageserver.config.older import AMOUNTS, PANEL
from imageserver.config.reader import parse
from imageserver.config.values import Pairs
from imageserver.language import Language, owners_language
from imageserver.money import Caps
from imageserver.pictures.scan import ORIGINALS, SMALLER, made_by_go, scan_store, smaller_twin
from imageserver.prompts import source
from imageserver.prompts.reading import Reading
from imageserver.registry import DISABLED, LAST_RESORT, Selection, library_folders

_OLD_OPTIONS = (PANEL, "image_weight", *AMOUNTS)
_OLD_CODES = ("ydart", "lim")  # in small letters
_KEYS = "ydart-options.json"  # of YandexART, which the first version asked without being told to
_IN_UTC = ("1.02", "1.03")  # versions whose sleep windows were written in UTC

_log = logging.getLogger(__name__)

_FOUND: Mapping[str, Mapping[Language, str]] = {
    "headline": {
        "en": "This looks like the data of the Go ImageServer {version}. It is served as it is, without any change.",
        "ru": "Похоже на данные ImageServer {version}, сервера на Go. Они годятся как есть, менять ничего не нужно.",
    },
    "options": {
        "en": "{file}, with old names that go on working: {names}",
        "ru": "{file} со старыми названиями, они работают и дальше: {names}",
    },
    "prompts": {"en": "{file} (prompts: {count})", "ru": "{file} (промптов: {count})"},
    "elsewhere": {
        "en": "no pictures there, but {count} in {beside}: correct image_path, or take it out of {file}",
        "ru": "картинок там нет, зато в {beside} их {count}: исправьте image_path или уберите его из {file}",
    },
    "wrong_prompts": {
        "en": "{file} with a mistake in it, and until it is corrected only `test` is painted: {problem}",
        "ru": "{file} с ошибкой, и пока она не исправлена, рисуется только `test`: {problem}",
    },
    "pictures": {"en": "pictures in {folder}: {count}", "ru": "картинки в {folder}: {count}"},
    "twins": {
        "en": "smaller copies in {folder}: {count}; their originals are shown, each picture once",
        "ru": "уменьшенные копии в {folder}: {count}; показываются их оригиналы, каждая картинка один раз",
    },
    "certificates": {"en": "certificates in {folder}", "ru": "сертификаты в {folder}"},
    "differences": {"en": "What will differ:", "ru": "Что изменится:"},
}

_DIFFERENCES: Mapping[str, Mapping[Language, str]] = {
    "cropped": {
        "en": "pictures fill the whole panel and lose what does not fit; fit_mode: pad brings the black bars back",
        "ru": "картинки занимают весь экран, лишнее по краям срезается; чёрные поля вернёт fit_mode: pad",
    },
    "local_time": {
        "en": "sleep windows go by the clock on your wall; version {version} took their hours as UTC",
        "ru": "часы сна отсчитываются по вашему местному времени; версия {version} понимала их как UTC",
    },
    "library": {
        "en": "photos are shown straight from {folder}, subfolders too and the right way up; they are not copied",
        "ru": "фотографии показываются прямо из {folder}, со вложенными папками и правильно повёрнутые, без копий",
    },
    "amounts": {
        "en": "originals have no limit of their own: of all pictures {least} to {most} are kept",
        "ru": "отдельного лимита для оригиналов нет: всего хранится от {least} до {most} картинок",
    },
    "consent": {
        "en": "more pictures are stored than image_amount_max ({most}): none of the old ones is deleted before you "
        "agree with `imageserver rotate --yes`",
        "ru": "картинок больше, чем image_amount_max ({most}): старые не удаляются, пока вы не согласитесь командой "
        "`imageserver rotate --yes`",
    },
    "cap": {
        "en": "{code} buys at most {cap} pictures a day; max_per_day under providers: {code} changes that",
        "ru": "{code} покупает не больше {cap} картинок в день; другое число: max_per_day в providers: {code}",
    },
    "keys": {
        "en": "YandexART, whose keys lie in {file}, paints once options.yml says providers: {{yandexart: {{}}}}",
        "ru": "YandexART, ключи которого лежат в {file}, заработает после providers: {{yandexart: {{}}}} в options.yml",
    },
    "http": {
        "en": "port {port} speaks plain HTTP beside HTTPS, for frames of every firmware; the certificate stays in use",
        "ru": "порт {port} понимает и HTTPS, и обычный HTTP, для рамок с любой прошивкой; сертификат прежний",
    },
    "validated": {
        "en": "a mistake in {file} is named with its line, and the last good prompts stay in use",
        "ru": "при ошибке в {file} лог назовёт строку, а в ходу останутся последние правильные промпты",
    },
    "log": {
        "en": "the log in {file} is put aside every day or after {megabytes} MB, and deleted after {days} days",
        "ru": "лог {file} раз в сутки или после {megabytes} МБ уходит в архив; архивы хранятся {days} дн.",
    },
    "painter": {
        "en": "the built-in painter steps in when nobody else can paint; disabled_providers: [atelier] turns it off",
        "ru": "когда рисовать больше некому, рисует встроенный художник; отключить: disabled_providers: [atelier]",
    },
    "answers": {
        "en": "the first question for a picture may be answered with done, and ids are longer; frames take both",
        "ru": "первый же запрос результата может вернуть done, а id стали длиннее; рамкам это не мешает",
    },
}


@frozen(kw_only=True)
class Findings:
    """What lies in the folders."""

    version: str  # a guess, from what only some versions left behind
    old_names: tuple[str, ...]  # of options
    prompts: Path | None
    prompt_texts: tuple[str, ...]
    prompt_problem: str | None
    pictures: int  # that can be shown
    twins: int  # smaller copies, whose originals are shown
    has_certificates: bool


def look(config: Config) -> Findings | None:
    """What the Go server left in the folders of `config`; None where it has not been, or ours has. Changes nothing."""
    if (config.data / "journal.sqlite").exists():
        return None
    images, pair = config.options.image_path, Pair.of(config.options.cert_path)
    paths = _pictures(images)
    old_names = tuple(_old_names(config))
    if not old_names and not any(map(made_by_go, paths)):
        return None
    prompts = source.find(config.data)
    reading = source.read(prompts)[1] if prompts else Reading()
    has_certificates = pair.certificate.is_file() and pair.key.is_file()
    traces = _Traces(
        has_smaller=(images / SMALLER).is_dir(),
        has_originals=any(path.startswith(f"{ORIGINALS}/") and made_by_go(path) for path in paths),
        has_threshold=config.is_given("fit_threshold"),
        has_certificates=has_certificates,
        has_yaml=prompts is not None and prompts.suffix == ".yaml",
        old_names=old_names,
    )
    return Findings(
        version=traces.version,
        old_names=old_names,
        prompts=prompts,
        prompt_texts=tuple(prompt.text for prompt in reading.prompts),
        prompt_problem=str(reading.problems[0]) if reading.problems else None,
        pictures=len(paths),
        twins=sum(twin is not None and (images / twin).is_file() for twin in map(smaller_twin, paths)),
        has_certificates=has_certificates,
    )


def announce(config: Config) -> None:
    """Say it in the log, before the first start on such folders."""
    found = look(config)
    if found is not None:
        _log.info(
            "these folders come from the Go ImageServer, by the look of them version %s: pictures: %d, prompts: %d. "
            "They are used as they are",
            found.version,
            found.pictures,
            len(found.prompt_texts),
        )


def report(config: Config, selection: Selection, environment: Mapping[str, str]) -> list[str]:
    """What `imageserver check` says about old folders, in the owner's language; nothing where there are none."""
    found = look(config)
    if found is None:
        return []
    language = owners_language(config.options.language, environment, found.prompt_texts)
    return [
        _FOUND["headline"][language].format(version=found.version),
        *(f"  - {_FOUND[name][language].format(**facts)}" for name, facts in _findings(found, config)),
        _FOUND["differences"][language],
        *(f"  - {_DIFFERENCES[name][language].format(**facts)}" for name, facts in _changes(found, config, selection)),
    ]


@frozen(kw_only=True)
class _Traces:
    """What only some versions left behind."""

    has_smaller: bool
    has_originals: bool
    has_threshold: bool
    has_certificates: bool
    has_yaml: bool
    old_names: Sequence[str]

    @property
    def version(self) -> str:
        """The oldest version that all of it fits."""
        if self.has_smaller:
            return "1.04"
        if self.has_originals or self.has_threshold:
            return "1.05"
        if any(name == "providers.lim" or name in AMOUNTS for name in self.old_names):
            return "1.04"
        if self.has_certificates:
            return "1.03"
        is_later = any(name == PANEL or "." in name for name in self.old_names)
        return "1.02" if self.has_yaml or is_later else "1.1"


def _findings(found: Findings, config: Config) -> Iterator[tuple[str, Mapping[str, object]]]:
    options = config.options
    if found.old_names:
        yield "options", {"file": config.options_file.name, "names": ", ".join(found.old_names)}
    if found.prompts and found.prompt_problem:
        yield "wrong_prompts", {"file": found.prompts.name, "problem": found.prompt_problem}
    elif found.prompts:
        yield "prompts", {"file": found.prompts.name, "count": len(found.prompt_texts)}
    yield "pictures", {"folder": options.image_path, "count": found.pictures}
    beside = default_images(config.data)
    if not found.pictures and beside != options.image_path and (count := len(_pictures(beside))):
        yield "elsewhere", {"beside": beside, "count": count, "file": config.options_file.name}
    if found.twins:
        yield "twins", {"folder": options.image_path / SMALLER, "count": found.twins}
    if found.has_certificates:
        yield "certificates", {"folder": options.cert_path}


def _changes(found: Findings, config: Config, selection: Selection) -> Iterator[tuple[str, Mapping[str, object]]]:
    """At most ten: no version has everything of which one is told."""
    yield from _changes_to_pictures(found, config.options, selection)
    yield from _changes_to_providers(found, config, selection)
    options = config.options
    if found.has_certificates:
        yield "http", {"port": options.port}
    if options.log_file is not None and options.log_file.is_file():
        yield "log", {"file": options.log_file, "megabytes": options.log_megabytes, "days": options.log_days}
    yield "answers", {}


def _changes_to_pictures(
    found: Findings, options: Options, selection: Selection
) -> Iterator[tuple[str, Mapping[str, object]]]:
    if found.version == "1.05" and options.fit_mode != "pad":
        yield "cropped", {}
    windows = [*options.sleep_time, *(one for enabled in selection.enabled for one in enabled.terms.sleep_time)]
    if windows and found.version in _IN_UTC:
        yield "local_time", {"version": found.version}
    if any(name in AMOUNTS for name in found.old_names):
        yield "amounts", {"least": options.image_amount_min, "most": options.image_amount_max}
    if found.pictures > options.image_amount_max:
        yield "consent", {"most": options.image_amount_max}


def _changes_to_providers(
    found: Findings, config: Config, selection: Selection
) -> Iterator[tuple[str, Mapping[str, object]]]:
    for folder in library_folders(selection).values():
        yield "library", {"folder": folder}
    for enabled in selection.enabled:
        caps = Caps.from_terms(enabled.terms, enabled.kind.default_price, is_paid=enabled.kind.paid)
        if enabled.kind.paid and caps.per_day is not None:
            yield "cap", {"code": enabled.kind.code, "cap": caps.per_day}
    if selection.off.get("yandexart", DISABLED) != DISABLED and (config.data / _KEYS).is_file():
        yield "keys", {"file": _KEYS}
    if found.prompts:
        yield "validated", {"file": found.prompts.name}
    if any(enabled.kind.code == LAST_RESORT for enabled in selection.enabled):
        yield "painter", {}


def _pictures(images: Path) -> list[str]:
    try:
        return [file.path for file in scan_store(images)]
    except OSError:
        return []


def _old_names(config: Config) -> Iterator[str]:
    """The names in options.yml that only the Go server's owners write, in the order of the file."""
    try:
        node, _ = parse(config.options_file.read_bytes(), config.options_file.name)
    except OSError:
        return
    for key, value in node.pairs if isinstance(node, Pairs) else ():
        below = value.pairs if isinstance(value, Pairs) else ()
        if key.text in _OLD_OPTIONS:
            yield key.text
        if key.text == "providers":
            yield from (f"providers.{code.text}" for code, _ in below if code.text.lower() in _OLD_CODES)
