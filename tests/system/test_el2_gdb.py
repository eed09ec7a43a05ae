# SPDX-License-Identifier: MIT
"""AArch64: gdb at the host's second serial line, which is a card's here, and a Linux guest that it debugs."""
import base64
import ctypes
import re
import struct
import subprocess

import pexpect
import pytest
from conftest import PROMPT, linux
from machine import MACHINE
from settings import LINUX_CMDLINE
from test_gdb import STOPPED, Gdb, conf_of, steps, stops_at, symbol

pytestmark = pytest.mark.el2
KEYS = linux(vps=2, cmdline=LINUX_CMDLINE["aarch64"])
START, COUNT = 0x400078, 0x400800
BREAK = [0xD4200000 | 77 << 5]
# Three times: COUNT goes up by one.
COUNTS = [
    0xD2A00800, 0xF2810000, 0x52800062,  # X0: COUNT; W2: 3
    0xB9400001, 0x11000421, 0xB9000001,  # W1: COUNT + 1
    0x71000442, 0x54FFFF81,
    0xD2800BA8, 0xD2800000, 0xD4000001,  # exit(0)
]


def come(socket):
    return Gdb(socket, "gdb-multiarch", "aarch64")


def program(machine, name, code):
    """A program for Linux that is these instructions, from START on."""
    code = b"".join(struct.pack("<I", i) for i in code)
    size, base = 64 + 56 + len(code), 0x400000
    head = b"\x7fELF\2\1\1".ljust(16, b"\0")
    head += struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, START, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    part = struct.pack("<IIQQQQQQ", 1, 7, 0, base, base, size, 0x1000, 0x10000)
    digits = base64.b64encode(head + part + code).decode()
    for at in range(0, len(digits), 80):
        machine.command(f"echo {digits[at:at + 80]} >> /tmp/digits")
    machine.command(f"base64 -d /tmp/digits > {name}; chmod +x {name}; rm /tmp/digits")


@pytest.fixture
def debugged(boot, tmp_path):
    socket = tmp_path / "gdb"
    machine = boot(arch="aarch64", conf="[system]\ngdb = linux\n" + conf_of(KEYS), second=socket)
    machine.expect("second serial line: 16550 at 0x")
    machine.expect("gdb: linux at the second serial line")
    machine.wait_prompt()
    return machine, socket


def test_gdb_debugs_linux_on_arm(debugged):
    machine, socket = debugged
    show = symbol(machine, "version_proc_show")
    program(machine, "/tmp/break", BREAK)
    program(machine, "/tmp/counts", COUNTS)
    machine.command("mount -t tracefs t /sys/kernel/tracing; cd /sys/kernel/tracing")
    machine.command("echo 'p:own cmdline_proc_show+16' > kprobe_events")
    gdb = come(socket)
    # Both VPs stand still; their registers are those of a kernel with its MMU on.
    threads = gdb.command("info threads")
    assert "VP 0" in threads and "VP 1" in threads
    assert gdb.number("$cpsr") & 0x1F in (0, 4, 5)
    assert gdb.number("$sctlr_el1") & 1
    assert "=>" in gdb.command("x/i $pc")
    assert re.search(r"fpsr +0x", gdb.command("info registers fpsr fpcr v0"))
    steps(gdb)
    stops_at(machine, gdb, show)
    # A program's own BRK comes to it, and those of a kernel probe to Linux: gdb's breakpoint is somewhere else.
    gdb.command(f"break *{show:#x}")
    gdb.start("continue")
    assert "Trace/breakpoint trap" in machine.command("/tmp/break")
    machine.command("echo 1 > events/kprobes/own/enable")
    for _ in range(3):
        assert "console=" in machine.command("cat /proc/cmdline")
    assert machine.command("cat kprobe_profile").split()[:2] == ["own", "3"]
    machine.send_line("cat /proc/version")
    assert re.search(STOPPED, gdb.answer())
    assert gdb.number("$pc") == show
    gdb.command("delete")
    gdb.start("continue")
    machine.expect("Linux version")
    machine.expect(PROMPT)
    gdb.interrupt()
    # What a program writes.
    gdb.command(f"hbreak *{START:#x}")
    gdb.start("continue")
    machine.send_line("/tmp/counts")
    assert re.search(STOPPED, gdb.answer())
    assert gdb.number("$pc") == START and gdb.number("$cpsr") & 0xF == 0
    # Registers can be written; the program uses none of these.
    written = {"$x19": 0x1122334455667788, "$sp": 0x7654321000, "$v31.u[1]": 0x1020304050607080}
    for register, value in written.items():
        gdb.command(f"set {register} = {value:#x}")
    gdb.command("stepi")
    assert {register: gdb.number(register) for register in written} == written
    assert gdb.number("$sp_el0") == written["$sp"]
    # So can memory, here the count.
    gdb.command(f"set *(int *){COUNT:#x} = 10")
    gdb.command(f"watch *(int *){COUNT:#x}")
    for value in (11, 12, 13):
        assert f"New value = {value}" in gdb.command("continue")
        assert gdb.number("$w1") == value
    gdb.command("delete")
    gdb.start("continue")
    machine.expect(PROMPT)
    gdb.interrupt()
    gdb.command("detach")
    gdb.close()
    assert machine.command("echo alive $((6 * 7))") == "alive 42"
    # And another gdb, after one that went without a word.
    for _ in range(2):
        gdb = come(socket)
        assert "VP 1" in gdb.command("info threads")
        gdb.start("continue")
        assert machine.command("echo alive $((6 * 7))") == "alive 42"
        gdb.close()
    machine.send_line("poweroff")
    machine.wait_end()


def test_gdb_from_the_first_instruction_on_arm(boot, tmp_path):
    """A guest that stands still before it has run, and gdb is told of its end."""
    socket = tmp_path / "gdb"
    conf = "[system]\non_exit = monitor\n" + conf_of(
        {"vps": 2, "memory": "16M", "kernel": "devices.elf", "autostart": "off"}).replace("linux", "guest")
    machine = boot(arch="aarch64", conf=conf, second=socket)
    machine.expect("trivet> ")
    machine.send_line("gdb guest")
    machine.expect("gdb: guest at the second serial line")
    early = come(socket)
    assert "not running" in early.connected
    early.close()
    machine.send_line("start guest")
    machine.expect("guest: running")
    gdb = come(socket)
    assert "VP 1" in gdb.command("info threads")  # which nobody has turned on yet
    pc = gdb.number("$pc")
    gdb.command("stepi")
    assert 0 < abs(gdb.number("$pc") - pc)
    assert gdb.number("$sctlr_el1") & 1 == 0
    assert "exited normally" in gdb.command("continue")
    gdb.close()
    machine.send("\x141")
    machine.expect("devices: all is well")


SINK = 0x7FF00000  # in RAM: a 16550 that takes all, and gives nothing, since its line status says so


def tree_with_two_lines(folder):
    """The device tree of `virt`, where the console is one more line, at SINK."""
    subprocess.run(
        ["qemu-system-aarch64", "-M", f"{MACHINE['board']},dumpdtb={folder}/virt.dtb", "-cpu", "max",
         "-smp", "2", "-m", "2G", "-display", "none", "-nodefaults", "-serial", "null"],
        check=True, capture_output=True)
    fdt = ctypes.CDLL("libfdt.so.1")
    tree = ctypes.create_string_buffer(2 << 20)
    assert fdt.fdt_open_into((folder / "virt.dtb").read_bytes(), tree, len(tree)) == 0

    def add(path, name, properties):
        node = fdt.fdt_path_offset(tree, path)
        node = fdt.fdt_add_subnode(tree, node, name) if name else node
        for key, value in properties.items():
            assert fdt.fdt_setprop(tree, node, key, value, len(value)) == 0

    reg = struct.pack(">QQ", SINK, 0x1000)
    two = struct.pack(">I", 2)
    add(b"/chosen", None, {b"stdout-path": b"/serial@7ff00000\0"})
    add(b"/", b"serial@7ff00000", {b"compatible": b"ns16550a\0", b"reg": reg})
    add(b"/", b"reserved-memory", {b"#address-cells": two, b"#size-cells": two, b"ranges": b""})
    add(b"/reserved-memory", b"sink@7ff00000", {b"reg": reg, b"no-map": b""})
    assert fdt.fdt_pack(tree) == 0
    path = folder / "two.dtb"
    path.write_bytes(tree.raw[: struct.unpack(">I", tree.raw[4:8])[0]])
    return path


def test_gdb_at_a_line_of_the_device_tree(boot, tmp_path):
    """The PL011 is the second line, by interrupt: what is typed there are packets."""
    conf = "[system]\non_exit = monitor\ngdb = linux\n" + conf_of({**KEYS, "autostart": "off"})
    arguments = ["-dtb", tree_with_two_lines(tmp_path), "-device", f"loader,addr={SINK + 5:#x},data=0x60,data-len=1"]
    machine = boot(arch="aarch64", conf=conf, arguments=arguments, debugexit=None)
    for _ in range(60):
        machine.send("$?#3f")
        if machine.child.expect_exact(["+$W00#b7", pexpect.TIMEOUT], timeout=1) == 0:
            break
    machine.send("$qC#b4")
    machine.expect(r"\+\$QC1#c5")
