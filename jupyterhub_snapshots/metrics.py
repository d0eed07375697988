"""Prometheus metrics: ``jupyterhub_snapshots_<noun>_<verb>_<unit>``. No names of people in them."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from .core.records import ENDED

CAPTURES = Counter(
    "jupyterhub_snapshots_captures",
    "Captures that ended, by how they ended.",
    ["state"],
)
CAPTURE_SECONDS = Histogram(
    "jupyterhub_snapshots_capture_duration_seconds",
    "Time from the beginning to the end of the capture of one home.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
CAPTURE_DELAY_SECONDS = Histogram(
    "jupyterhub_snapshots_capture_delay_seconds",
    "Time from a deadline until its captures were started.",
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 3600, 86400),
)
REQUEST_SECONDS = Histogram(
    "jupyterhub_snapshots_request_duration_seconds",
    "Time to answer a request.",
    ["action", "status"],
)
DOWNLOADED_BYTES = Counter(
    "jupyterhub_snapshots_downloaded_bytes", "Bytes of files and zips handed out."
)
REFUSED_CREDENTIALS = Counter(
    "jupyterhub_snapshots_refused_credentials", "Wrong keys and tokens, by kind.", ["kind"]
)
RUNNING_DOWNLOADS = Gauge("jupyterhub_snapshots_running_downloads", "Downloads under way.")

for _state in ENDED:
    CAPTURES.labels(_state.value)
for _kind in ("key", "token"):
    REFUSED_CREDENTIALS.labels(_kind)
