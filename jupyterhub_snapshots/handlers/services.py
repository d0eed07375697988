"""The parts of the service that handlers call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..audit import AuditLog
from ..batches import BatchManager
from ..collection import CollectionReader
from ..credentials import Credentials
from ..deadlines import DeadlineReader
from ..deliveries import DeliveryManager
from ..members import MemberManager
from ..opening import OpeningManager
from ..receipts import ReceiptManager
from ..reports import ReportManager
from ..roster import Roster
from ..snapshots import SnapshotCatalog
from ..store import Store
from ..volumes import LocalVolumes


def _nothing() -> None:
    """What is done about changed deadlines where nothing waits for them."""


@dataclass(frozen=True)
class Services:
    """Made once by `jupyterhub_snapshots.app` and handed to every handler.

    Attributes:
        deadlines_changed: called after a change that may have moved a deadline was saved.
    """

    store: Store
    credentials: Credentials
    roster: Roster
    members: MemberManager
    volumes: LocalVolumes
    snapshots: SnapshotCatalog
    batches: BatchManager
    reports: ReportManager
    receipts: ReceiptManager
    deadlines: DeadlineReader
    collection: CollectionReader
    deliveries: DeliveryManager
    opening: OpeningManager
    audit: AuditLog
    prefix: str
    deadlines_changed: Callable[[], None] = field(default=_nothing, kw_only=True)
