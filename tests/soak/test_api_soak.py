"""Many more questions to the API than `make test` asks, and in an order: what one gave, the next one takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from at_random import ask_at_random, exact, owner, server_to_ask
from test_api_at_random import STRANGERS

EXAMPLES = 60
SEED = 1


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("who", ["owner", "stranger"])
async def test_many_questions(tmp_path: Path, who: str) -> None:
    """No server error and no answer that is not described, whoever asks; the server lives to the end."""
    async with server_to_ask(tmp_path, STRANGERS if who == "stranger" else None) as server:
        asked = await ask_at_random(
            tmp_path,
            server.port,
            exact(),
            headers=owner(tmp_path) if who == "owner" else {},
            examples=EXAMPLES,
            phases=("examples", "coverage", "fuzzing", "stateful"),
            seed=SEED,
        )
        assert asked.code == 0, asked.said
        assert server.process.returncode is None
    print(f"\nas {who}: {asked.requests} questions, 0 server errors, 0 answers that are not described")  # noqa: T201
