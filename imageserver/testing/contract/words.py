"""What the checks demand of texts and of pictures."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from imageserver.providers import GeneratedImage

_LONGEST = 600  # characters of a sentence for the owner
_ECHO = 8  # letters of a secret in a row that give it away
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>|<!")
_PYTHON = re.compile(
    r"""object\ at\ 0x|Traceback|<class|\bb['"]|\{'|\['|\w+(Error|Exception)(\(|:\ )|\bNoneType\b|<ClientResponse""",
    re.VERBOSE,
)


def assert_sentence(text: object, secrets: Sequence[str] = ()) -> None:
    """`text` is something that an owner can read: one line of words, not the inside of a program."""
    assert isinstance(text, str), f"a {type(text).__name__} stands where a sentence belongs"
    assert text.strip(), "the sentence is empty"
    assert_no_secret(text, secrets, "the sentence")
    assert text.isprintable(), f"the sentence is more than one line: {text!r}"
    assert len(text) < _LONGEST, f"the sentence has {len(text)} characters, {_LONGEST} are too many: {text}"
    assert _TAG.findall(text) == [], f"HTML in the sentence: {text}"
    assert _PYTHON.search(text) is None, f"the inside of a program in the sentence: {text}"


def assert_no_secret(text: str, secrets: Sequence[str], where: str) -> None:
    """No secret stands in `text`, nor a part of one that is worth hiding."""
    for secret in secrets:
        pieces = {secret[start : start + _ECHO] for start in range(max(1, len(secret) - _ECHO + 1))}
        assert not any(piece in text for piece in pieces), f"a secret stands in {where}: {text}"


def assert_picture(image: GeneratedImage) -> None:
    """The picture is whole: Pillow reads it to its end."""
    from PIL import Image, UnidentifiedImageError

    assert isinstance(image.data, bytes), f"data is {type(image.data).__name__} where bytes belong"
    try:
        with Image.open(io.BytesIO(image.data), formats=("JPEG", "PNG", "WEBP")) as picture:
            picture.load()
    except (UnidentifiedImageError, OSError) as error:
        raise AssertionError(f"the picture cannot be opened: {error}; it begins with {image.data[:40]!r}") from None


def looks_like_picture(data: bytes) -> bool:
    """Whether the bytes begin as pictures do; what follows is for the server to judge."""
    return data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8")) or data[8:12] == b"WEBP"
