"""The work behind the scenes, by huey inside the one process: finish links, keep the mirror up.

The queue only wakes; what there is to do stands in the rows, so a lost wake-up loses nothing.
"""

from __future__ import annotations

import structlog
from huey import SqliteHuey, crontab
from huey.consumer import Consumer

from crmlink.access.grants import forget_old_tokens
from crmlink.access.personal import apply_retention
from crmlink.commusoft.errors import CommusoftError
from crmlink.commusoft.mirror import SyncRunning, full_sync_is_due
from crmlink.house import House
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
        self._house = house
        self._now = [
            queue.task(name="finish_links_now")(self._finish_links),
            queue.task(name="sync_now")(self._sync),
        ]
        queue.periodic_task(crontab(), name="finish_links")(self._finish_links)
        queue.periodic_task(crontab(), name="note_uses")(house.uses.flush)
        queue.periodic_task(crontab(hour="3", minute="10"), name="forget")(self._forget)
        queue.periodic_task(crontab(minute=f"*/{house.settings.sync_minutes}"), name="sync")(
            self._sync
        )

    def start(self) -> None:
        """Take over what an earlier process left behind, then begin the rounds."""
        release(self._house.desk)
        self._consumer.start()
        for task in self._now:
            task()

    def stop(self) -> None:
        self._consumer.stop()

    def _finish_links(self) -> None:
        for link in recover(self._house.desk):
            log.info("link finished", link=link.id, state=link.state.value, problem=link.failure)

    def _forget(self) -> None:
        """What has been kept long enough goes."""
        forget_old_tokens(self._house.office)
        erased = apply_retention(self._house.office)
        log.info("kept long enough", links=erased.links, drafts=erased.drafts)

    def _sync(self) -> None:
        try:
            desk = self._house.desk
            result = desk.sync(full=full_sync_is_due(desk.database, desk.workspace_id))
        except SyncRunning:
            log.info("sync left out, another one is running")
        except CommusoftError as error:
            log.warning("sync failed", problem=error.code, cause=error.cause)
        else:
            log.info(
                "synced",
                customers=result.read["customer"],
                suppliers=result.read["supplier"],
                added=result.added,
                changed=result.changed,
                gone=result.gone,
            )
            desk.index.matcher()  # so that the first person need not wait for it
