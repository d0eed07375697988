"""What the system lets a process have."""

from __future__ import annotations

import resource


def allow_open_files(wanted: int) -> None:
    """Lets this process, and those it starts, hold so many descriptors, or as many as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
