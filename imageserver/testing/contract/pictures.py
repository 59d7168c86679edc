"""The contract about wishes: what a frame wants arrives at the service as it was meant, and a picture comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from imageserver.testing.contract.base import (
    ContractBase,
    a_wish,
    check,
    draws,
    speaks,
    takes_negative,
    takes_prompt,
)
from imageserver.testing.contract.room import ENDS, Room, room
from imageserver.testing.contract.words import assert_picture
from imageserver.testing.service import Wish

_PROMPT = 'цапля "у пруда", {x} {{y}} %s $HOME \\n\nвторая строка: it\'s <b>, 100% & 🦆'
_LONG = "a long and winding road through hills of heather, " * 100
_BEGINNING = 100  # characters that every service takes


def _sends_size(cls: type[ContractBase]) -> bool:
    return cls.sends_size


def _sends_seed(cls: type[ContractBase]) -> bool:
    return cls.sends_seed


def _has_slots(cls: type[ContractBase]) -> bool:
    return cls.provider_class.slots > 1


class PictureChecks(ContractBase):
    """A wish goes in as it is, a picture comes out."""

    @check(draws)
    async def test_a_picture_comes(self, tmp_path: Path) -> None:
        """The answer to a wish is a picture that Pillow reads to its end, as bytes."""
        async with room(self, tmp_path) as it:
            image = await it.picture(a_wish())
            assert_picture(image)
            assert isinstance(image.model, str)
            assert image.seed is None or isinstance(image.seed, int)

    @check(speaks, takes_prompt)
    async def test_the_prompt_arrives_whole(self, tmp_path: Path) -> None:
        """Cyrillic, quotes, braces, a new line and an emoji: the service reads what the owner wrote."""
        async with room(self, tmp_path) as it:
            wish = await _wished(it, prompt=_PROMPT)
            assert _PROMPT in (wish.prompt or ""), f"the prompt arrived as {wish.prompt!r}"

    @check(speaks, takes_prompt)
    async def test_a_long_prompt_keeps_its_beginning(self, tmp_path: Path) -> None:
        """A prompt of 5000 characters is no error: a service with a limit gets as much as it takes, from the front."""
        async with room(self, tmp_path) as it:
            wish = await _wished(it, prompt=_LONG)
            assert _LONG[:_BEGINNING] in (wish.prompt or ""), f"the prompt arrived as {wish.prompt!r}"

    @check(speaks, takes_negative)
    async def test_the_negative_arrives(self, tmp_path: Path) -> None:
        """What must not be in the picture is told to the service, on its own or with the prompt."""
        async with room(self, tmp_path) as it:
            wish = await _wished(it, negative="крысы, rats")
            assert "крысы, rats" in f"{wish.negative} {wish.prompt}", "the service never read the negative prompt"

    @check(speaks, takes_prompt)
    async def test_without_a_negative_none_is_sent(self, tmp_path: Path) -> None:
        """Nothing stands in for a missing negative: not the word None, and not the one of the wish before."""
        async with room(self, tmp_path) as it:
            await _wished(it, negative="крысы, rats")
            wish = await _wished(it)
            for told in (wish.negative, wish.prompt):
                for strange in ("None", "null", "крысы"):
                    assert strange not in (told or ""), f'the service read "{told}" where no negative was wished'

    @check(speaks, _sends_size)
    async def test_the_shape_of_the_frame_arrives(self, tmp_path: Path) -> None:
        """An upright frame wishes for an upright picture, a wide one for a wide picture."""
        async with room(self, tmp_path) as it:
            for width, height in ((320, 480), (480, 320)):
                wish = await _wished(it, width=width, height=height)
                assert wish.width is not None, "the fake noted no width; sends_size = False where there is none"
                assert wish.height is not None
                asked = f"a frame of {width}x{height} became a wish for {wish.width}x{wish.height}"
                assert (wish.width < wish.height) == (width < height), asked
                assert wish.width != wish.height, asked

    @check(speaks, _sends_seed)
    async def test_the_seed_arrives(self, tmp_path: Path) -> None:
        """The same seed is sent as the same, another as another: a picture can be had again."""
        async with room(self, tmp_path) as it:
            seeds = [(await _wished(it, seed=seed)).seed for seed in (7, 7, 2**31 - 1)]
            assert None not in seeds, "the fake noted no seed; sends_seed = False where there is none"
            assert seeds[0] == seeds[1], f"one seed was sent as {seeds[:2]}"
            assert seeds[1] != seeds[2], f"two seeds were both sent as {seeds[1]}"

    @check(speaks, _has_slots)
    async def test_it_makes_as_many_calls_at_once_as_it_has_slots(self, tmp_path: Path) -> None:
        """With every slot taken all calls are under way at the same time, and each brings a picture."""
        async with room(self, tmp_path) as it:
            await it.picture(a_wish())  # what is done once only, such as logging in, is done now
            slots = self.provider_class.slots
            it.fake.hold_until(slots)
            wishes = [a_wish(f"picture {number}", job=f"job-{number}") for number in range(slots)]
            try:
                async with asyncio.timeout(ENDS):
                    pictures = await asyncio.gather(*map(it.picture, wishes))
            except TimeoutError:
                raise AssertionError(f"with {slots} slots it does not make {slots} calls at once") from None
            for picture in pictures:
                assert_picture(picture)


async def _wished(
    it: Room,
    *,
    prompt: str = "a heron in the reeds",
    negative: str | None = None,
    width: int = 320,
    height: int = 480,
    seed: int = 4242,
) -> Wish:
    """What the service understood of a wish."""
    before = len(it.fake.wishes)
    await it.picture(a_wish(prompt, negative=negative, width=width, height=height, seed=seed, job=f"job-{before}"))
    assert len(it.fake.wishes) > before, f"{type(it.fake).__name__} appended nothing to its wishes"
    return it.fake.wishes[-1]
