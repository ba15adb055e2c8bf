"""campaign: each call of each case goes wrong in turn, N = 1, 2, ... up to the clean end (fault.c)."""
import errno
import os
import signal
import struct
from typing import NamedTuple

from outcome import Judge, World, run, run_clean

# in the order of fault.c
KINDS = "alloc read write open close sync rename link thread stat stdio".split()


class Plan(NamedTuple):
    """What goes wrong with a call of a kind."""

    kind: str
    how: str = "fail"
    number: int = 0  # errno or signal
    from_then_on: bool = False

    def __str__(self):
        what = self.how
        if self.how == "fail":
            what = errno.errorcode[self.number]
        return f"{self.kind} {what}{' from then on' if self.from_then_on else ''}"

    def environment(self, n, counts):
        """For the n-th call; 0: none."""
        return {
            "FAULT_CALL": self.kind, "FAULT_AT": str(n), "FAULT_HOW": self.how, "FAULT_NUMBER": str(self.number),
            "FAULT_FROM": "1" if self.from_then_on else "", "FAULT_COUNTS": counts,
        }

    def reasons(self):
        """What the message must say: a call that fails is named by its errno."""
        if self.how != "fail" or self.kind == "stat":
            return ("",)
        # a library's own words, and those of a thread without a stack
        more = ("out of memory", os.strerror(errno.EAGAIN)) if self.kind == "alloc" else ()
        return (os.strerror(self.number), *more)


PLANS = [
    Plan("alloc", number=errno.ENOMEM),
    Plan("alloc", number=errno.ENOMEM, from_then_on=True),
    Plan("read", number=errno.EIO),
    Plan("read", number=errno.EINTR),
    Plan("read", number=errno.EAGAIN),
    Plan("read", "short"),
    Plan("read", "short", from_then_on=True),
    Plan("write", number=errno.ENOSPC),
    Plan("write", number=errno.ENOSPC, from_then_on=True),
    Plan("write", number=errno.EINTR),
    Plan("write", number=errno.EAGAIN),
    Plan("write", "short"),
    Plan("write", "short", from_then_on=True),
    Plan("write", "zero"),
    Plan("write", "zero", from_then_on=True),
    Plan("open", number=errno.EMFILE),
    Plan("close", number=errno.EIO),
    Plan("sync", number=errno.EIO),
    Plan("sync", number=errno.EINTR),
    Plan("rename", number=errno.EACCES),
    Plan("link", number=errno.EPERM),
    Plan("thread", number=errno.EAGAIN),
    Plan("stat", number=errno.EACCES),
    Plan("stdio", number=errno.ENOSPC),
] + [Plan(kind, "signal", signal.SIGTERM) for kind in KINDS if kind != "alloc"]


class Campaign:
    """All plans for one case, with and without old outputs."""

    def __init__(self, case, folder, library, step):
        self.case, self.folder, self.step = case, folder, step
        self.library = library
        self.counts = os.path.join(folder, "counts")
        self.clean = run_clean(case, self.world(False))
        self.judges = {old: Judge(case, self.clean, self.world(old)) for old in (False, True)}
        self.faults = []

    def world(self, old):
        return World(os.path.join(self.folder, "work"), old)

    def one(self, plan, n, old):
        """Judge one run; False when its n-th call was never made."""
        environment = {**plan.environment(n, self.counts), "LD_PRELOAD": self.library}
        outcome = run(self.case, self.world(old), environment)
        with open(self.counts, "rb") as file:
            made = struct.unpack(f"{len(KINDS) + 1}Q", file.read())[-1]
        killed_by = (plan.number,) if plan.how == "signal" else ()
        fault = self.judges[old].fault(outcome, plan.reasons(), killed_by)
        if fault:
            self.faults.append(f"{plan}, call {n}{', over old files' if old else ''}: {fault}: {outcome.stderr.strip()}")
        return made > 0

    def all(self):
        """With step 1 each call in both worlds; else every step-th allocation and four times as many other calls."""
        for number, plan in enumerate(PLANS):
            step = self.step if plan.kind == "alloc" else (self.step + 3) // 4
            for old in (False, True) if self.step == 1 and self.case.outputs else (False,):
                n = 1 + number % step
                while self.one(plan, n, old or (self.step > 1 and n // step % 2 == 1)):
                    n += step
        return self.faults
