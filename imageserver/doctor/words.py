"""What `imageserver doctor` says, in the owner's language: for each finding a sentence, and what to do about it."""

# ruff: noqa: E501 - a sentence on a line is easier to translate

from __future__ import annotations

from collections.abc import Mapping

from imageserver.language import Language

_Pair = tuple[str, str]

AREAS: Mapping[str, Mapping[Language, str]] = {
    "server": {"en": "Server", "ru": "Сервер"},
    "options": {"en": "Options and prompts", "ru": "Настройки и промпты"},
    "folders": {"en": "Folders and disk", "ru": "Папки и диск"},
    "clock": {"en": "Clock", "ru": "Часы"},
    "ports": {"en": "Ports and HTTPS", "ru": "Порты и HTTPS"},
    "providers": {"en": "Providers", "ru": "Провайдеры"},
    "frames": {"en": "Frames", "ru": "Рамки"},
    "versions": {"en": "Versions", "ru": "Версии"},
}

SEVERITIES: Mapping[Language, Mapping[str, str]] = {
    "en": {"good": "good", "note": "note", "warning": "warning", "problem": "PROBLEM"},
    "ru": {"good": "хорошо", "note": "заметка", "warning": "внимание", "problem": "ОШИБКА"},
}

HEADS: Mapping[str, Mapping[Language, str]] = {
    "sum": {"en": "Problems: {problems}. Warnings: {warnings}.", "ru": "Ошибок: {problems}. Предупреждений: {warnings}."},
    "safe": {
        "en": "This page holds no key, no password, no address on the internet and no name of a computer: it can be pasted.",
        "ru": "Здесь нет ключей, паролей, адресов в интернете и имён компьютеров: страницу можно показывать другим.",
    },
}  # fmt: skip

FOUND: Mapping[str, Mapping[Language, _Pair]] = {
    "not_looked_at": {
        "en": ("This could not be looked at: {why}", "Report it, with this page."),
        "ru": ("Проверить не удалось: {why}", "Сообщите об этом, приложив эту страницу."),
    },
    # the server
    "alive": {
        "en": ("A server runs on {data} and is well.", ""),
        "ru": ("Сервер на {data} работает, всё в порядке.", ""),
    },
    "not_alive": {
        "en": ("A server runs on {data}, and this in it does not run as it must: {names}.", "Restart it; if that does not help, the log says more."),
        "ru": ("Сервер на {data} работает, но не всё в нём живо: {names}.", "Перезапустите его; если не поможет, подробности в логе."),
    },
    "mute": {
        "en": ("A server runs on {data} and does not answer.", "Restart it. The log may say what held it up."),
        "ru": ("Сервер на {data} запущен, но не отвечает.", "Перезапустите его. Что его держало, может быть в логе."),
    },
    "not_running": {
        "en": ("No server runs on {data}; what only a running one knows is missing below.", "Start it: `imageserver serve`, or whatever starts it in your house."),
        "ru": ("Сервер на {data} не запущен, поэтому ниже есть не всё.", "Запустите его: `imageserver serve` или так, как он запускается у вас."),
    },
    "no_data": {
        "en": ("There is no data folder {data}: no server has run on it.", "Name the right one with --data, or start a server."),
        "ru": ("Папки с данными {data} нет: сервер на ней не запускался.", "Укажите нужную через --data или запустите сервер."),
    },
    "closed_data": {
        "en": ("The data folder {data} belongs to another user ({owner}) and cannot be read.", "Say it as that user: sudo -u '#{owner}' imageserver doctor --data {data}"),
        "ru": ("Папка с данными {data} принадлежит другому пользователю ({owner}) и не читается.", "Запустите от его имени: sudo -u '#{owner}' imageserver doctor --data {data}"),
    },
    "as_root": {
        "en": ("The doctor runs as root, and the data belongs to user {owner}: rights were judged for root, who may do everything.", "For the rights say it as that user: sudo -u '#{owner}' imageserver doctor --data {data}"),
        "ru": ("Проверка идёт от root, а данные принадлежат пользователю {owner}: root может всё, и его права ни о чём не говорят.", "Чтобы проверить права: sudo -u '#{owner}' imageserver doctor --data {data}"),
    },
    "restarts": {
        "en": ("Since the start these died and were started again: {names}.", "The log has a traceback of each; it belongs into a report."),
        "ru": ("С момента запуска падало и было запущено снова: {names}.", "В логе есть подробности; приложите их к сообщению."),
    },
    "lost_notes": {
        "en": ("{count} journal entries could not be written since the start.", "Mostly the disk was full: see below."),
        "ru": ("Записей, которые журнал не смог сохранить с момента запуска: {count}.", "Обычно это из-за переполненного диска, см. ниже."),
    },
    "late_loop": {
        "en": ("In the last minute the server stood still for {time}.", "The machine is overloaded, or its disk is slow. Other programs may need less."),
        "ru": ("За последнюю минуту сервер стоял {time}.", "Машина перегружена, или диск медленный. Проверьте, что ещё на ней работает."),
    },
    "old_server": {
        "en": ("The server that runs is version {running}, and {installed} is installed.", "Restart it."),
        "ru": ("Работает версия {running}, а установлена {installed}.", "Перезапустите сервер."),
    },
    "journal_refused": {
        "en": ("The journal cannot be read: {why}", "docs/operations.md says under \"It does not start\" what helps."),
        "ru": ("Журнал не читается: {why}", "Что делать, написано в docs/operations.md под «It does not start»."),
    },
    "journal_large": {
        "en": ("The journal is too large to be looked at without a server ({size}).", "Start the server and ask again."),
        "ru": ("Журнал слишком велик, чтобы смотреть его без сервера ({size}).", "Запустите сервер и повторите."),
    },
    # options
    "options_good": {
        "en": ("{file} has no mistakes.", ""),
        "ru": ("В {file} ошибок нет.", ""),
    },
    "no_options": {
        "en": ("There is no {file}; everything is at its default.", ""),
        "ru": ("Файла {file} нет, действуют значения по умолчанию.", ""),
    },
    "option_wrong": {
        "en": ("{where}: {why}", "Correct it. `imageserver check` says it with what stands in the file."),
        "ru": ("{where}: {why}", "Исправьте. `imageserver check` скажет то же вместе с тем, что стоит в файле."),
    },
    "prompt_wrong": {
        "en": ("{where}: {why}", "Correct it; until then the last good prompts are used."),
        "ru": ("{where}: {why}", "Исправьте; до тех пор в ходу последние правильные промпты."),
    },
    "prompts_good": {
        "en": ("The prompts have no mistakes.", ""),
        "ru": ("В промптах ошибок нет.", ""),
    },
    # folders and disk
    "folder_wrong": {
        "en": ("{where}: {why}", ""),
        "ru": ("{where}: {why}", ""),
    },
    "folder_good": {
        "en": ("The folder {folder} can be used.", ""),
        "ru": ("Папка {folder} доступна.", ""),
    },
    "disk_good": {
        "en": ("{free} are free on the disk of {folder}.", ""),
        "ru": ("На диске с {folder} свободно {free}.", ""),
    },
    "disk_low": {
        "en": ("Only {free} are free on the disk of {folder}.", "Make room, or lower image_amount_max. Below {reserve} nothing is bought any more."),
        "ru": ("На диске с {folder} осталось {free}.", "Освободите место или уменьшите image_amount_max. Когда останется меньше {reserve}, покупки прекратятся."),
    },
    "disk_full": {
        "en": ("The disk of {folder} is full: {free} are free. Nothing new can be kept, and nothing is bought.", "Make room. Frames go on showing what is stored."),
        "ru": ("Диск с {folder} полон: свободно {free}. Новое не сохраняется, и ничего не покупается.", "Освободите место. Рамки пока показывают то, что есть."),
    },
    "inodes_gone": {
        "en": ("The disk of {folder} has room, but cannot take one more file.", "Delete files there, many small ones mostly; the file system has no number left for another."),
        "ru": ("На диске с {folder} есть место, но ни одного файла больше не создать.", "Удалите там файлы, обычно это множество мелких: у файловой системы кончились номера."),
    },
    "disk_unknown": {
        "en": ("The disk of {folder} does not say how much is free: {why}", "Is it mounted?"),
        "ru": ("Диск с {folder} не сообщает, сколько свободно: {why}", "Он подключён?"),
    },
    "snapshot_good": {
        "en": ("The journal's last snapshot is {age} old.", ""),
        "ru": ("Последнему снимку журнала {age}.", ""),
    },
    "snapshot_old": {
        "en": ("The journal's last snapshot is {age} older than the journal.", "The log says why no newer one could be kept; mostly there is no room."),
        "ru": ("Последний снимок журнала старше самого журнала на {age}.", "Почему нового нет, сказано в логе; обычно не хватает места."),
    },
    # the clock
    "clock_good": {
        "en": ("It is {now}; zone {zone}.", ""),
        "ru": ("Сейчас {now}; часовой пояс {zone}.", ""),
    },
    "clock_past": {
        "en": ("The clock says {now}, before this version was made: nothing is bought.", "Set it, or give the machine a time server (on a Raspberry Pi: timedatectl set-ntp true)."),
        "ru": ("На часах {now}, а эта версия сделана позже: ничего не покупается.", "Поставьте часы или включите сервер времени (на Raspberry Pi: timedatectl set-ntp true)."),
    },
    "clock_future": {
        "en": ("The clock says {now}, years after this version was made.", "If that is wrong, set it: caps and certificates go by it."),
        "ru": ("На часах {now}, это на годы позже выхода версии.", "Если это неверно, поставьте часы: по ним считаются лимиты и сертификаты."),
    },
    "clock_behind": {
        "en": ("The clock is behind the last purchase by {time}: nothing is bought.", "Set it right."),
        "ru": ("Часы отстают от последней покупки на {time}: ничего не покупается.", "Поставьте их."),
    },
    "zone_unknown": {
        "en": ("TZ names a zone that is not known here, so hours are UTC.", "Write one such as TZ=Europe/Moscow."),
        "ru": ("В TZ указан неизвестный часовой пояс, поэтому время идёт по UTC.", "Напишите, например, TZ=Europe/Moscow."),
    },
    "zone_unsaid": {
        "en": ("Nobody says in which zone this is, so hours are UTC.", "Set TZ, or give a container /etc/localtime."),
        "ru": ("Часовой пояс не указан, поэтому время идёт по UTC.", "Задайте TZ или дайте контейнеру /etc/localtime."),
    },
    # ports and certificate
    "port_good": {
        "en": ("Port {port} ({option}): the server listens.", ""),
        "ru": ("Порт {port} ({option}): сервер слушает.", ""),
    },
    "port_other": {
        "en": ("The server listens on port {port}; the options say {written}.", "If it was started with --port, all is well; otherwise restart it."),
        "ru": ("Сервер слушает порт {port}, а в настройках {written}.", "Если он запущен с --port, так и должно быть; иначе перезапустите его."),
    },
    "port_free": {
        "en": ("Port {port} ({option}) is free for the server.", ""),
        "ru": ("Порт {port} ({option}) свободен для сервера.", ""),
    },
    "port_taken": {
        "en": ("Port {port} ({option}) is taken by another program: {who}.", "Stop that one, or write another number for {option} into options.yml (and into the frames)."),
        "ru": ("Порт {port} ({option}) занят другой программой: {who}.", "Остановите её или впишите для {option} другой номер в options.yml (и в рамки)."),
    },
    "port_refused": {
        "en": ("Port {port} ({option}) cannot be used: {why}", ""),
        "ru": ("Порт {port} ({option}) использовать нельзя: {why}", ""),
    },
    "port_silent": {
        "en": ("The options name port {port} ({option}), and the running server does not listen there.", "Restart it: ports are taken over at a start. In a container, look at its port mapping too."),
        "ru": ("В настройках указан порт {port} ({option}), но работающий сервер его не слушает.", "Перезапустите его: порты берутся при запуске. В контейнере проверьте и проброс портов."),
    },
    "cert_none": {
        "en": ("There is no certificate: plain HTTP only, which is what frames need.", ""),
        "ru": ("Сертификата нет, работает обычный HTTP; рамкам этого достаточно.", ""),
    },
    "cert_good": {
        "en": ("The certificate is good until {until}.", ""),
        "ru": ("Сертификат действует до {until}.", ""),
    },
    "cert_soon": {
        "en": ("The certificate ends in {time}, on {until}.", "Renew it, or make another: `imageserver cert --force`. A running server takes it over within a minute."),
        "ru": ("Сертификат кончится через {time}, {until}.", "Обновите его или сделайте новый: `imageserver cert --force`. Работающий сервер возьмёт его за минуту."),
    },
    "cert_over": {
        "en": ("The certificate ended on {until}. Frames do not mind, browsers do.", "Renew it, or make another: `imageserver cert --force`."),
        "ru": ("Сертификат кончился {until}. Рамкам всё равно, а браузеры не пустят.", "Обновите его или сделайте новый: `imageserver cert --force`."),
    },
    "cert_broken": {
        "en": ("The certificate cannot be used: {why}", ""),
        "ru": ("Сертификат не годится: {why}", ""),
    },
    # providers
    "no_providers": {
        "en": ("Nobody paints but the built-in painter.", "README has a table of providers and what each one needs."),
        "ru": ("Рисует только встроенный художник.", "В README есть таблица провайдеров: что нужно каждому."),
    },
    "provider_good": {
        "en": ("{code}: good.", ""),
        "ru": ("{code}: всё хорошо.", ""),
    },
    "provider_wrong": {
        "en": ("{code}: {why}", "docs/providers has a page for each built-in provider."),
        "ru": ("{code}: {why}", "В docs/providers (по-русски: docs/ru/providers) есть страница о каждом встроенном провайдере."),
    },
    "provider_state": {
        "en": ("{code} is {state} in the running server: {why}", ""),
        "ru": ("{code} в работающем сервере: {state}. {why}", ""),
    },
    "provider_error": {
        "en": ("{code} failed last {time} ago: {why}", ""),
        "ru": ("{code}, последняя неудача {time} назад: {why}", ""),
    },
    "plugin_wrong": {
        "en": ("The plugin {name} is left out: {why}", ""),
        "ru": ("Плагин {name} не загружен: {why}", ""),
    },
    # frames
    "no_frames": {
        "en": ("No frame has ever asked.", "Enter this computer's address and the port above in the frame; `imageserver frame localhost` tries it out from here."),
        "ru": ("Ни одна рамка ещё не обращалась.", "Впишите в рамку адрес этого компьютера и порт; проверить отсюда: `imageserver frame localhost`."),
    },
    "frame_good": {
        "en": ("{frame}: seen {ago} ago{usually}{days}.", ""),
        "ru": ("{frame}: была {ago} назад{usually}{days}.", ""),
    },
    "frame_unseen": {
        "en": ("{frame} has a name in the options and has never asked.", "Compare its address and port under `frames:` with what the frame has."),
        "ru": ("{frame} есть в настройках, но ни разу не обращалась.", "Сверьте адрес и порт в `frames:` с тем, что вписано в рамку."),
    },
    "frame_late": {
        "en": ("{frame} is late: it comes every {usual} and was seen {ago} ago{days}.", "Look at its power and its Wi-Fi, and at the host and port entered in it."),
        "ru": ("{frame} опаздывает: обычно приходит раз в {usual}, а была {ago} назад{days}.", "Проверьте питание, Wi-Fi, адрес и порт в самой рамке."),
    },
    "frame_shared": {
        "en": ("Two frames seem to ask as {frame}.", "Give each a name and a port of its own under `frames:`; then each gets its own pictures."),
        "ru": ("Под именем {frame} приходят, похоже, две рамки.", "Дайте каждой имя и свой порт в `frames:`, и у каждой будут свои картинки."),
    },
    "frame_aborts": {
        "en": ("{frame} stopped in the middle of {aborted} of {all} pictures.", "Mostly its Wi-Fi is weak where it hangs."),
        "ru": ("{frame} бросила на середине {aborted} картинок из {all}.", "Обычно там, где она висит, слабый Wi-Fi."),
    },
    "frame_cards": {
        "en": ("{frame} was shown a card instead of a picture {cards} times out of {all} in the last two days.", "`imageserver jobs` says why each time."),
        "ru": ("{frame} за два дня получила вместо картинки карточку {cards} раз из {all}.", "Причину каждого раза покажет `imageserver jobs`."),
    },
    "frames_more": {
        "en": ("{count} more frames are well.", ""),
        "ru": ("Ещё рамок, у которых всё хорошо: {count}.", ""),
    },
    # versions
    "versions": {
        "en": ("ImageServer {server}, Python {python}, SQLite {sqlite}, {system}{container}.", ""),
        "ru": ("ImageServer {server}, Python {python}, SQLite {sqlite}, {system}{container}.", ""),
    },
    "packages": {
        "en": ("{packages}.", ""),
        "ru": ("{packages}.", ""),
    },
    "package_missing": {
        "en": ("The package {name} is not installed.", "Install the server anew."),
        "ru": ("Пакет {name} не установлен.", "Установите сервер заново."),
    },
    "python_strange": {
        "en": ("Python {python} is none that this version was tried with (3.11 to 3.13).", ""),
        "ru": ("С Python {python} эта версия не проверялась (проверены 3.11–3.13).", ""),
    },
}  # fmt: skip

USUALLY: Mapping[Language, str] = {"en": ", comes every {usual}", "ru": ", приходит раз в {usual}"}
DAYS: Mapping[Language, str] = {
    "en": "; last two days: {asked} visits, {fetched} pictures taken",
    "ru": "; за два дня: обращений {asked}, картинок взято {fetched}",
}
IN_CONTAINER: Mapping[Language, str] = {"en": ", in a container", "ru": ", в контейнере"}
NOBODY_KNOWS: Mapping[Language, str] = {"en": "it cannot be seen which", "ru": "какой именно, не видно"}

_UNITS: Mapping[Language, tuple[str, str, str, str]] = {"en": ("s", "min", "h", "days"), "ru": ("с", "мин", "ч", "дн.")}


def span_in(language: Language, seconds: float) -> str:
    """A length of time in its largest fitting unit."""
    names = _UNITS[language]
    for size, name in ((86_400, names[3]), (3_600, names[2]), (60, names[1])):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(seconds, 0):.0f} {names[0]}"
