"""What was bought: reserved before a call, settled after it. The caps hold because both happen in transactions."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

from attrs import frozen

from imageserver.errors import CapReached
from imageserver.journal.database import Database
from imageserver.money import Purchase


@frozen(kw_only=True)
class Spent:
    """Pictures and money, reservations included: what is under way may be charged."""

    pictures: int
    cost: Decimal


@frozen(kw_only=True)
class Unit:
    """What one provider has spent, by local days."""

    today: Spent
    yesterday: Spent
    this_month: Spent


class SpendingRecords:
    """What the journal knows about money."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self) -> float:
        """When the newest purchase was made, in seconds since 1970; 0 when there is none."""
        (newest,) = await self._database.read(
            lambda connection: connection.execute("SELECT coalesce(max(at), 0) FROM spending").fetchone()
        )
        return float(newest)

    async def price_of(self, job: str) -> Decimal | None:
        """What a job has cost, calls without a picture included; None for one that cost nothing."""
        rows = await self._database.read(
            lambda connection: connection.execute("SELECT price FROM spending WHERE job = ?", (job,)).fetchall()
        )
        return sum((Decimal(price) for (price,) in rows), Decimal(0)) if rows else None

    async def by_day(self, first: str, last: str) -> list[tuple[str, str, int, Decimal]]:
        """Day, provider, pictures and money, from one local day to another, both included, oldest first."""
        rows = await self._database.read(
            lambda connection: connection.execute(
                "SELECT day, provider, price, count(*) FROM spending WHERE day BETWEEN ? AND ?"
                " GROUP BY day, provider, price ORDER BY day, provider",
                (first, last),
            ).fetchall()
        )
        sums: dict[tuple[str, str], tuple[int, Decimal]] = {}
        for day, provider, price, number in rows:
            pictures, cost = sums.get((day, provider), (0, Decimal(0)))
            sums[day, provider] = pictures + number, cost + Decimal(price) * number
        return [(day, provider, pictures, cost) for (day, provider), (pictures, cost) in sums.items()]

    async def totals(self, provider: str, today: str, yesterday: str) -> Unit:
        """What was spent on a provider, by the local days given as "2026-11-22"."""

        def work(connection: sqlite3.Connection) -> Unit:
            return Unit(
                today=_spent(connection, provider, today, today),
                yesterday=_spent(connection, provider, yesterday, yesterday),
                this_month=_spent(connection, provider, f"{today[:8]}01", f"{today[:8]}31"),
            )

        return await self._database.read(work)


def reserve_in(connection: sqlite3.Connection, job: str, purchase: Purchase) -> None:
    """Reserve one picture inside a transaction that does more. Raises CapReached."""
    month = purchase.day[:8]
    this_month = _spent(connection, purchase.provider, f"{month}01", f"{month}31")
    today = _spent(connection, purchase.provider, purchase.day, purchase.day)
    reached = purchase.caps.reached(today.pictures, this_month.pictures, this_month.cost)
    if reached is not None:
        raise CapReached(reached)
    connection.execute(
        "INSERT INTO spending (job, provider, day, at, price, state) VALUES (?, ?, ?, ?, ?, 'reserved')",
        (job, purchase.provider, purchase.day, purchase.at, str(purchase.caps.price)),
    )


def release_in(connection: sqlite3.Connection, job: str) -> None:
    """It is certain that nothing was charged."""
    connection.execute("DELETE FROM spending WHERE job = ? AND state = 'reserved'", (job,))


def spend_in(connection: sqlite3.Connection, job: str) -> None:
    """What was reserved is spent, or may be."""
    connection.execute("UPDATE spending SET state = 'spent' WHERE job = ? AND state = 'reserved'", (job,))


def _spent(connection: sqlite3.Connection, provider: str, first: str, last: str) -> Spent:
    rows = connection.execute(
        "SELECT price, count(*) FROM spending WHERE provider = ? AND day BETWEEN ? AND ? GROUP BY price",
        (provider, first, last),
    ).fetchall()
    return Spent(
        pictures=sum(number for _price, number in rows),
        cost=sum((Decimal(price) * number for price, number in rows), Decimal(0)),
    )
