from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imageserver.config.reader import load
from imageserver.errors import ConfigError

NOW = datetime(2026, 5, 5, 12, tzinfo=UTC)
SEED = (Path(__file__).parents[2] / "conf" / "options-all.yml").read_text("utf-8").splitlines()
KEYS = [line.partition(":")[0] for line in SEED if line and line[0] not in "# "]

shared_folder = settings(
    max_examples=250,
    # One folder for all examples: each of them writes the same file anew.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
odd_values = st.one_of(
    st.sampled_from(
        ["", "~", "on", "010", "!x 1", "*a", "&a 1", "[", "{a: b}", "- 1", "'", '"\\x', "|", ">", "1e9", ".nan", "-1"]
    ),
    st.sampled_from(["!!binary x", "!!set {a}", "2026-99-99", "0x_", "? ", "%", "@", "`", "9" * 5000, "<<", "[[1]]"]),
    st.text(max_size=12),
    st.integers().map(str),
    st.floats().map(str),
)


def _never_breaks(folder: Path, raw: bytes) -> None:
    (folder / "options.yml").write_bytes(raw)
    try:
        config = load(folder, flags={}, environment={}, now=NOW)
    except ConfigError as error:
        refusal = error.problems
    else:
        assert config.options.image_amount_min < config.options.image_amount_max
        return
    assert refusal, "a refusal says why"
    assert all(str(problem).isprintable() for problem in refusal), "and does it in one clean line each"


@shared_folder
@given(raw=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8"))))
def test_garbage_is_refused_or_read(tmp_path: Path, raw: bytes) -> None:
    """Any bytes at all are either options or a ConfigError."""
    _never_breaks(tmp_path, raw)


@shared_folder
@given(
    pairs=st.lists(st.tuples(st.one_of(st.sampled_from(KEYS), st.text(max_size=5)), odd_values), max_size=6),
    joint=st.sampled_from([": ", ":\n  ", ":\n  - ", ":\n  a: ", ":"]),
)
def test_odd_values_are_refused_or_read(tmp_path: Path, pairs: list[tuple[str, str]], joint: str) -> None:
    """Every option with any value is either read or a ConfigError."""
    text = "".join(f"{key}{joint}{value}\n" for key, value in pairs)
    _never_breaks(tmp_path, text.encode("utf-8", "surrogatepass"))


@shared_folder
@given(st.data())
def test_a_mutated_file_is_refused_or_read(tmp_path: Path, data: st.DataObject) -> None:
    """A good file with bytes changed, lost or doubled is either read or a ConfigError."""
    raw = bytearray("\n".join(SEED).encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(raw) - 1))
        end = at + data.draw(st.integers(0, 20))
        raw[at:end] = data.draw(st.one_of(st.binary(max_size=5), st.just(bytes(raw[at:end] * 2))))
        if not raw:
            break
    _never_breaks(tmp_path, bytes(raw))
