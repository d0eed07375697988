"""A process that takes snapshots: one job a line on standard input, one answer a line on output.

SIGTERM, or the end of the input, stops a running capture; what it had begun is cleaned up.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import traceback
from dataclasses import asdict
from types import FrameType

from ..errors import CaptureCancelled, EngineFailed, SnapshotsError
from .capture import capture
from .job import CaptureJob
from .limits import allow_open_files

#: rsync holds one descriptor for each level of folders.
_OPEN_FILES = 16_384


def main() -> None:
    """Runs until the input ends or the process is told to stop."""
    os.nice(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    os.umask(0o077)
    allow_open_files(_OPEN_FILES)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(jobs,), daemon=True, name="jobs").start()
    try:
        while line := jobs.get():
            answer = json.dumps(_answer(line)).encode() + b"\n"
            sys.stdout.buffer.write(answer)
            sys.stdout.buffer.flush()
    except (CaptureCancelled, BrokenPipeError):
        os._exit(1)


def _stop(number: int, frame: FrameType | None) -> None:
    raise CaptureCancelled("The capture was stopped.")


def _read(jobs: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        jobs.put(line)
    # The service is gone: end a running capture, too.
    os.kill(os.getpid(), signal.SIGTERM)


def _answer(line: bytes) -> dict[str, object]:
    fields = json.loads(line)
    fields["folders"] = tuple(fields["folders"])
    try:
        return {"result": asdict(capture(CaptureJob(**fields)))}
    except CaptureCancelled:
        raise
    except SnapshotsError as error:
        if isinstance(error, EngineFailed):
            traceback.print_exception(error, file=sys.stderr)
        return {"error": {"kind": type(error).__name__, "message": error.message}}
    except Exception as error:
        traceback.print_exception(error, file=sys.stderr)
        return {
            "error": {
                "kind": "EngineFailed",
                "message": "The capture failed. The log of the service says more.",
            }
        }


if __name__ == "__main__":
    main()
