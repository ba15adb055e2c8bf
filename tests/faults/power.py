"""power: the states that a loss of power may leave, from the calls that a run made (record.c).

What is assumed of the file system is what POSIX promises, no more: the bytes of a file are safe after its fsync, its
name after an fsync of its folder. Before that, any number of the later writes may be there, the last of them in part
or as zeros, and any of the later changes of names. A rename is whole or not at all.
"""
import itertools
import os

from outcome import OLD, World, run_clean

O_CREAT, O_TRUNC = 0o100, 0o1000
MOST_SUBSETS = 10  # of changes of names that are not safe; of more, only those that come in their order


class File:
    """Bytes, and how many of the writes to them are safe."""

    def __init__(self, data=None):
        self.writes = [] if data is None else [data]
        self.safe = len(self.writes)

    def append(self, data):
        self.writes.append(data)

    def sync(self):
        self.safe = len(self.writes)

    def data(self):
        return b"".join(self.writes)

    def after_a_crash(self):
        """All that may be read from it."""
        for n in range(self.safe, len(self.writes) + 1):
            whole = b"".join(self.writes[:n])
            yield whole
            if n < len(self.writes):
                yield whole + self.writes[n][: len(self.writes[n]) // 2]
                yield whole + bytes(len(self.writes[n]))


class Folder:
    """Names, as changes of them: (name, File or None) lists that come together."""

    def __init__(self, names):
        self.safe = dict(names)
        self.changes = []

    def change(self, *pairs):
        self.changes.append(pairs)

    def sync(self):
        self.safe = self.names(self.changes)
        self.changes = []

    def names(self, changes):
        names = dict(self.safe)
        for pairs in changes:
            for name, file in pairs:
                names[name] = file
        return {name: file for name, file in names.items() if file}

    def now(self):
        return self.names(self.changes)

    def after_a_crash(self):
        if len(self.changes) > MOST_SUBSETS:
            for n in range(len(self.changes) + 1):
                yield self.names(self.changes[:n])
            return
        for kept in itertools.product((False, True), repeat=len(self.changes)):
            yield self.names(itertools.compress(self.changes, kept))


class Disk:
    """The folder of a run while its calls are made again. Other folders and files are left alone."""

    def __init__(self, place, old_names):
        self.place = os.path.realpath(place)
        self.folder = Folder({name: File(OLD) for name in old_names})
        self.open = {}  # descriptor: File, the Folder, or None
        self.named = {OLD}  # what files had in them when they got their names

    def name(self, path):
        """A name in the folder, or None."""
        path = os.path.normpath(os.path.join(self.place, path))
        folder, name = os.path.split(path)
        return name if folder == self.place else None

    def call(self, line):
        what, _, rest = line.partition(" ")
        getattr(self, "do_" + what)(rest)

    def do_open(self, rest):
        fd, flags, path = rest.split(" ", 2)
        self.open[fd] = self.opened(path, int(flags, 8))

    def opened(self, path, flags):
        name = self.name(path)
        if os.path.normpath(os.path.join(self.place, path)) == self.place:
            temporary = flags & (os.O_TMPFILE & ~os.O_DIRECTORY)
            return File() if temporary else self.folder
        if name is None:
            return None
        file = self.folder.now().get(name)
        if file is None and flags & O_CREAT:
            file = File()
            self.folder.change((name, file))
        elif file and flags & O_TRUNC:
            file.writes, file.safe = [], 0
        return file

    def do_dup(self, rest):
        old, new = rest.split()
        self.open[new] = self.open.get(old)

    def do_write(self, rest):
        fd, data = rest.split(" ")
        if isinstance(self.open.get(fd), File):
            self.open[fd].append(bytes.fromhex(data))

    def do_sync(self, rest):
        if self.open.get(rest):
            self.open[rest].sync()

    def do_close(self, rest):
        self.open.pop(rest, None)

    def do_rename(self, rest):
        old, new = (self.name(path) for path in rest.split("\t"))
        file = self.folder.now()[old]
        self.named.add(file.data())
        self.folder.change((old, None), (new, file))

    def do_link(self, rest):
        old, new = rest.split("\t")
        if old.startswith("/proc/self/fd/"):
            file = self.open[old.rpartition("/")[2]]
        else:
            file = self.folder.now()[self.name(old)]
        self.named.add(file.data())
        self.folder.change((self.name(new), file))

    def do_unlink(self, rest):
        self.folder.change((self.name(rest), None))


def crash_faults(disk, case, clean, after):
    """What a crash now may leave of an output that is neither the old one, nor absent, nor the new one."""
    for names in disk.folder.after_a_crash():
        for name in (*case.outputs, case.checkpoint):
            if name not in names:
                continue
            whole = disk.named if name == case.checkpoint else (OLD, clean.files[name])
            for data in names[name].after_a_crash():
                if data not in whole:
                    yield f"a crash after '{after[:60]}' may leave {len(data)} of {len(clean.files[name])} bytes of {name}"


def lost_at_the_end(disk, case, clean):
    """Outputs that are not there for certain after the run."""
    for name in case.outputs:
        for names in disk.folder.after_a_crash():
            if name not in names or set(names[name].after_a_crash()) != {clean.files[name]}:
                yield f"a crash after the end may lose {name}"
                break


def faults(case, folder, library, old):
    """Run the case, and judge each state that a loss of power may leave."""
    world, log = World(os.path.join(folder, "work"), old), os.path.join(folder, "calls")
    clean = run_clean(case, world, {"LD_PRELOAD": library, "RECORD_FILE": log})
    disk = Disk(world.folder, case.outputs if old else ())
    found = []
    with open(log, encoding="utf-8") as file:
        for line in file:
            disk.call(line.rstrip("\n"))
            found += crash_faults(disk, case, clean, line.rstrip("\n"))
    written = {name: file.data() for name, file in disk.folder.now().items() if name not in case.in_place}
    if written != {name: data for name, data in clean.files.items() if name not in case.in_place}:
        found.append("the calls made again leave other files than the run did")
    return list(dict.fromkeys(found + list(lost_at_the_end(disk, case, clean))))
