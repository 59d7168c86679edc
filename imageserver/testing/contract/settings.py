"""The contract about what an owner writes, and about what the provider says of itself."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import attrs

from imageserver.config.schema import names_of, schema_of
from imageserver.providers import PollingImageProvider
from imageserver.testing.contract.base import ContractBase, check, has_settings
from imageserver.testing.contract.room import LINES_ABOVE, alone, read_options, secrets_of
from imageserver.testing.contract.words import assert_no_secret, assert_sentence


def _has_required(cls: type[ContractBase]) -> bool:
    return _has_fields(cls) and bool(_required(cls))


def _required(cls: type[ContractBase]) -> list[str]:
    assert cls.provider_class.settings_class is not None
    fields = schema_of(cls.provider_class.settings_class).values()
    return [names_of(one)[0] for one in fields if one.default is attrs.NOTHING]


def _has_fields(cls: type[ContractBase]) -> bool:
    kind = cls.provider_class.settings_class
    return kind is not None and attrs.has(kind) and bool(schema_of(kind))


class SettingsChecks(ContractBase):
    """An owner is told what to write, and everything that is wrong with it at once."""

    @check()
    async def test_the_class_says_what_it_is(self) -> None:
        """Code, title, version and the other attributes are of the kind that the server reads."""
        kind = self.provider_class
        assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", kind.code), f"code is {kind.code!r}"
        assert isinstance(kind.title, str)
        assert isinstance(kind.version, str)
        assert isinstance(kind.other_codes, tuple), "other_codes is a tuple, with a comma also behind a single name"
        assert all(isinstance(one, str) for one in kind.other_codes)
        for name in ("takes_prompt", "takes_negative", "paid", "idempotent"):
            assert isinstance(getattr(kind, name), bool), f"{name} is True or False"
        assert isinstance(kind.slots, int), "slots is a whole number"
        assert kind.slots >= 1
        assert kind.deadline > 0
        assert kind.settings_class is None or attrs.has(kind.settings_class), "settings_class is no attrs class"
        assert kind.default_price is None or isinstance(kind.default_price, Decimal), "default_price is a Decimal"
        assert not issubclass(kind, PollingImageProvider) or kind.patience > 0

    @check(_has_fields)
    async def test_every_setting_is_explained(self) -> None:
        """Each field has metadata={"doc": …} with a sentence for the owner, which ends with a full stop."""
        assert self.provider_class.settings_class is not None
        for field in schema_of(self.provider_class.settings_class).values():
            doc = field.metadata.get("doc")
            assert doc, f'{field.name} has no metadata={{"doc": "…"}}'
            assert_sentence(doc)
            assert doc.endswith("."), f"the doc of {field.name} is no sentence: {doc}"

    @check(_has_fields)
    async def test_a_wrong_kind_of_value_is_refused_for_every_setting_at_once(self, tmp_path: Path) -> None:
        """A mapping where a value belongs: each setting is named with its own line, and none is forgotten."""
        assert self.provider_class.settings_class is not None
        names = [names_of(one)[0] for one in schema_of(self.provider_class.settings_class).values()]
        text = "\n".join(f"{name}: {{not: right}}" for name in names)
        _settings, _terms, problems = read_options(self.provider_class, text, tmp_path)
        told = [str(problem) for problem in problems]
        for number, name in enumerate(names, LINES_ABOVE + 1):
            place = f"options.yml:{number}: providers.{self.provider_class.code}.{name}: "
            assert any(one.startswith(place) for one in told), f"nothing is said about {name}: {told}"

    @check(_has_required)
    async def test_all_missing_settings_are_named_at_once(self, tmp_path: Path) -> None:
        """Without any key, every setting that has no default is named."""
        _settings, _terms, problems = read_options(self.provider_class, "", tmp_path)
        told = [str(problem) for problem in problems]
        for name in _required(type(self)):
            assert any(f".{name}: is missing" in one for one in told), f"nothing is said about {name}: {told}"

    @check(_has_fields)
    async def test_an_unknown_key_is_refused_with_the_nearest_one(self, tmp_path: Path) -> None:
        """A misspelt key is refused with its line and with the name that was meant."""
        assert self.provider_class.settings_class is not None
        name = max((names_of(one)[0] for one in schema_of(self.provider_class.settings_class).values()), key=len)
        _settings, _terms, problems = read_options(self.provider_class, f"{name}e: 1", tmp_path)
        place = f"options.yml:{LINES_ABOVE + 1}: "
        told = [str(problem) for problem in problems if str(problem).startswith(place)]
        assert told, f"a key {name}e is not refused"
        assert any(f'did you mean "{name}"?' in one for one in told), told

    @check()
    async def test_the_settings_of_this_test_are_accepted(self, tmp_path: Path) -> None:
        """The settings that the other checks use are good ones."""
        async with alone(self, tmp_path) as it:
            assert it.provider.context is it.context, "__init__ must call super().__init__(context)"

    @check(has_settings)
    async def test_no_repr_holds_a_secret(self, tmp_path: Path) -> None:
        """Provider, context and settings may stand in a traceback: none of them shows a secret."""
        async with alone(self, tmp_path) as it:
            secrets = secrets_of(self, it.context)
            for thing in (it.provider, it.context, it.context.settings):
                assert_no_secret(f"{thing!r} {thing}", secrets, f"the repr of {type(thing).__name__}")
