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
            stock.add([picture], root)
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
    """Pictures may be given in any order and twice, and the first root that names one keeps it."""
    stock = MemoryStock()
    stock.add([9, 5, 9], "store")
    stock.add([2, 5], "folder")
    stock.add([], "nobody")
    assert list(stock.ids()) == [2, 5, 9]
    assert (stock.count("store"), stock.count("folder"), stock.roots()) == (2, 1, {"store", "folder"})


def test_a_scope_hears_of_what_comes_later() -> None:
    """A scope that was asked for before its pictures came, or after they went, finds those that come then."""
    stock = MemoryStock()
    assert (stock.next_after(0, "folder"), stock.count("folder")) == (None, 0)
    stock.add([7], "folder")
    stock.add([8], "store", "folder")
    assert [stock.next_after(number, "folder") for number in (0, 7, 8)] == [7, 8, None]
    stock.remove(8)
    assert stock.next_after(7, "folder") is None
    stock.add([9], "folder")
    assert stock.next_after(7, "folder") == 9
