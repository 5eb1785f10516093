"""The work behind the scenes, by huey inside the one process: finish links, keep the mirror up.

The queue only wakes; what there is to do stands in the rows, so a lost wake-up loses nothing.
"""

from __future__ import annotations

import structlog
from huey import SqliteHuey, crontab
from huey.consumer import Consumer

from crmlink.commusoft.errors import CommusoftError
from crmlink.house import House
from crmlink.linking.failures import commusoft_code
from crmlink.linking.life import recover, release

log = structlog.get_logger()


class EmbeddedConsumer(Consumer):  # type: ignore[misc] # huey ships no types
    """huey's consumer as a guest in our process, whose signals it must leave alone."""

    def _set_signal_handlers(self) -> None:
        pass


class Worker:
    """Runs the periodic work of one house in threads of this process."""

    def __init__(self, house: House) -> None:
        queue = SqliteHuey(filename=str(house.settings.data_dir / "queue.sqlite"))
        self._consumer = EmbeddedConsumer(queue, workers=2, check_worker_health=False)
        minutes = house.settings.sync_minutes

        @queue.periodic_task(crontab())
        def finish_links() -> None:
            recover(house.desk)

        @queue.task()
        def sync_mirror() -> None:
            _sync(house)

        @queue.periodic_task(crontab(minute=f"*/{minutes}"))
        def sync_on_schedule() -> None:
            _sync(house)

        self._house = house
        self._sync_now = sync_mirror
        self._finish_now = queue.task()(lambda: recover(house.desk))

    def start(self) -> None:
        """Take over what an earlier process left behind, then begin the rounds."""
        release(self._house.desk)
        self._consumer.start()
        self._finish_now()
        self._sync_now()

    def stop(self) -> None:
        self._consumer.stop()


def _sync(house: House) -> None:
    try:
        result = house.desk.sync()
    except CommusoftError as error:
        log.warning("sync failed", problem=commusoft_code(error), cause=error.cause)
    else:
        log.info(
            "synced",
            customers=result.read["customer"],
            suppliers=result.read["supplier"],
            added=result.added,
            changed=result.changed,
            gone=result.gone,
        )
