"""Landlock: what a child process may reach, enforced by the kernel.

Linux lets an ordinary process give up rights for good. A thread that has called `restrict` can
only read and write below the given folders, and so can every process it starts. No privilege is
needed, and root is bound as well. See landlock(7).
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from functools import cache

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PR_SET_NO_NEW_PRIVS = 38
_RULE_PATH_BENEATH = 1
_QUERY_VERSION = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FIRST_VERSION = (1 << 13) - 1

_READ = _READ_FILE | _READ_DIR
#: What a program needs to start at all: its code, its libraries, the loader's cache.
_SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/nix/store", "/gnu/store")

_libc = ctypes.CDLL(None, use_errno=True)


@cache
def landlock_version() -> int:
    """The kernel's Landlock ABI; 0 when there is none."""
    version = _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _QUERY_VERSION)
    return max(0, int(version))


def describe() -> str:
    """One line for the log about the confinement in force."""
    version = landlock_version()
    if version:
        return f"rsync is confined by Landlock (ABI {version})"
    return "rsync is NOT confined: this kernel has no Landlock; keep rsync at 3.5.0 or newer"


def restrict(program: str, read: Iterable[int], write: Iterable[int]) -> None:
    """Confines the calling thread and all it starts; can't be undone.

    Parameters:
        program: absolute path of what will be started; its folder, and what is installed beside
            a folder named ``bin``, may be read and run.
        read: descriptors of the folders below which files may be read.
        write: descriptors of the folders below which everything but running programs is allowed.

    Does nothing where the kernel has no Landlock. Raises OSError when the kernel refuses.
    """
    version = landlock_version()
    if not version:
        return
    handled = _FIRST_VERSION
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV)):
        if version >= since:
            handled |= right
    ruleset = _call(_CREATE_RULESET, struct.pack("=Q", handled), 8, 0)
    try:
        for path in (*_SYSTEM, _installation(program)):
            _allow_path(ruleset, path, _READ | _EXECUTE)
        _allow_path(ruleset, "/dev/null", _READ_FILE | _WRITE_FILE)
        for descriptor in read:
            _allow(ruleset, descriptor, _READ)
        for descriptor in write:
            _allow(ruleset, descriptor, handled & ~(_EXECUTE | _IOCTL_DEV))
        if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "no_new_privs refused")
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _installation(program: str) -> str:
    folder = os.path.dirname(os.path.realpath(program))
    above = os.path.dirname(folder)
    return above if os.path.basename(folder) == "bin" and above != "/" else folder


def _allow_path(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _READ_FILE | _WRITE_FILE | _EXECUTE
        _allow(ruleset, descriptor, rights)
    finally:
        os.close(descriptor)


def _allow(ruleset: int, descriptor: int, rights: int) -> None:
    rule = struct.pack("=Qi", rights, descriptor)
    _call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0)


def _call(number: int, *arguments: int | bytes) -> int:
    result = _libc.syscall(
        number,
        *(
            ctypes.c_char_p(argument) if isinstance(argument, bytes) else ctypes.c_long(argument)
            for argument in arguments
        ),
    )
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock: {os.strerror(error)}")
    return int(result)
