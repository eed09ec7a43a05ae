# SPDX-License-Identifier: MIT
"""gdb at the host's second serial port, and a Linux guest that it debugs."""
import re

import pexpect
import pytest

from conftest import LINUX, PROMPT

GDB_PROMPT = r"\(gdb\) $"
STOPPED = r"(Thread \d+[^\r\n]*|Program) (hit|received)[^\r\n]*"


class Gdb:
    """A gdb that has come to the machine by the socket of its second serial port."""

    def __init__(self, socket, program="gdb", architecture="i386:x86-64"):
        self.child = pexpect.spawn(
            program, ["-nx", "-q"], timeout=60, echo=False, encoding="utf-8",
            env={"TERM": "dumb", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        )
        self.child.delaybeforesend = None
        self.child.expect(GDB_PROMPT)
        for line in ("set confirm off", "set pagination off", "set width 0",
                     "set style enabled off", f"set architecture {architecture}"):
            self.command(line)
        self.connected = self.command(f"target remote {socket}")

    def start(self, line):
        self.child.sendline(line)

    def answer(self):
        self.child.expect(GDB_PROMPT)
        return self.child.before.replace("\r", "")

    def command(self, line):
        self.start(line)
        return self.answer()

    def number(self, expression):
        answer = self.command(f"print/x {expression}")
        return int(re.search(r"= (0x[0-9a-f]+)", answer)[1], 16)

    def interrupt(self):
        self.child.sendintr()
        return self.answer()

    def close(self):
        self.child.close(force=True)


@pytest.fixture
def debugged(boot, tmp_path):
    """A Linux with two VPs, and where a gdb finds it."""
    socket = tmp_path / "gdb"
    machine = boot(
        conf="[system]\ngdb = linux\n" + conf_of({**LINUX, "vps": 2}),
        second=socket,
    )
    machine.wait_prompt()
    return machine, socket


def conf_of(keys):
    lines = ["[partition linux]"]
    for key, value in keys.items():
        lines.append(f'{key} = "{value}"' if key == "cmdline" else f"{key} = {value}")
    return "\n".join(lines) + "\n"


def steps(gdb):
    """Over one instruction, with a timer's interrupts waiting; and over two of the other VP by itself."""
    pc = gdb.number("$pc")
    gdb.command("stepi")
    assert gdb.number("$pc") != pc
    gdb.command("thread 2")
    gdb.command("set scheduler-locking on")
    pc = gdb.number("$pc")
    gdb.command("stepi")
    gdb.command("stepi")
    assert gdb.number("$pc") != pc
    gdb.command("set scheduler-locking off")


def stops_at(machine, gdb, show):
    """A breakpoint of each kind at Linux's version_proc_show(), on a path that a person takes."""
    for kind in ("hbreak", "break"):
        gdb.command(f"{kind} *{show:#x}")
        gdb.start("continue")
        machine.send_line("cat /proc/version")
        assert re.search(STOPPED, gdb.answer())
        assert gdb.number("$pc") == show
        for _ in range(5):
            gdb.command("stepi")
        assert gdb.number("$pc") != show
        gdb.command("delete")
        gdb.start("continue")
        machine.expect("Linux version")
        machine.expect(PROMPT)
        assert "SIGINT" in gdb.interrupt()


def symbol(machine, name):
    line = machine.command(f"grep ' {name}$' /proc/kallsyms")
    return int(line.split()[0], 16)


def test_gdb_debugs_linux(debugged):
    machine, socket = debugged
    show = symbol(machine, "version_proc_show")
    jiffies = symbol(machine, "jiffies")
    gdb = Gdb(socket)
    # Both VPs stand still; their registers are those of a kernel in 64-bit mode.
    threads = gdb.command("info threads")
    assert "VP 0" in threads and "VP 1" in threads
    assert gdb.number("$cs") in (0x10, 0x33)
    assert gdb.number("$cr0") & 0x80000001 == 0x80000001
    assert gdb.number("$efer") & 0x500 == 0x500
    assert "=>" in gdb.command("x/i $rip")
    assert "mxcsr" in gdb.command("info registers mxcsr xmm0 st0 fctrl")
    steps(gdb)
    stops_at(machine, gdb, show)
    # What the timer's interrupt writes.
    before = gdb.number(f"*(unsigned long *){jiffies:#x}")
    gdb.command(f"watch *(unsigned long *){jiffies:#x}")
    assert re.search("New value", gdb.command("continue"))
    assert gdb.number(f"*(unsigned long *){jiffies:#x}") > before
    gdb.command("delete")
    # Memory and registers can be written: they are as they were afterwards.
    rax = gdb.number("$rax")
    gdb.command("set $rax = 0x1122334455667788")
    assert gdb.number("$rax") == 0x1122334455667788
    gdb.command(f"set $rax = {rax:#x}")
    gdb.command("detach")
    gdb.close()
    assert machine.command("echo alive $((6 * 7))") == "alive 42"
    # And another gdb, after one that went without a word.
    for _ in range(2):
        gdb = Gdb(socket)
        assert "VP 1" in gdb.command("info threads")
        gdb.start("continue")
        assert machine.command("echo alive $((6 * 7))") == "alive 42"
        gdb.close()
    machine.send_line("poweroff")
    machine.wait_end()


def test_gdb_by_the_monitor(boot, tmp_path):
    """The command of the monitor; and what ends the guest is told to gdb."""
    socket = tmp_path / "gdb"
    machine = boot(
        conf="[system]\non_exit = monitor\n" + conf_of(LINUX),
        second=socket,
    )
    machine.wait_prompt()
    machine.send("\x14m")
    machine.expect("trivet> ")
    machine.send_line("gdb linux")
    machine.expect("gdb: linux at COM2")
    machine.send("\x141")
    gdb = Gdb(socket)
    gdb.start("continue")
    machine.send_line("")
    machine.expect(PROMPT)
    machine.send_line("poweroff")
    assert "exited normally" in gdb.answer()
    gdb.close()
    machine.expect("trivet> ")


def test_gdb_kills(debugged):
    machine, socket = debugged
    gdb = Gdb(socket)
    gdb.command("kill")
    gdb.close()
    machine.send("\x14m")
    machine.expect("trivet> ")
    machine.send_line("list")
    machine.expect("linux +stopped")


def test_gdb_from_the_first_instruction(boot, tmp_path):
    """A gdb that was there before the guest: it stands still before it has run."""
    socket = tmp_path / "gdb"
    machine = boot(
        conf="[system]\non_exit = monitor\ngdb = linux\n" + conf_of({**LINUX, "autostart": "off"}),
        second=socket,
    )
    machine.expect("trivet> ")
    early = Gdb(socket)
    assert "not running" in early.connected
    early.close()
    machine.send_line("start linux")
    machine.expect("linux: running")
    gdb = Gdb(socket)
    rip = gdb.number("$rip")
    gdb.command("stepi")
    assert 0 < gdb.number("$rip") - rip < 16
    gdb.start("continue")
    machine.send("\x141")
    machine.wait_prompt()
    gdb.interrupt()
    gdb.command("detach")
    gdb.close()
    assert machine.command("echo alive $((6 * 7))") == "alive 42"


def test_gdb_leaves_the_guests_int3_to_it(debugged):
    """A kernel probe of Linux's own, while gdb has a breakpoint of the same kind elsewhere."""
    machine, socket = debugged
    machine.command("mount -t tracefs t /sys/kernel/tracing; cd /sys/kernel/tracing")
    machine.command("echo 0 > /proc/sys/debug/kprobes-optimization")
    machine.command("echo 'p:own cmdline_proc_show+5' > kprobe_events")
    show = symbol(machine, "version_proc_show")
    gdb = Gdb(socket)
    gdb.command(f"break *{show:#x}")
    gdb.start("continue")
    machine.command("echo 1 > events/kprobes/own/enable")
    for _ in range(3):
        assert "console=" in machine.command("cat /proc/cmdline")
    assert machine.command("cat kprobe_profile").split()[:2] == ["own", "3"]
    machine.send_line("cat /proc/version")
    assert re.search(STOPPED, gdb.answer())
    assert gdb.number("$rip") == show
    gdb.command("detach")
    gdb.close()
    machine.expect("Linux version")
