"""The stock of ids in memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imageserver.pictures.stock import MemoryStock

STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove"]), st.integers(1, 60), st.sampled_from(["store", "folder"]))
)


@given(steps=STEPS)
def test_it_agrees_with_a_plain_dict(steps: list[tuple[str, int, str]]) -> None:
    """After any additions and removals every question is answered as a dict of id to root would."""
    stock, model = MemoryStock(), dict[int, str]()
    for what, picture, root in steps:
        if what == "add":
            stock.add(picture, root)
            model.setdefault(picture, root)
        else:
            stock.remove(picture)
            model.pop(picture, None)
    for scope in ("", "store", "folder", "nobody"):
        ids = sorted(picture for picture, root in model.items() if scope in ("", root))
        assert list(stock.ids(scope)) == ids
        assert stock.count(scope) == len(ids)
        assert stock.first(scope) == (ids[0] if ids else 0)
        assert stock.last(scope) == (ids[-1] if ids else 0)
        for picture in range(62):
            assert stock.has(picture, scope) == (picture in ids)
            assert stock.next_after(picture, scope) == next((other for other in ids if other > picture), None)


def test_ids_in_any_order_and_doubled() -> None:
    """Pictures may be given in any order and twice."""
    stock = MemoryStock([(9, "store"), (2, "folder"), (9, "store"), (5, "store")])
    assert list(stock.ids()) == [2, 5, 9]
    assert stock.count("store") == 2
