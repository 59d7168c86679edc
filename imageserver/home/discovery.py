"""What Home Assistant is told of the devices: one message for each, in the shape that it knows since 2024.11.

A device's entities stand together in one retained message, so an empty one at the same topic takes all of them away.
Whether they are available one topic says for all: the broker itself writes `offline` there when the server is gone.
No entity expires by itself (`expire_after`): a frame that comes once a day is no failure, and `late` says when it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from imageserver.home.topics import OFF, ON, PRESS, Topics, slug
from imageserver.language import Language
from imageserver.version import __version__

STATES = ("starting", "ready", "not ready", "paused", "hung", "broken", "refused")  # of a provider

_NAMES: dict[str, tuple[str, str]] = {
    "shows": ("Shows", "Показывает"),
    "image": ("Picture", "Картина"),
    "last_seen": ("Last seen", "Выходила на связь"),
    "late": ("Late", "Опаздывает"),
    "next": ("Next picture", "Следующая картина"),
    "generate": ("Paint a new one", "Нарисовать новую"),
    "sleep": ("Sleep", "Сон"),
    "stored": ("Stored pictures", "Картин в хранилище"),
    "state": ("{}: state", "{}: состояние"),
    "spent": ("{}: spent this month", "{}: потрачено за месяц"),
    "bought": ("{}: pictures this month", "{}: картин за месяц"),
    "frame": ("Frame {}", "Рамка {}"),
}


@frozen(kw_only=True)
class ProviderFacts:
    """What is announced of a provider."""

    code: str
    title: str
    is_counted: bool


@frozen(kw_only=True)
class Announcer:
    """Writes the messages."""

    topics: Topics
    language: Language
    page: str  # empty where nobody knows
    currency: str | None

    def frame(self, key: str, name: str | None, size: tuple[int, int], *, with_image: bool) -> dict[str, Any]:
        """A frame's device. `name` is None for one that its owner has not named."""
        short = slug(key)
        state, ident = self.topics.frame(short), f"{self.topics.id}_{short}"
        entities: dict[str, dict[str, Any]] = {
            "shows": {
                "platform": "sensor",
                "icon": "mdi:image-frame",
                "value_template": "{{ value_json.shows }}",
                "json_attributes_topic": state,
                "json_attributes_template": (
                    "{{ {'picture': value_json.picture, 'provider': value_json.provider, "
                    "'since': value_json.since, 'why': value_json.why} | tojson }}"
                ),
            },
            "last_seen": {
                "platform": "sensor",
                "device_class": "timestamp",
                "entity_category": "diagnostic",
                "value_template": "{{ value_json.last_seen }}",
            },
            "late": {
                "platform": "binary_sensor",
                "device_class": "problem",
                "entity_category": "diagnostic",
                "value_template": "{{ value_json.late }}",
                "payload_on": ON,
                "payload_off": OFF,
            },
            "next": self._button(short, "next", "mdi:skip-next"),
            "generate": self._button(short, "generate", "mdi:creation"),
            "sleep": {
                "platform": "switch",
                "icon": "mdi:sleep",
                "value_template": "{{ value_json.sleep }}",
                "command_topic": self.topics.order(short, "sleep"),
                "payload_on": ON,
                "payload_off": OFF,
            },
        }
        if with_image:
            entities["image"] = {
                "platform": "image",
                "image_topic": self.topics.image(short),
                "content_type": "image/jpeg",
            }
        for entity, said in entities.items():
            said["unique_id"], said["name"] = f"{ident}_{entity}", self._name(entity)
        width, height = size
        device = {
            "identifiers": [ident],
            "name": name or self._name("frame").format(key),
            "manufacturer": "ImageServer",
            "model": f"{width}x{height}",
            "via_device": self.topics.id,
        }
        return self._message(device, entities, state)

    def server(self, providers: Sequence[ProviderFacts]) -> dict[str, Any]:
        """The server's own device, with what every provider does and costs."""
        entities: dict[str, dict[str, Any]] = {
            "stored": {
                "platform": "sensor",
                "icon": "mdi:image-multiple",
                "state_class": "measurement",
                "value_template": "{{ value_json.stored }}",
                "name": self._name("stored"),
            }
        }
        for provider in providers:
            short, where = slug(provider.code), self.topics.provider(provider.code)
            entities[f"{short}_state"] = {
                "platform": "sensor",
                "device_class": "enum",
                "options": list(STATES),
                "state_topic": where,
                "value_template": "{{ value_json.state }}",
                "json_attributes_topic": where,
                "json_attributes_template": "{{ {'reason': value_json.reason} | tojson }}",
                "name": self._name("state").format(provider.title),
            }
            if provider.is_counted:
                entities[f"{short}_spent"] = {
                    **self._total(where, "spent"),
                    **({"device_class": "monetary", "unit_of_measurement": self.currency} if self.currency else {}),
                    "icon": "mdi:cash",
                    "name": self._name("spent").format(provider.title),
                }
                entities[f"{short}_bought"] = {
                    **self._total(where, "bought"),
                    "icon": "mdi:image-plus",
                    "name": self._name("bought").format(provider.title),
                }
        for entity, said in entities.items():
            said["unique_id"] = f"{self.topics.id}_server_{entity}"
        device = {"identifiers": [self.topics.id], "name": "ImageServer", "manufacturer": "ImageServer"}
        return self._message(device, entities, self.topics.server)

    def _message(self, device: dict[str, Any], entities: dict[str, dict[str, Any]], state: str) -> dict[str, Any]:
        if self.page:
            device["configuration_url"] = self.page
        device["sw_version"] = __version__
        return {
            "device": device,
            "origin": {"name": "ImageServer", "sw_version": __version__},
            "components": entities,
            "state_topic": state,
            "availability_topic": self.topics.status,
            "qos": 1,
        }

    def _button(self, short: str, order: str, icon: str) -> dict[str, Any]:
        return {
            "platform": "button",
            "icon": icon,
            "command_topic": self.topics.order(short, order),
            "payload_press": PRESS,
        }

    def _total(self, where: str, what: str) -> dict[str, Any]:
        """A sum that begins anew with each month: Home Assistant is told when, or it would take it for money back."""
        return {
            "platform": "sensor",
            "state_class": "total",
            "state_topic": where,
            "value_template": f"{{{{ value_json.{what} }}}}",
            "last_reset_value_template": "{{ value_json.month_began }}",
        }

    def _name(self, entity: str) -> str:
        return _NAMES[entity][self.language == "ru"]
