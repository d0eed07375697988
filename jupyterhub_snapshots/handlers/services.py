"""The parts of the service that handlers call."""

from __future__ import annotations

from dataclasses import dataclass

from ..audit import AuditLog
from ..batches import BatchManager
from ..credentials import Credentials
from ..reports import ReportManager
from ..roster import Roster
from ..snapshots import SnapshotCatalog
from ..store import Store
from ..volumes import LocalVolumes


@dataclass(frozen=True)
class Services:
    """Made once by `jupyterhub_snapshots.app` and handed to every handler."""

    store: Store
    credentials: Credentials
    roster: Roster
    volumes: LocalVolumes
    snapshots: SnapshotCatalog
    batches: BatchManager
    reports: ReportManager
    audit: AuditLog
    prefix: str
