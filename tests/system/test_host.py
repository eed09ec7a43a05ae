# SPDX-License-Identifier: MIT
"""What the machine below does to the kernel: tables of its firmware, and errors of its hardware."""
import re
import socket
import struct
import time

import pytest
from conftest import PANIC, small

PORTS, MEMORY = 1, 0  # address spaces, ACPI 5.2.3.2


def spcr(path, space, address):
    """QEMU's arguments for a Serial Port Console Redirection Table: a 16550 without interrupt."""
    fields = struct.pack("<B3x", 0)
    fields += struct.pack("<BBBBQ", space, 8, 0, 1, address)
    fields += struct.pack("<BBIBBBBBB", 0, 0, 0, 7, 0, 1, 0, 0, 0)
    fields += struct.pack("<HHBBBIBI", 0xFFFF, 0xFFFF, 0, 0, 0, 0, 0, 0)
    path.write_bytes(fields)
    return ["-acpitable", f"sig=SPCR,rev=2,data={path}"]


def test_console_is_where_spcr_says(boot, tmp_path):
    second = tmp_path / "second"
    machine = boot(
        conf=[("guest", small("exit_zero"))],
        arguments=spcr(tmp_path / "spcr", PORTS, 0x2F8) + ["-serial", f"file:{second}"],
    )
    machine.expect("trivet: Trivet")  # on the first, until the tables have been read
    machine.drain(60)
    assert "trivet: end: all guests powered off (code 0)" in second.read_text()


@pytest.mark.parametrize(
    "space,address", [(PORTS, 0x2F8), (MEMORY, 0xFE000000)], ids=["port", "memory"]
)
def test_spcr_that_lies_is_named(boot, tmp_path, space, address):
    machine = boot(
        conf=[("guest", small("exit_zero"))], arguments=spcr(tmp_path / "spcr", space, address)
    )
    machine.expect(f"trivet: .*{address:#x}, where SPCR has the console")
    assert machine.wait_end() == 0


def test_machine_check_is_a_panic(boot, tmp_path):
    """The registers, the calls by name, the code; also with three more CPUs to be stopped."""
    path = tmp_path / "monitor"
    machine = boot(
        conf=[("guest", small("idle"))], cpus=4,
        arguments=["-monitor", f"unix:{path},server=on,wait=off"],
    )
    machine.expect("trivet: console ready")
    machine.expect("guest: idle")
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect(str(path))
        time.sleep(1)  # until CPU 0 idles
        # Bank 0 of CPU 0: valid, uncorrected, enabled, context corrupt; in progress.
        monitor.sendall(b"mce 0 0 0xb200000000000000 4 0 0\n")
        machine.expect(PANIC)
        machine.expect("on CPU 0: machine check")
        machine.expect(r"rax [0-9a-f]{16} rbx [0-9a-f]{16}")
        machine.expect(r"called from:[^$]*[0-9a-f]{16} arch_idle\+0x")
        assert machine.wait_end() == 10


def test_a_panic_stops_all_cpus(boot, tmp_path):
    """The machine is not ended, but stays as the panic left it: guests that spin do not go on. CPU 0
    has none: into a guest's world QEMU 7.2 delivers a machine check by the guest's own table."""
    path = tmp_path / "monitor"
    machine = boot(
        conf=[("idle", small("idle"))] + [(f"spin{i}", small("spin")) for i in range(1, 4)],
        cpus=4, debugexit=None,
        arguments=["-no-shutdown", "-monitor", f"unix:{path},server=on,wait=off"],
    )
    machine.expect("trivet: console ready")
    machine.expect("guest: idle")
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.settimeout(30)
        monitor.connect(str(path))
        time.sleep(1)  # until CPU 0 idles
        monitor.sendall(b"mce 0 0 0xb200000000000000 4 0 0\n")
        machine.expect(PANIC)
        machine.expect(r"trivet: end: kernel panic \(code 10\)")
        monitor.sendall(b"info registers -a\n")
        said = b""
        while said.count(b"HLT=") < 4:
            said += monitor.recv(65536)
    halted = re.findall(rb"CPU#(\d).*?CPL=(\d).*?HLT=(\d)", said, re.DOTALL)
    assert [number for number, _, _ in halted] == [b"0", b"1", b"2", b"3"]
    assert all(level == b"0" and halt == b"1" for _, level, halt in halted[1:]), halted
