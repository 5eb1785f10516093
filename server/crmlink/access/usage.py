"""Use of devices (when, from where, how often) without a write per request."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

from sqlalchemy import update

from crmlink.access.context import Actor, KeyedContext
from crmlink.store import Device
from crmlink.store.base import utc_now

WRITE_INTERVAL = timedelta(minutes=1)


class UsageCounter:
    """Counts in memory and writes once a minute per device; a crash loses that minute."""

    def __init__(self, access: KeyedContext) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._counts: Counter[int] = Counter()

    def note(self, actor: Actor) -> None:
        """Count one use."""
        device = actor.device
        with self._lock:
            self._counts[device.id] += 1
        last = device.last_used_at
        if last is None or abs(utc_now() - last) > WRITE_INTERVAL:
            self._write(device.id, last_used_at=utc_now(), last_used_address=actor.address)

    def flush(self) -> None:
        """Write all counts."""
        for device_id in list(self._counts):
            self._write(device_id)

    def _write(self, device_id: int, **values: object) -> None:
        with self._lock:
            count = self._counts.pop(device_id, 0)
        with self._access.database.writing() as session:
            session.execute(
                update(Device)
                .where(Device.id == device_id)
                .values(use_count=Device.use_count + count, **values)
            )
