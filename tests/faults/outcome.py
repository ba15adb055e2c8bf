"""outcome: run a case once, and judge what came of it."""
import os
import shutil
import subprocess
import tempfile
from typing import NamedTuple

SECONDS = 10  # then it hangs
OLD = b"what was here before\n"


class Outcome(NamedTuple):
    status: int  # of the exit, or minus the signal
    stdout: bytes
    stderr: str
    files: dict  # name: bytes


class World:
    """A folder to run in, with ../in beside it; `old`: each output is there already."""

    def __init__(self, folder, old):
        self.folder, self.old = folder, old

    def clear(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self, case):
        self.clear()
        os.mkdir(self.folder)
        for name in case.outputs if self.old else ():
            self.write(name, OLD)

    def write(self, name, data):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(data)

    def files(self):
        found = {}
        for name in os.listdir(self.folder):
            with open(os.path.join(self.folder, name), "rb") as file:
                found[name] = file.read()
        return found


def run(case, world, environment=None, before=None):
    """The outcome of the case in a fresh world; `before` is called in the child."""
    world.prepare(case)
    stdin = open(os.path.join(world.folder, case.stdin), "rb")
    with stdin, subprocess.Popen(case.argv, cwd=world.folder, stdin=stdin, stdout=subprocess.PIPE, preexec_fn=before,
                                 stderr=subprocess.PIPE, env={**os.environ, **(environment or {})}) as process:
        try:
            stdout, stderr = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            stderr += b"it hangs"
    return Outcome(process.returncode, stdout, stderr.decode(errors="replace"), world.files())


class Unclean(Exception):
    """A case that fails without a fault."""


def run_clean(case, world, environment=None):
    """The outcome of the case when nothing goes wrong."""
    outcome = run(case, world, environment)
    if outcome.status != 0 or outcome.stderr:
        raise Unclean(f"without a fault: status {outcome.status}: {outcome.stderr.strip()}")
    missing = {*case.outputs, *case.in_place} - set(outcome.files)
    if missing:
        raise Unclean(f"without a fault: no {', '.join(sorted(missing))}")
    return outcome


class Judge:
    """What may come of a case, given its clean outcome."""

    def __init__(self, case, clean, world):
        self.case, self.clean, self.old, self.folder = case, clean, world.old, world.folder
        self.refused = {}  # what was written to a pipe: whether the stage behind it failed
        self.resumed = {}  # a checkpoint: whether training goes on from it to the same model

    def fault(self, outcome, reasons=("",), killed_by=()):
        """Why the outcome is wrong, or "". `reasons`: a failure must name one. `killed_by`: signals that may end it."""
        if -outcome.status in killed_by:
            return self.failed_badly(outcome)
        if outcome.status == 0:
            return self.succeeded_badly(outcome)
        if outcome.status != 1:
            return f"status {outcome.status}"
        if outcome.stderr.count("\n") != 1 or not outcome.stderr.startswith(self.case.name + ": "):
            return "not one line"
        if not any(reason in outcome.stderr for reason in reasons):
            return f"it does not say '{reasons[0]}'"
        return self.failed_badly(outcome)

    def succeeded_badly(self, outcome):
        if outcome.stdout != self.clean.stdout:
            return "exit 0 with another output"
        if outcome.stderr.count("\n") > 1:
            return "exit 0 with more than a warning"
        if set(outcome.files) != set(self.clean.files):
            return f"exit 0 with files {sorted(outcome.files)}"
        for name in self.case.outputs:
            if outcome.files[name] != self.clean.files[name]:
                return f"exit 0 with another {name}"
        return self.checkpoint(outcome)

    def failed_badly(self, outcome):
        for name, data in outcome.files.items():
            if name in (*self.case.in_place, self.case.checkpoint):
                continue
            if name not in self.case.outputs:
                return f"it left {name}"
            if data not in (OLD, self.clean.files[name]):
                return f"it failed, and {name} is damaged"
            if data != OLD and name == self.case.outputs[-1] and not self.may_be_new(outcome, name):
                return f"it failed, and {name} is new"
        if self.old and not set(self.case.outputs) <= set(outcome.files):
            return "an old output is gone"
        if not self.clean.stdout.startswith(outcome.stdout):
            return "it failed after wrong output"
        return self.downstream(outcome.stdout) or self.checkpoint(outcome)

    def may_be_new(self, outcome, name):
        """Of the last output: after a signal that came late, or where the message says so."""
        return self.case.early or outcome.status < 0 or f"is in '{name}'" in outcome.stderr

    def downstream(self, data):
        """A stage behind it must not take what was written for all of it."""
        if not self.case.downstream or data == self.clean.stdout:
            return ""
        if data not in self.refused:
            done = subprocess.run(self.case.downstream.split(), input=data, capture_output=True, check=False)
            self.refused[data] = done.returncode == 1
        return "" if self.refused[data] else f"{self.case.downstream} took what it had written"

    def checkpoint(self, outcome):
        """The checkpoint that is there leads to the clean model."""
        data = outcome.files.get(self.case.checkpoint)
        if data is None:
            return ""
        if data not in self.resumed:
            self.resumed[data] = self.resumes(data)
        return "" if self.resumed[data] else "its checkpoint does not lead to the same model"

    def resumes(self, data):
        with tempfile.TemporaryDirectory(dir=os.path.dirname(self.folder)) as folder:
            with open(os.path.join(folder, self.case.checkpoint), "wb") as file:
                file.write(data)
            done = subprocess.run(self.case.resume.split(), cwd=folder, capture_output=True, check=False)
            if done.returncode != 0:
                return False
            with open(os.path.join(folder, self.case.outputs[-1]), "rb") as file:
                return file.read() == self.clean.files[self.case.outputs[-1]]
