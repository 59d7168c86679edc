"""The provider for AUTOMATIC1111's web UI keeps the promises of every provider."""

from __future__ import annotations

from fakes.sdwebui import LOGIN, FakeSdWebUi

from imageserver import AuthError, BadProviderRequest, BadResult, ModelGone, TransientError
from imageserver.default_plugins.sdwebui import SdWebUi
from imageserver.testing import ProviderContract


class TestSdWebUi(ProviderContract):
    """With a login, so that there is a secret to keep."""

    provider_class = SdWebUi
    fake = FakeSdWebUi
    settings = f"base_url: {{url}}\nusername: {LOGIN[0]}\npassword: {LOGIN[1]}"
    failures = {  # noqa: RUF012 - as the contract declares it
        "wrong_password": AuthError,
        "password_echo": AuthError,
        "api_off": BadProviderRequest,
        "no_sampler": BadProviderRequest,
        "no_sampler_old": BadProviderRequest,
        "no_model": ModelGone,
        "no_script": BadProviderRequest,
        "out_of_memory": TransientError,
        "out_of_memory_forge": TransientError,
        "black": TransientError,
        "no_images": BadResult,
        "null_image": BadResult,
        "bad_base64": BadResult,
        "interrupted": BadResult,
        "skipped": BadResult,
    }
