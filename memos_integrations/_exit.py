"""The end of the process: until it comes, daemon threads may run native code; then it is waited for.

A daemon thread that comes back from native code into an ended interpreter is stopped where it is, and C++ below it
answers by aborting the process. So such code runs inside `NATIVE`, whose exit handler lets nobody in any more and waits
for those inside.
"""

from __future__ import annotations

import atexit
import os
import threading

_PATIENCE_S = 5.0


class Ending(RuntimeError):
    """The process is about to end; what was asked for must be done by the next one."""


class Gate:
    """A context for native code, entered by any number of threads, as often as they like, until it is closed."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Start anew, in a forked child: whoever was inside did not come along."""
        self._changed = threading.Condition()
        self._inside: dict[int, int] = {}
        self._closed = False

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._changed:
            if self._closed and me not in self._inside:
                msg = "the process is ending"
                raise Ending(msg)
            self._inside[me] = self._inside.get(me, 0) + 1

    def __exit__(self, *_: object) -> None:
        me = threading.get_ident()
        with self._changed:
            self._inside[me] -= 1
            if not self._inside[me]:
                del self._inside[me]
                self._changed.notify_all()

    def close(self, timeout_s: float = _PATIENCE_S) -> bool:
        """Let nobody in any more; whether everybody else left in time."""
        me = threading.get_ident()
        with self._changed:
            self._closed = True
            return self._changed.wait_for(lambda: not self._inside.keys() - {me}, timeout_s)


NATIVE = Gate()
# Handlers run last in, first out: this one, made early, comes after those that still have turns to send.
atexit.register(NATIVE.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=NATIVE.renew)
