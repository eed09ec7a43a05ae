# SPDX-License-Identifier: MIT
"""Whole machines: a fixture that makes images and boots them, and one line a test for scripts/test.

A test asks for `boot` and calls it with what differs from the default: the files of the bundle,
the configuration, the kernel's command line, the machine. It gets a Machine, which is switched
off at the end of the test; what its console said stays in BUILD/test-logs/system-TEST.log.
"""
import os
import pathlib
import re
import subprocess
import sys
import tty

import pexpect
import pexpect.fdpexpect
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
import machine as machines  # noqa: E402

BUILD = pathlib.Path(os.environ.get("TRIVET_BUILD", TOP / "build"))
OUT = BUILD / os.environ.get("TRIVET_ARCH", "x86_64")
GUEST = BUILD / "guest"
LOGS = BUILD / "test-logs"

# Seconds for one expectation. Two of these machines may share two processors with others.
PATIENCE = 90
PANIC = "trivet: kernel panic"
PROMPT = r"guest:\S*# "
LINUX = {
    "vps": 1,
    "memory": "256M",
    "kernel": "vmlinuz",
    "initrd": "initramfs",
    "cmdline": "console=ttyS0 quiet",
}


SMALL_GUESTS = BUILD / "guest-tests" / "guest"


def small(name, **changes):
    """The keys of a partition with tests/guest/NAME.S."""
    keys = {"memory": "16M", "kernel": f"{name}.elf", "devices": "qemu-compat"}
    return {**keys, **changes}


def linux(**changes):
    """The keys of a partition with Debian's kernel and our initramfs; None takes a key out."""
    return {**LINUX, **changes}


class Machine:
    """A machine that runs. `log` is what its serial line said, from the first byte."""

    def __init__(self, settings, iso, work, log_path):
        self.settings = settings
        self.log_file = open(log_path, "wb")
        if settings["emulator"] == "bochs":
            ours, theirs = os.openpty()
            tty.setraw(theirs)
            command = machines.bochs_command(settings, iso, work, os.ttyname(theirs))
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
            )
            self.child = pexpect.fdpexpect.fdspawn(ours, timeout=PATIENCE)
        else:
            command = machines.qemu_command(settings, iso, work)
            self.process = None
            self.child = pexpect.spawn(
                command[0], command[1:], timeout=PATIENCE, echo=False, maxread=65536
            )
            self.child.delaybeforesend = None
        self.child.logfile_read = self.log_file
        self.log_path = log_path

    @property
    def log(self):
        self.log_file.flush()
        return pathlib.Path(self.log_path).read_bytes().decode(errors="replace").replace("\r", "")

    def expect(self, pattern, timeout=-1):
        """Waits until the console has said what the regular expression (or the list) matches.
        Gives the match. A panic ends the wait at once."""
        patterns = pattern if isinstance(pattern, list) else [pattern]
        alarms = [PANIC] if PANIC not in patterns else []
        try:
            index = self.child.expect(patterns + alarms, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF) as problem:
            kind = "time out" if isinstance(problem, pexpect.TIMEOUT) else "the machine ended"
            pytest.fail(f"{kind} while waiting for {pattern!r}; the console:\n{self.tail()}")
        if index >= len(patterns):
            self.drain(5)
            pytest.fail(f"kernel panic while waiting for {pattern!r}:\n{self.tail()}")
        return self.child.match

    def send(self, text):
        self.child.send(text)

    def send_line(self, text):
        self.child.send(text + "\n")

    def command(self, text, timeout=-1):
        """Types a command at the guest's prompt; gives its output, at the next prompt."""
        self.send_line(text)
        # The shell breaks the echo of a long line where the terminal ends.
        self.expect(r"[\r\n]*".join(re.escape(c) for c in text[-40:]) + r"\r*\n", timeout)
        self.expect(PROMPT, timeout)
        return self.child.before.decode(errors="replace").replace("\r", "").strip()

    def shell(self, timeout=PATIENCE):
        """The prompt of the shell whose console has come to the front, whatever it said before."""
        self.send_line("echo shell $((6 * 7))")
        self.expect("shell 42", timeout)
        self.expect(PROMPT, timeout)

    def drain(self, seconds):
        try:
            self.child.expect(pexpect.EOF, timeout=seconds)
        except pexpect.TIMEOUT:
            pass

    def tail(self, lines=40):
        return "\n".join(self.log.splitlines()[-lines:])

    def wait_prompt(self, timeout=PATIENCE):
        """The shell of the guest whose console is in front."""
        self.expect("trivet-guest: user space is up", timeout)
        self.expect(PROMPT, timeout)

    def wait_end(self, timeout=-1):
        """Waits for the machine's own end; gives the code (scripts/run's exit status)."""
        self.expect(r"trivet: end: [^\r\n]* \(code (\d+)\)\r*\n", timeout)
        code = int(self.child.match[1])
        if self.process is None:
            self.drain(10)
            self.child.close()
            status = self.child.exitstatus
            if self.settings["debugexit"] is not None:
                assert status == code << 1 | 1, f"exit device: {status}, console: {code}"
        return code

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)
        self.child.close()
        self.log_file.close()


@pytest.fixture
def boot(request, tmp_path):
    """boot(conf=..., files=..., cmdline=..., bundle=..., kernel=..., **machine settings).

    conf: the text of trivet.conf, or a list of (partition, keys), or None for one Linux guest.
    files: more files of the bundle; a value of None leaves a default one out.
    cmdline: more words for the kernel. bundle: the bytes of the bundle; False: no bundle.
    """
    running = []

    def start(conf=None, files=None, cmdline="", bundle=None, kernel=None, **settings):
        chosen = machines.machine(**settings)
        if conf is None:
            conf = [("linux", LINUX)]
        text = conf if isinstance(conf, str) else machines.conf_text(conf)
        if bundle is None:
            wanted = {"root.elf": OUT / "root.stripped.elf", "trivet.conf": text.encode()}
            wanted.update({n: GUEST / n for n in ("vmlinuz", "initramfs") if n in text})
            names = set(machines.conf_files(text))
            wanted.update({p.name: p for p in SMALL_GUESTS.glob("*.elf") if p.name in names})
            wanted.update(files or {})
            bundle = machines.bundle_bytes({n: d for n, d in wanted.items() if d is not None})
        words = cmdline
        if chosen["emulator"] == "qemu" and chosen["debugexit"] is not None:
            words += f" debugexit={chosen['debugexit']:#x}"
        name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")
        suffix = f"-{len(running)}" if running else ""
        LOGS.mkdir(parents=True, exist_ok=True)
        work = tmp_path / f"machine{len(running)}"
        work.mkdir()
        iso = machines.write_iso(
            work / "trivet.iso", kernel or OUT / "trivet.stripped.elf",
            None if bundle is False else bundle, words,
        )
        running.append(Machine(chosen, iso, work, LOGS / f"system-{name}{suffix}.log"))
        return running[-1]

    yield start
    for machine in running:
        machine.stop()


def pytest_runtest_logreport(report):
    """The line that scripts/test counts."""
    if report.when != "call" and not (report.when == "setup" and not report.passed):
        if not (report.when == "teardown" and report.failed):
            return
    name = report.nodeid.split("/")[-1].removeprefix("test_").replace(".py::test_", "/")
    result = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[report.outcome]
    note = f"{report.duration:.0f} s"
    if report.skipped and isinstance(report.longrepr, tuple):
        note = report.longrepr[2]
    print(f"\nresult {result} {name.replace(' ', '_')} {note}", flush=True)
