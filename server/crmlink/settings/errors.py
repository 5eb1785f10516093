"""Settings that are rejected, each with a sentence that says what to do."""

from __future__ import annotations


class InvalidSettings(Exception):
    """A setting is missing, contradictory or unsafe; the message says which and what to do."""


class OtherSecretKey(InvalidSettings):
    """A living process of the same database has another secret key."""

    def __init__(self) -> None:
        super().__init__(
            "Another server or worker of this database has another secret key. Copy secret.key, "
            "credential.keys and extension.key from its data folder, or set the same "
            "CRMLINK_SECRET_KEY."
        )


class NewerTables(InvalidSettings):
    """A newer version has changed the database so that this one cannot use it."""

    def __init__(self) -> None:
        super().__init__(
            "A newer version of crmlink has used this database, and this one can't. Install the "
            "newer version, or restore a backup that was made before."
        )


class DatabaseMoved(InvalidSettings):
    """The database was moved into another one, or the move into it is not finished."""

    def __init__(self, *, out: bool) -> None:
        super().__init__(
            "This database was moved into PostgreSQL, or is being moved. Set "
            "CRMLINK_DATABASE_URL as for crmlink db move; if the move was given up, run "
            "crmlink db move --cancel with it."
            if out
            else "The move into this database is not finished. Run crmlink db move again."
        )
