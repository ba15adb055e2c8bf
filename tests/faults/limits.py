"""limits: cases on small disks, with a limit on the size of files, and in little memory."""
import errno
import os
import resource
import signal
import subprocess
from contextlib import contextmanager

from outcome import Judge, World, run, run_clean

PAGE = 4096
MOST_PAGES = 400
MEMORY_STEP = 16 * PAGE


def limited(what, size, ignored=None):
    """For the child: a limit, and a signal to ignore."""

    def before():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(what, (size, size))
        if ignored:
            signal.signal(ignored, signal.SIG_IGN)

    return before


@contextmanager
def small_disk(folder):
    """A tmpfs at folder/disk; yields a function that sets its pages, or None and why there is none."""
    disk = os.path.join(folder, "disk")
    os.mkdir(disk)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={PAGE}", "none", disk]
    made = subprocess.run(mount, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        yield None
        return
    os.symlink("../in", os.path.join(disk, "in"))

    def resize(pages):
        subprocess.run(["mount", "-o", f"remount,size={pages * PAGE}", disk], check=True)

    try:
        yield resize
    finally:
        subprocess.run(["umount", disk], check=True)


def disk_faults(case, folder, step):
    """Disks of 1, 2, ... pages up to one that is large enough; None where no disk can be made."""
    clean = run_clean(case, World(os.path.join(folder, "work"), False))
    found = []
    with small_disk(folder) as resize:
        if not resize:
            return None
        for old in (False, True):
            world = World(os.path.join(folder, "disk", "work"), old)
            judge = Judge(case, clean, World(os.path.join(folder, "work"), old))
            for pages in range(1 + len(case.outputs) * old, MOST_PAGES, step):
                world.clear()
                resize(pages)
                outcome = run(case, world)
                fault = judge.fault(outcome, [os.strerror(errno.ENOSPC)])
                if fault:
                    found.append(f"a disk of {pages} pages: {fault}: {outcome.stderr.strip()}")
                if outcome.status == 0:
                    break
        world.clear()
    return found


def size_faults(case, folder, step):
    """Files limited to some of the bytes of the largest output, with SIGXFSZ and without."""
    world = World(os.path.join(folder, "work"), True)
    clean = run_clean(case, world)
    judge = Judge(case, clean, world)
    largest = max(len(clean.files[name]) for name in case.outputs)
    found = []
    for size in sorted({0, 1, largest - 1, largest, *range(0, largest, max(1, largest * step // 24))}):
        for ignored in (None, signal.SIGXFSZ):
            outcome = run(case, world, before=limited(resource.RLIMIT_FSIZE, size, ignored))
            fault = judge.fault(outcome, [os.strerror(errno.EFBIG)], () if ignored else (signal.SIGXFSZ,))
            if fault:
                found.append(f"files of {size} bytes: {fault}: {outcome.stderr.strip()}")
    return found


def least_memory(case):
    """Bytes in which the program can be loaded and its options read."""

    def loads(steps):
        return subprocess.run([case.name, "--version"], capture_output=True, check=False,
                              preexec_fn=limited(resource.RLIMIT_AS, steps * MEMORY_STEP)).returncode == 0

    low, high = 0, 1
    while not loads(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if loads(middle) else (middle, high)
    return high


def memory_faults(case, folder, step):
    """Address spaces from one that holds the program up to one that is large enough."""
    world = World(os.path.join(folder, "work"), True)
    clean = run_clean(case, world)
    judge = Judge(case, clean, world)
    steps, found, stride = least_memory(case), [], step
    while True:
        outcome = run(case, world, before=limited(resource.RLIMIT_AS, steps * MEMORY_STEP))
        fault = judge.fault(outcome)
        if fault:
            found.append(f"{steps * MEMORY_STEP} bytes of memory: {fault}: {outcome.stderr.strip()}")
        if outcome.status == 0 or len(found) > 100:
            return found
        steps += stride
        stride += stride // 8  # the stacks of threads are large
