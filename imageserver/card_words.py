"""What cards say, in Russian and English: a title and a body for each kind, and a line for each trouble."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from imageserver.language import Language
from imageserver.troubles import Trouble

Kind = Literal[
    "nothing_stored",
    "painting",
    "provider_failed",
    "answer_lost",
    "cap_reached",
    "key_refused",
    "no_money",
    "needs_setup",
    "disk_full",
    "clock_wrong",
]


@frozen
class Text:
    """What a card says of itself, above the reasons."""

    title: str
    body: str


TEXTS: dict[tuple[Kind, Language], Text] = {
    ("nothing_stored", "en"): Text(
        "No pictures yet",
        "Nothing is stored, and nobody is ready to paint. Put some photos into the store, or set up a provider.",
    ),
    ("nothing_stored", "ru"): Text(
        "Картин пока нет",
        "В хранилище пусто, и рисовать сейчас некому. Положите туда фотографии или подключите провайдера.",
    ),
    ("painting", "en"): Text(
        "A picture is on its way",
        "The first one is being painted. It will appear here by itself as soon as it is ready.",
    ),
    ("painting", "ru"): Text(
        "Картина рисуется",
        "Первая уже в работе. Она появится здесь сама, как только будет готова.",
    ),
    ("provider_failed", "en"): Text(
        "This one did not work out",
        "The picture could not be painted, and nothing is stored to show instead. The server will try again.",
    ),
    ("provider_failed", "ru"): Text(
        "Не получилось",
        "Нарисовать картину не удалось, а показать вместо неё пока нечего. Сервер попробует ещё раз.",
    ),
    ("cap_reached", "en"): Text(
        "Enough for now",
        "Another picture would be more than you allowed. Stored pictures are shown meanwhile.",
    ),
    ("cap_reached", "ru"): Text(
        "Пока хватит",
        "Ещё одна картина вышла бы за разрешённый вами предел. Пока показываются сохранённые.",
    ),
    ("answer_lost", "en"): Text(
        "The answer was lost",
        "The service may have taken money for this picture. It will not be bought again by itself.",
    ),
    ("answer_lost", "ru"): Text(
        "Ответ потерялся",
        "Сервис мог взять деньги за эту картину. Сама собой она второй раз куплена не будет.",
    ),
    ("key_refused", "en"): Text(
        "The key was refused",
        "The service paints nothing with this key. It needs a new one; the page says more.",
    ),
    ("key_refused", "ru"): Text(
        "Ключ не принят",
        "С этим ключом сервис не рисует. Нужен новый; подробности на странице.",
    ),
    ("no_money", "en"): Text(
        "No money is left",
        "The account at the service is empty. Top it up, and pictures come again.",
    ),
    ("no_money", "ru"): Text(
        "Кончились деньги",
        "На счёте у сервиса пусто. Пополните его, и картины появятся снова.",
    ),
    ("needs_setup", "en"): Text(
        "One step is missing",
        "A provider is chosen, but it cannot paint yet. The page says what is missing.",
    ),
    ("needs_setup", "ru"): Text(
        "Остался один шаг",
        "Провайдер выбран, но рисовать ещё не может. Чего не хватает, написано на странице.",
    ),
    ("disk_full", "en"): Text(
        "The disk is full",
        "New pictures find no room. Delete something, or move the store to a larger disk.",
    ),
    ("disk_full", "ru"): Text(
        "Диск заполнен",
        "Новым картинам нет места. Удалите лишнее или перенесите хранилище на диск побольше.",
    ),
    ("clock_wrong", "en"): Text(
        "The clock is wrong",
        "By a wrong clock nothing is bought. Set date and time of the server right.",
    ),
    ("clock_wrong", "ru"): Text(
        "Часы идут неверно",
        "По неверным часам ничего не покупается. Поправьте на сервере дату и время.",
    ),
}
MORE: dict[Language, str] = {"en": "and {} more", "ru": "и ещё {}"}

# Of troubles, behind a provider's name and a colon: English and Russian. In braces stand facts of the trouble.
_LINES: dict[str, tuple[str, str]] = {
    "auth": ("the key was refused", "ключ не принят"),
    "permission": ("the key lacks a right", "ключу не хватает прав"),
    "model_gone": ("its model is gone, choose another", "такой модели больше нет, выберите другую"),
    "payment": ("no money is left on the account", "на счёте кончились деньги"),
    "rate_limit": ("asks for patience", "просит подождать"),
    "moderation": ("will not paint such a prompt", "такой запрос рисовать не станет"),
    "bad_request": ("did not understand the request", "не понял запрос"),
    "unreachable": ("cannot be reached", "нет связи"),
    "transient": ("something broke on the way", "сбой по дороге"),
    "deadline": ("gave no answer in time", "не ответил вовремя"),
    "bad_result": ("gave something that is no picture", "прислал не картину"),
    "lost": ("its answer was lost", "ответ потерялся"),
    "not_ready": ("is not set up yet", "ещё не настроен"),
    "broken": ("does not start", "не запускается"),
    "hung": ("hangs, start the server again", "завис, перезапустите сервер"),
    "starting": ("is being started", "запускается"),
    "asleep": ("sleeps at this hour", "в этот час спит"),
    "absent": ("its folder is not there", "папки нет на месте"),
    "off": ("is switched off", "выключен"),
    "clock": ("the clock says {now}", "часы показывают {now}"),
    "disk": ("{left} MB are left on the disk", "на диске осталось {left} МБ"),
    "cap_day": ("{bought} pictures today, no more than {most}", "сегодня уже {bought}, предел {most}"),
    "cap_month": ("{bought} pictures this month, no more than {most}", "за месяц уже {bought}, предел {most}"),
    "cap_money": ("{spent} spent this month, no more than {most}", "за месяц потрачено {spent}, предел {most}"),
    "cap_reached": ("a limit of yours is reached", "достигнут ваш предел"),
    "unconfirmed": ("buys again once you confirm its counters", "купит, когда вы подтвердите счётчики"),
    "journal": ("what was spent cannot be read", "не прочесть, сколько потрачено"),
}
_ELSE = ("gives no picture now", "сейчас картин не даёт")
# A plugin says best itself what it lacks, to those who read what plugins are written in.
_IN_ITS_OWN_WORDS = frozenset({"not_ready"})


def in_words(trouble: Trouble, language: Language) -> str:
    """The trouble as a card says it behind a provider's name and a colon."""
    if language == "en" and trouble.label in _IN_ITS_OWN_WORDS and trouble:
        return str(trouble)
    line = _LINES.get(trouble.label, _ELSE)[language == "ru"]
    try:
        return line.format_map(trouble.facts)
    except KeyError:  # of an older version, that wrote fewer facts down
        return _ELSE[language == "ru"]
