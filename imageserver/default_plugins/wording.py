"""The extension `wording`: a prompt in the language, and with the ending, that the owner wants for a provider.

It acts on what stands under `providers: {code: {prompt_language: …, prompt_suffix: …}}` and on nothing else, so it is
always on. It comes late, after extensions that translate.
"""

from __future__ import annotations

from attrs import evolve

from imageserver import PromptTransform, PromptWish, RegisterPromptTransform, hookimpl


class Wording(PromptTransform):
    """Takes the library's own translation where there is one, and adds the suffix."""

    code = "wording"
    title = "Language and suffix"
    order = 100

    async def transform(self, wish: PromptWish) -> PromptWish:
        prompt = wish.translations.get(wish.language or "", wish.prompt)
        suffix = wish.suffix.strip().lstrip(",").strip()
        return evolve(wish, prompt=f"{prompt.rstrip().rstrip(',')}, {suffix}" if suffix else prompt)


@hookimpl
def imageserver_register_prompt_transforms(register: RegisterPromptTransform) -> None:
    """Bring the prompt transform `wording`."""
    register(Wording)
