# SPDX-License-Identifier: MIT
"""Whole machines: a fixture that makes images and boots them, and one line a test for scripts/test.

A test asks for `boot` and calls it with what differs from the default: the files of the bundle,
the configuration, the kernel's command line, the machine. It gets a Machine, which is switched
off at the end of the test; what its console said stays in BUILD/test-logs/system-TEST.log.

A test that asks for `leg` as well runs once on each: on SVM in QEMU, on VMX in Bochs, where a boot takes
long, on EL2 in QEMU's AArch64; so `boot_once` gives one machine to all tests of a module that ask for it.
What is marked `in_qemu` runs on the legs that QEMU has, what is marked `x86_only` is left out on EL2.
"""
import os
import pathlib
import re
import subprocess
import sys
import time
import tty

import pexpect
import pexpect.fdpexpect
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
import machine as machines  # noqa: E402

BUILD = pathlib.Path(os.environ.get("TRIVET_BUILD", TOP / "build"))
ARCH = os.environ.get("TRIVET_ARCH", "x86_64")
OUT = BUILD / ARCH
GUEST = BUILD / machines.GUEST_FOLDER[ARCH]
LOGS = BUILD / "test-logs"

# Seconds for one expectation. Two of these machines may share two processors with others.
PATIENCE = 90
# How often a shell that does not answer is asked again, and after how long.
SHELL_TRIES, SHELL_PAUSE = 5, 8
SLOWNESS = {"qemu": 1, "bochs": 4}
TYPED_AT_ONCE, TYPING_PAUSE = 8, 0.1
# The usual machine of each leg.
LEG_MACHINES = {
    "svm": {},
    "vmx": {"emulator": "bochs", "cpu": machines.LEGS["vmx"]["bochs"], "memory": "512M"},
    "el2": {"arch": "aarch64"},
}
# Authenticates pointers in a way that takes the emulator a third of the time for a boot. The tests that name
# processors have the others.
ARM_PROCESSOR = "max,pauth-impdef=on"
in_qemu = pytest.mark.parametrize("leg", ["svm", "el2"], indirect=True)
x86_only = pytest.mark.x86_only
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
# Those of AArch64 are tests/guest/aarch64/NAME.S.
SMALL_FOLDER = {"x86_64": SMALL_GUESTS, "aarch64": SMALL_GUESTS / "aarch64"}


def out_of(leg):
    """The folder with what was built for a leg."""
    return BUILD / machines.LEG_ARCH[leg]


def guest_of(leg):
    """The folder with the Linux of a leg."""
    return BUILD / machines.GUEST_FOLDER[machines.LEG_ARCH[leg]]


def small(name, **changes):
    """The keys of a partition with tests/guest/NAME.S."""
    keys = {"memory": "16M", "kernel": f"{name}.elf", "devices": "qemu-compat"}
    return {**keys, **changes}


def linux(**changes):
    """The keys of a partition with Debian's kernel and our initramfs; None takes a key out."""
    return {**LINUX, **changes}


def bochs_keys(keys):
    """The keys of a partition as Bochs needs them."""
    if keys.get("kernel") != LINUX["kernel"]:
        return keys
    return {**keys, "cmdline": f"{keys['cmdline']} {machines.BOCHS_LINUX_WORDS}"}


def arm_keys(keys):
    """The keys of a partition as AArch64 needs them: its console; its machine has no sets of devices."""
    changed = {name: value for name, value in keys.items() if (name, value) != ("devices", "qemu-compat")}
    if "cmdline" in changed:
        changed["cmdline"] = changed["cmdline"].replace("console=ttyS0", "console=ttyAMA0")
    return changed


class Machine:
    """A machine that runs. `log` is what its serial line said, from the first byte."""

    def __init__(self, settings, image, work, log_path):
        self.settings = settings
        self.slowness = SLOWNESS[settings["emulator"]]
        self.log_file = open(log_path, "wb")
        if settings["emulator"] == "bochs":
            ours, theirs = os.openpty()
            tty.setraw(theirs)
            command = machines.bochs_command(settings, image, work, os.ttyname(theirs))
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.STDOUT,
            )
            self.child = pexpect.fdpexpect.fdspawn(ours, timeout=PATIENCE)
        else:
            command = machines.qemu_command(settings, image, work)
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

    def expect(self, pattern, timeout=PATIENCE):
        """Waits until the console has said what the regular expression (or the list) matches.
        Gives the match. A panic ends the wait at once. Time outs are for QEMU."""
        patterns = pattern if isinstance(pattern, list) else [pattern]
        alarms = [PANIC] if PANIC not in patterns else []
        try:
            index = self.child.expect(patterns + alarms, timeout=timeout * self.slowness)
        except (pexpect.TIMEOUT, pexpect.EOF) as problem:
            kind = "time out" if isinstance(problem, pexpect.TIMEOUT) else "the machine ended"
            pytest.fail(f"{kind} while waiting for {pattern!r}; the console:\n{self.tail()}")
        if index >= len(patterns):
            self.drain(5)
            pytest.fail(f"kernel panic while waiting for {pattern!r}:\n{self.tail()}")
        return self.child.match

    def send(self, text):
        if self.settings["emulator"] != "bochs":
            self.child.send(text)
            return
        # Bochs does not wait until there is room in the 16 bytes of the UART's FIFO.
        for i in range(0, len(text), TYPED_AT_ONCE):
            self.child.send(text[i : i + TYPED_AT_ONCE])
            time.sleep(TYPING_PAUSE)

    def send_line(self, text):
        self.send(text + "\n")

    def command(self, text, timeout=PATIENCE):
        """Types a command at the guest's prompt; gives its output, at the next prompt."""
        self.send_line(text)
        # The shell breaks the echo of a long line where the terminal ends.
        self.expect(r"[\r\n]*".join(re.escape(c) for c in text[-40:]) + r"\r*\n", timeout)
        self.expect(PROMPT, timeout)
        return self.child.before.decode(errors="replace").replace("\r", "").strip()

    def shell(self, timeout=PATIENCE):
        """The prompt of the shell whose console has come to the front, whatever it said before. A Linux that is
        not up yet may lose what is typed: its driver begins with a PL011 that is empty."""
        for _ in range(SHELL_TRIES - 1):
            self.send_line("echo shell $((6 * 7))")
            if not self.child.expect(["shell 42", pexpect.TIMEOUT], SHELL_PAUSE * self.slowness):
                break
        else:
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

    def wait_end(self, timeout=PATIENCE):
        """Waits for the machine's own end; gives the code (scripts/run's exit status)."""
        self.expect(r"trivet: end: [^\r\n]* \(code (\d+)\)\r*\n", timeout)
        code = int(self.child.match[1])
        if self.process is None:
            self.drain(10)
            self.child.close()
            status = self.child.exitstatus
            if self.settings["debugexit"] is not None:
                wanted = machines.exit_status(self.settings, code)
                assert status == wanted, f"exit device: {status}, console: {code}"
        return code

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)
        self.child.close()
        self.log_file.close()


class Starter:
    """starter(conf=..., files=..., cmdline=..., bundle=..., kernel=..., **machine settings).

    conf: the text of trivet.conf, or a list of (partition, keys), or None for one Linux guest.
    files: more files of the bundle; a value of None leaves a default one out.
    kernel: another one; on AArch64 False: none, the firmware starts what `arguments` give it.
    cmdline: more words for the kernel. bundle: the bytes of the bundle; False: no bundle.
    """

    def __init__(self, name, work, leg):
        self.name = re.sub(r"\W+", "-", name.removeprefix("test_")).strip("-")
        self.work, self.defaults = work, LEG_MACHINES.get(leg, {})
        self.started = 0
        self.running = []

    def __call__(self, conf=None, files=None, cmdline="", bundle=None, kernel=None, **settings):
        chosen = machines.machine(**{**self.defaults, **settings})
        if chosen["arch"] == "aarch64":
            chosen["cpu"] = chosen["cpu"] or ARM_PROCESSOR
        arch, out = chosen["arch"], BUILD / chosen["arch"]
        if conf is None:
            conf = [("linux", LINUX)]
        if chosen["emulator"] == "bochs" and not isinstance(conf, str):
            conf = [(name, bochs_keys(keys)) for name, keys in conf]
        if arch == "aarch64" and not isinstance(conf, str):
            conf = [(name, arm_keys(keys)) for name, keys in conf]
        text = conf if isinstance(conf, str) else machines.conf_text(conf)
        if bundle is None:
            wanted = {"root.elf": out / "root.stripped.elf", "trivet.conf": text.encode()}
            guest = BUILD / machines.GUEST_FOLDER[arch]
            wanted.update({n: guest / n for n in ("vmlinuz", "initramfs") if n in text})
            names = set(machines.conf_files(text))
            wanted.update({p.name: p for p in SMALL_FOLDER[arch].glob("*.elf") if p.name in names})
            wanted.update(files or {})
            bundle = machines.bundle_bytes({n: d for n, d in wanted.items() if d is not None})
        words = f"{cmdline} {machines.exit_words(chosen)}".rstrip()
        suffix = f"-{self.started}" if self.started else ""
        LOGS.mkdir(parents=True, exist_ok=True)
        work = self.work / f"machine{self.started}"
        work.mkdir()
        if kernel is None:
            kernel = out / f"trivet.{machines.KERNEL_FORM[arch]}"
        image = machines.write_image(
            arch, work / "trivet.iso", kernel, None if bundle is False else bundle, words
        )
        self.started += 1
        self.running.append(Machine(chosen, image, work, LOGS / f"system-{self.name}{suffix}.log"))
        return self.running[-1]

    def stop(self):
        while self.running:
            self.running.pop().stop()


@pytest.fixture(scope="session", params=LEG_MACHINES)
def leg(request):
    return request.param


@pytest.fixture
def boot(request, tmp_path):
    """A Starter, whose machines are of the test's leg if it has one. The one that others shared is
    switched off: Bochs is busy even when its machine is not."""
    chosen = request.getfixturevalue("leg") if "leg" in request.fixturenames else None
    if chosen:
        request.getfixturevalue("shared").stop()
    starter = Starter(request.node.name, tmp_path, chosen)
    yield starter
    starter.stop()


class Shared:
    def __init__(self, starter):
        self.starter, self.machine = starter, None

    def stop(self):
        self.starter.stop()
        self.machine = None


@pytest.fixture(scope="module")
def shared(request, leg, tmp_path_factory):
    name = f"{request.module.__name__}-{leg}"
    box = Shared(Starter(name, tmp_path_factory.mktemp(name), leg))
    yield box
    box.stop()


@pytest.fixture
def boot_once(request, shared):
    """boot_once(start): the machine that start(boot) gave to the first test of this module that asked;
    another one after a test that failed."""
    failed = request.session.testsfailed

    def once(start):
        if not shared.machine:
            shared.machine = start(shared.starter)
        return shared.machine

    yield once
    if request.session.testsfailed > failed:
        shared.stop()


def pytest_configure(config):
    config.addinivalue_line("markers", "bochs: runs in Bochs, which uses one of our processors")
    config.addinivalue_line("markers", "el2: runs on AArch64")
    config.addinivalue_line("markers", "long_in_bochs: there, only with LONG in the environment")
    config.addinivalue_line("markers", "long_on_el2: there, only with LONG in the environment")
    config.addinivalue_line("markers", "x86_only(why): not on AArch64")


def pytest_collection_modifyitems(items):
    for item in items:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        if parameters.get("leg") == "el2":
            item.add_marker("el2")
            for mark in item.iter_markers("x86_only"):
                item.add_marker(pytest.mark.skip(reason=f"x86 only: {mark.args[0]}"))
        if item.get_closest_marker("long_on_el2") and not os.environ.get("LONG"):
            item.add_marker(pytest.mark.skip(reason="long on AArch64: LONG=1 runs it"))
        if LEG_MACHINES.get(parameters.get("leg"), {}).get("emulator") != "bochs":
            continue
        item.add_marker("bochs")
        if item.get_closest_marker("long_in_bochs") and not os.environ.get("LONG"):
            item.add_marker(pytest.mark.skip(reason="minutes in Bochs: LONG=1 runs it"))


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
