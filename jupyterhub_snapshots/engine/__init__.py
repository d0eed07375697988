"""Captures: files only. No SQL, no HTTP, no configuration; the same code runs on any machine.

`capture` takes a `CaptureJob` and returns a `CaptureResult`; `verify` reads a snapshot again.
"""

from .capture import capture
from .job import CaptureJob, CaptureResult
from .verify import verify

__all__ = ["CaptureJob", "CaptureResult", "capture", "verify"]
