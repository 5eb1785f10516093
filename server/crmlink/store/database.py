"""Database sessions for reading and writing, and migrations.

Writers are serialised: on SQLite by BEGIN IMMEDIATE, on PostgreSQL by advisory locks, where those
of one workspace wait for each other and for the installation's, not for those of other workspaces.
So a check and the change that depends on it are atomic on both.
"""

from __future__ import annotations

import copy
import secrets
import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import (
    Connection,
    Engine,
    NullPool,
    QueuePool,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crmlink.process_memory import without
from crmlink.pseudonyms import Pseudonyms
from crmlink.store.audit.entries import SIGNER, AuditUnsigned, anchor_committed
from crmlink.store.audit.signing import AuditSigner
from crmlink.store.giving_way import give_way
from crmlink.store.index_files import IndexFiles
from crmlink.store.newer_tables import Tables, TablesTooNew, require_usable
from crmlink.store.postgresql import options_beside, set_up_postgresql
from crmlink.store.revisions import MIGRATIONS, newest_revision, older_revisions
from crmlink.store.row_security import (
    ROLE_OPTION,
    WORKSPACE_OPTION,
    WorkspaceRole,
    find_role,
    make_role,
    role_name,
)
from crmlink.store.shared_reads import shared_reads
from crmlink.store.sqlite_file import purge_file
from crmlink.store.time_limits import UNLIMITED, TimeLimits, time_limits
from crmlink.store.unavailable import FullDisk

if TYPE_CHECKING:
    import psycopg

log = structlog.get_logger()

BUSY_TIMEOUT_MS = 15_000
MAX_OVERFLOW = 10  # connections beyond those that a process keeps
FREE_WAIT = 2.0  # seconds in which a probe looks for a free one
PURGE_WAIT_MS = 3_000  # for other connections to finish; a person waits for the answer
JOBS_LOCK = 0x63726D6A  # the first half of the advisory locks of work that one process does


class Database:
    """Engine with reading and writing sessions; unless ``pooled`` it keeps no idle connection.

    ``session_info`` is shared by all sessions: the key of the installation's pseudonyms. Without a
    ``signer`` nothing can be added to the audit. It is the installation's, with the rows of all
    workspaces; ``of`` returns that of one. ``limits`` are for PostgreSQL.
    """

    def __init__(
        self,
        url: str,
        *,
        signer: AuditSigner | None = None,
        pooled: bool = True,
        limits: TimeLimits = UNLIMITED,
    ) -> None:
        self._signer = signer
        how: dict[str, Any] = {"poolclass": NullPool}
        if pooled:
            how = {"poolclass": QueuePool, "max_overflow": MAX_OVERFLOW}
        if not url.startswith("sqlite"):
            how["isolation_level"] = "READ COMMITTED"  # a writer sees changes made while it waited
            how["pool_pre_ping"] = pooled  # the database may have been restarted
            how["connect_args"] = options_beside(make_url(url), limits)
        self.engine = create_engine(
            url, hide_parameters=True, **how
        )  # parameters are personal data
        if self.engine.dialect.name == "sqlite":
            _set_up_sqlite(self.engine)
        else:
            set_up_postgresql(self.engine, limits)
        self.full_disk = FullDisk(self.engine)
        self._role = WorkspaceRole()
        self._set_options({})
        self._installation = self
        self.session_info: dict[str, Any] = {}
        self.index_files: IndexFiles | None = None

    @property
    def is_shared(self) -> bool:
        """Whether several servers may use it, on several machines: PostgreSQL."""
        return self.engine.dialect.name != "sqlite"

    def of(self, workspace_id: int) -> Database:
        """Return this database for work in one workspace.

        On PostgreSQL no other workspace's rows are found or changed by it, whatever a statement
        says, once ``separate_workspaces`` has returned True.
        """
        if not self.is_shared:
            return self
        own = copy.copy(self)
        own._set_options({WORKSPACE_OPTION: workspace_id, ROLE_OPTION: self._role})
        return own

    @property
    def of_installation(self) -> Database:
        """The database with the rows of all workspaces."""
        return self._installation

    def separate_workspaces(self) -> bool:
        """Return whether PostgreSQL separates workspaces from now on; makes the role it needs.

        False on SQLite, and where the database's user may not make a role.
        """
        if self.is_shared:
            self._role.name = make_role(self._installation.engine)
        return bool(self._role.name)

    def can_separate_workspaces(self) -> bool:
        """Return whether ``separate_workspaces`` has what it needs already."""
        return self.is_shared and bool(find_role(self._installation.engine))

    def role_name(self) -> str:
        """Return the name of the role that ``separate_workspaces`` needs, on PostgreSQL."""
        return role_name(self._installation.engine)

    def _set_options(self, options: dict[str, Any]) -> None:
        """Set the options of all connections, and of those that write."""
        self.engine = self.engine.execution_options(**options) if options else self.engine
        self._reads_of = (id(self.engine.pool), options.get(WORKSPACE_OPTION))
        self._writer = self.engine.execution_options(crmlink_writes=True)

    def use_pseudonyms(self, pseudonyms: Pseudonyms) -> None:
        """Set the installation's pseudonyms for all sessions."""
        self.session_info["pseudonyms"] = pseudonyms

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session for reading; loaded objects stay usable afterwards.

        Within ``sharing_reads`` it is the one before, if that reads the same database.
        """
        shared = shared_reads()
        reads = shared.session(self._reads_of, self._reader) if shared else self._reader()
        with reads as session:
            yield session

    def _reader(self) -> Session:
        return Session(self.engine, expire_on_commit=False, info=self.session_info)

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Yield a session for reading that sees one consistent state of the database."""
        with Session(self.engine, expire_on_commit=False) as session:
            if self.engine.dialect.name != "sqlite":  # every SQLite transaction is a snapshot
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a session that holds the write lock from its start and commits at its end."""
        if shared := shared_reads():
            shared.end()
        info = {**self.session_info, SIGNER: self._signer}
        with Session(self._writer, expire_on_commit=False, info=info) as session:
            with session.begin():
                session.connection()
                yield session
            anchor_committed(session)

    def connect_directly(self) -> psycopg.Connection[Any]:
        """Return a connection to PostgreSQL outside the pool, committing each statement."""
        import psycopg  # an installation with SQLite never needs it

        words, options = self.engine.dialect.create_connect_args(self.engine.url)
        more = options_beside(self.engine.url)
        return psycopg.connect(*words, **{**more, **options}, autocommit=True)

    @contextmanager
    def alone(self, work: str) -> Iterator[bool]:
        """Yield whether no other process does this work, and keep others from it meanwhile.

        SQLite has one server, so it is always True there.
        """
        if not self.is_shared:
            yield True
            return
        key = text("SELECT pg_try_advisory_lock(:first, hashtext(:work))")
        with self.engine.connect() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            free = bool(connection.scalar(key, {"first": JOBS_LOCK, "work": work}))
            try:
                yield free
            finally:
                if free:
                    connection.execute(text("SELECT pg_advisory_unlock_all()"))

    def migrate(self, to: str = "head") -> None:
        """Migrate the tables to the newest version, or to a named one.

        Tables of a newer version stay as they are. Raises TablesTooNew if it cannot use them.
        """
        if to == "head" and (version := self._version()) is not None:
            if version == newest_revision():
                return
            if version not in older_revisions():
                self._require_usable()
                log.warning("a newer version has migrated the tables", tables=version)
                return
        with without("pygments"):  # for errors in templates, which crmlink has none of
            from alembic import command  # large, and most starts have nothing to migrate
            from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))

        def upgrade(lock_timeout_ms: int) -> None:
            with (
                time_limits(UNLIMITED),
                self._writer.connect() as connection,
                _migrating(connection, lock_timeout_ms),
            ):
                config.attributes["connection"] = connection
                command.upgrade(config, to)

        if self.is_shared:
            give_way(upgrade)
        else:
            upgrade(0)

    def _version(self) -> str | None:
        """Return the version of the tables; None if there are none or several."""
        try:
            with self.engine.connect() as connection:
                found = connection.execute(text("SELECT version_num FROM alembic_version")).all()
        except DBAPIError:  # migrating says what is wrong, if anything is
            return None
        return str(found[0][0]) if len(found) == 1 else None

    @property
    def audit_signer(self) -> AuditSigner:
        """The signer of the audit. Raises AuditUnsigned."""
        if self._signer is None:
            raise AuditUnsigned
        return self._signer

    @property
    def key_id(self) -> str | None:
        """Identifier of the secret key, None without a signer."""
        return self._signer.key_id if self._signer else None

    def has_free_connection(self) -> bool:
        """Return whether one of this process's connections is free, or soon is.

        Who needs one waits for up to half a minute, which is too long for a probe.
        """
        pool = self.engine.pool
        if not isinstance(pool, QueuePool):
            return True
        until = time.monotonic() + FREE_WAIT
        while (is_full := pool.checkedout() >= pool.size() + MAX_OVERFLOW) and (
            time.monotonic() < until
        ):
            time.sleep(0.05)
        return not is_full

    def answers(self) -> bool:
        """Return whether the database can be read."""
        try:
            with self.reading() as session:
                session.execute(text("SELECT id FROM workspace LIMIT 1"))
        except Exception:  # any error means that it is unreachable
            return False
        return True

    def tables(self) -> Tables:
        """Return whether this version can use the tables; newer ones in a rolling restart."""
        version = self._version()
        if version is None or version in older_revisions():
            return Tables.OLDER
        if version != newest_revision():
            try:
                self._require_usable()
            except TablesTooNew:
                return Tables.TOO_NEW
        return Tables.USABLE

    def _require_usable(self) -> None:
        """Raise TablesTooNew if a newer version's tables are not for this one."""
        with self.engine.connect() as connection:
            require_usable(connection, older_revisions() | {newest_revision()})

    def mark_purge_due(self, session: Session) -> None:
        """Record, with what a session deletes, that ``purge`` must follow, also after a crash.

        SQLite's ``user_version`` holds the record: it is 0 where nothing is left to do.
        """
        if self.engine.dialect.name == "sqlite":
            session.execute(text(f"PRAGMA user_version = {1 + secrets.randbelow(2**31 - 1)}"))

    def purge(self) -> bool:
        """Remove deleted and overwritten data from SQLite's files, where that is due.

        Free pages and the write-ahead log keep it otherwise. Return whether nothing is left to do:
        while another connection reads, it must be tried again. PostgreSQL has its own vacuum.
        """
        if self.engine.dialect.name != "sqlite":
            return True
        connection = self.engine.raw_connection()
        try:
            connection.cursor().execute(f"PRAGMA busy_timeout = {PURGE_WAIT_MS}")
            done = purge_file(connection.cursor())
        except sqlite3.OperationalError:  # another process keeps writing
            done = False
        finally:
            connection.cursor().execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            connection.close()
        if not done:
            log.warning("old pages of the database are not overwritten yet")
        return done

    def delete_index_files(self, public_ids: Collection[str]) -> None:
        """Delete what is kept for matching in these connections, after an erasure.

        It is made again from the records. Where that fails, the next save of the index replaces
        the file.
        """
        if self.index_files is None:
            return
        try:
            self.index_files.delete(public_ids)
        except OSError as error:
            log.warning("matching index not deleted", problem=type(error).__name__)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


@contextmanager
def _migrating(connection: Connection, lock_timeout_ms: int) -> Iterator[None]:
    """Run a transaction in which SQLite may copy a referenced table.

    See https://www.sqlite.org/lang_altertable.html#otheralter. On PostgreSQL it waits so long for
    each lock of a table, 0 for as long as it takes.
    """
    sqlite = connection.dialect.name == "sqlite"
    driver = connection.connection.driver_connection
    if sqlite and driver:
        driver.execute("PRAGMA foreign_keys = OFF")
    try:
        with connection.begin():
            if not sqlite:  # a migration may compute for long between two statements
                connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {lock_timeout_ms}")
            yield
            if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise RuntimeError("the migration would leave rows that refer to nothing")
    finally:
        if sqlite and driver:
            driver.execute("PRAGMA foreign_keys = ON")


def _set_up_sqlite(engine: Engine) -> None:
    """Set WAL, full synchronisation, and BEGIN IMMEDIATE for writing transactions.

    The driver's transaction handling is switched off, as SQLAlchemy's documentation of the pysqlite
    dialect describes, so that SQLAlchemy's begin event starts transactions.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",  # erased data must not remain in free pages
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("crmlink_writes"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif driver := connection.connection.driver_connection:
            driver.execute("BEGIN")  # it waits for nothing, so that it cannot fail
