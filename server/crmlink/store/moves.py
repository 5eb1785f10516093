"""Table of a move of the whole database into another one."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from crmlink.store.base import Base, utc_now
from crmlink.store.database import Database


class MoveDirection(enum.StrEnum):
    """Whether a database is what is moved, or where it goes."""

    OUT = "out"
    IN = "in"


class DatabaseMove(Base):
    """The one move of a database: no server may use what was moved, or is not there wholly."""

    __tablename__ = "database_move"

    direction: Mapped[MoveDirection] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]


def move_of(session: Session, direction: MoveDirection) -> DatabaseMove | None:
    """Return the move of a database in a direction, if there was one."""
    return session.get(DatabaseMove, direction)


def forbidding_move(database: Database) -> MoveDirection | None:
    """Return the move that forbids to use a database: out of it, or an unfinished one into it."""
    with database.reading() as session:
        for move in session.scalars(select(DatabaseMove)):
            if move.direction is MoveDirection.OUT or move.finished_at is None:
                return move.direction
    return None
