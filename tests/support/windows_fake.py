"""Makes this process and its children behave like Windows, as far as mnistlab's Windows side goes.

Import it before mnistlab: the Windows side is then chosen, which imports the `msvcrt` of this file.
Files that any process of this session has open cannot be replaced, renamed or removed, nor can a
folder with one in it; there are no links, forks, inherited descriptors or open folders. mypy
(`--platform win32`) finds names that Windows lacks.
"""

import builtins
import errno
import fcntl
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

MISSING = ("fcntl", "resource", "termios", "pwd", "grp")
real = {name: getattr(os, name) for name in ("fsync", "kill", "open", "remove", "rename", "unlink")}


# --- locks of ranges of bytes, which belong to one open file


def locking(descriptor: int, mode: int, count: int) -> None:
    kind = fcntl.F_UNLCK if mode == msvcrt.LK_UNLCK else fcntl.F_WRLCK
    start = os.lseek(descriptor, 0, os.SEEK_CUR)
    lock = struct.pack("hhqqi4x", kind, os.SEEK_SET, start, count, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise PermissionError(errno.EACCES, "Permission denied") from None
        raise


msvcrt = ModuleType("msvcrt")
msvcrt.__dict__.update(LK_UNLCK=0, LK_LOCK=1, LK_NBLCK=2, locking=locking)


# --- files


def is_open(path: str) -> bool:
    """Whether a process of this session has the file open, or a file in the folder."""
    wanted, session = os.path.realpath(path), os.getsid(0)
    for process in (path.name for path in Path("/proc").glob("[0-9]*")):
        with suppress(OSError):  # it has ended, or is another user's
            if os.getsid(int(process)) != session:
                continue
            for entry in Path(f"/proc/{process}/fd").iterdir():
                with suppress(OSError):
                    found = str(entry.readlink())
                    inside = found == wanted or found.startswith(f"{wanted}/")
                    if inside and stat.S_ISREG(entry.stat().st_mode):
                        return True
    return False


def refuse_open(path) -> None:
    if is_open(os.fspath(path)):
        raise PermissionError(errno.EACCES, "used by another process", os.fspath(path))


def rename(source, target, **options) -> None:
    refuse_open(source)
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "exists already", os.fspath(target))
    real["rename"](source, target, **options)


def replace(source, target, **options) -> None:
    refuse_open(source)
    if Path(target).is_dir():
        raise PermissionError(errno.EACCES, "Access is denied", os.fspath(target))
    refuse_open(target)
    real["rename"](source, target, **options)


def unlink(path, **options) -> None:
    # An open file without a name is one of POSIX's; on Windows, tempfile opens it otherwise.
    if sys._getframe(1).f_globals.get("__name__") != "tempfile":
        with one_at_a_time():
            refuse_open(path)
            real["unlink"](path, **options)
    else:
        real["unlink"](path, **options)


def open_file(path, flags, mode=0o777, **options) -> int:
    if Path(path).is_dir():
        raise PermissionError(errno.EACCES, "Permission denied", os.fspath(path))
    with one_at_a_time():
        return real["open"](path, flags, mode, **options)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """No process opens a file by `os.open` while another removes it because it is closed."""
    descriptor = real["open"](f"/tmp/windows_fake-{os.getuid()}.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def fsync(descriptor: int) -> None:
    if not fcntl.fcntl(descriptor, fcntl.F_GETFL) & (os.O_WRONLY | os.O_RDWR):
        raise OSError(errno.EBADF, "Bad file descriptor")


def symlink(source, target, *_, **__) -> None:
    if called_by_mnistlab():
        raise OSError(errno.EINVAL, "A required privilege is not held by the client")
    real_symlink(source, target)


def called_by_mnistlab() -> bool:
    """Whether the caller of the caller is in the package; `pathlib` may be in between."""
    frame = sys._getframe(2)
    while frame.f_globals.get("__name__", "").startswith("pathlib"):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "").startswith("mnistlab")


real_symlink = os.symlink


# --- processes


class STARTUPINFO:
    def __init__(self, *, lpAttributeList):
        self.handles = lpAttributeList["handle_list"]


def start(self, *arguments, startupinfo=None, creationflags=0, **options) -> None:
    for name in ("pass_fds", "process_group", "preexec_fn", "start_new_session"):
        if options.get(name) and called_by_mnistlab():
            raise ValueError(f"{name} is not supported on Windows platforms")
    if startupinfo is not None:
        assert all(map(os.get_inheritable, startupinfo.handles))
        options["pass_fds"] = startupinfo.handles
    if creationflags & subprocess.CREATE_NEW_PROCESS_GROUP:
        options["process_group"] = 0
    real_start(self, *arguments, **options)


def kill(process: int, number: int) -> None:
    if process == os.getpid():
        os._exit(number)  # as TerminateProcess does: nothing is cleaned up
    real["kill"](process, number)


def import_module(name, scope=None, *arguments, **options):
    if name in MISSING and str((scope or {}).get("__name__", "")).startswith("mnistlab"):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return real_import(name, scope, *arguments, **options)


real_start, real_import = subprocess.Popen.__init__, builtins.__import__


def choose_windows() -> None:
    sys.modules["msvcrt"] = msvcrt
    os.O_BINARY = os.O_NOINHERIT = 0
    os.rename, os.replace, os.unlink, os.remove = rename, replace, unlink, unlink
    os.open, os.fsync, os.symlink, os.kill = open_file, fsync, symlink, kill
    shutil._use_fd_functions = False
    del os.fork, os.pread, os.pwrite, signal.SIGHUP
    signal.Signals._member_map_["SIGBREAK"] = signal.SIGUSR1
    subprocess.CREATE_NEW_PROCESS_GROUP = 0x200
    subprocess.STARTUPINFO = STARTUPINFO
    subprocess.Popen.__init__ = start
    builtins.__import__ = import_module
    before, sys.platform = sys.platform, "win32"
    try:
        from mnistlab.support.platform import system
    finally:
        sys.platform = before
    assert system.__name__.endswith("windows")
    from mnistlab.support import own_python

    own_python.SAME_CODE += "import windows_fake\n"


here = str(Path(__file__).parent)
if here not in sys.path:
    sys.path.append(here)
choose_windows()
