"""Templates of the pages in each language, compiled once."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from types import CodeType

import jinja2

from imageserver.language import Language
from imageserver.web.whys import why_as_markup
from imageserver.web.words import LANGUAGES, state_in, translations

_FOLDER = Path(__file__).parent / "templates"


class _Compiled(jinja2.BytecodeCache):
    """Each template is compiled once, for all languages: that is most of what the first page waits for."""

    def __init__(self) -> None:
        self._codes: dict[str, CodeType] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """From another language."""
        bucket.code = self._codes.get(bucket.key)

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """For another language."""
        if bucket.code is not None:
            self._codes[bucket.key] = bucket.code


_COMPILED = _Compiled()


@cache
def _environment(language: Language) -> jinja2.Environment:
    environment = jinja2.Environment(
        bytecode_cache=_COMPILED,
        optimized=False,  # or a filter over a constant would be compiled into the language that comes first
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    environment.policies["ext.i18n.trimmed"] = True
    words = translations(language)
    # the extension's own functions are added by itself, and its stubs do not know them
    environment.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["state"] = partial(state_in, language)
    environment.filters["why"] = partial(why_as_markup, language)
    return environment


@cache
def template_of(language: Language, name: str) -> jinja2.Template:
    """A page's template in a language."""
    return _environment(language).get_template(name)


def load_templates() -> None:
    """Compile all of them, so that nobody waits for it on the loop."""
    for language in LANGUAGES:
        for path in _FOLDER.glob("*.html"):
            template_of(language, path.name)
