# SPDX-License-Identifier: MIT
"""The inspect tree at the monitor's prompt, of a Linux guest that runs."""
import re

import pytest
from conftest import linux, x86_only
from test_monitor import Monitor


def boot_linux(boot):
    machine = boot(conf=[("linux", linux(vps=2))], cpus=2)
    machine.wait_prompt(timeout=240)
    return machine


@pytest.fixture
def monitor(boot_once):
    machine = boot_once(boot_linux)
    monitor = Monitor(machine)
    monitor.enter()
    return monitor


def values(text):
    """name: value, of a listing; names of directories lead to those below them."""
    tree, stack = {}, [(-1, None)]
    stack[0] = (-1, tree)
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        while stack[-1][0] >= indent:
            stack.pop()
        name, _, value = line.strip().partition(" ")
        if name.endswith("/"):
            below = {}
            stack[-1][1][name[:-1]] = below
            stack.append((indent, below))
        else:
            stack[-1][1][name] = value.strip()
    return tree


def test_the_top(monitor):
    tree = values(monitor.command("inspect"))
    assert {"boot", "cpu", "partition", "guest"} <= set(tree)
    assert int(tree["memory_free_pages"]) < int(tree["memory_pages"])
    assert values(monitor.command("inspect boot"))["cpus"] == "2"


def test_the_scheduler(monitor):
    cpus = values(monitor.command("inspect cpu"))
    assert set(cpus) == {"0", "1"}
    for cpu in cpus.values():
        assert int(cpu["threads"]) > 0 and int(cpu["switches"]) > 0
        assert len(cpu["ready"].split()) == 16
    before = int(cpus["0"]["switches"])
    after = int(values(monitor.command("inspect cpu/0/switches"))["switches"])
    assert after >= before


@x86_only("registers and devices are those of a PC")
def test_registers_of_a_halted_vp(monitor):
    registers = values(monitor.command("inspect partition/linux/vp/1/registers"))
    assert int(registers["cr0"], 16) & 0x80000001 == 0x80000001
    assert int(registers["efer"], 16) & 0x500 == 0x500
    assert int(registers["rip"], 16) >> 47 == 0x1ffff  # Linux's idle loop
    assert registers["cs"].startswith("0010 base 0x0 ")
    one = values(monitor.command("inspect partition/linux/vp/1/registers/cr3"))
    assert set(one) == {"cr3"} and int(one["cr3"], 16) > 0x1000


@x86_only("registers and devices are those of a PC")
def test_the_apic(monitor):
    for index in 0, 1:
        path = f"inspect partition/linux/vp/{index}/apic"
        apic = values(monitor.command(path))
        identity = int(apic["id"], 16)
        assert index in (identity, identity >> 24)
        assert int(apic["svr"], 16) & 0x100
        # A reading may fall into a handler of Linux's, but not one after the other.
        in_service = [values(monitor.command(path + "/isr"))["isr"] for _ in range(8)]
        assert "none" in in_service


@x86_only("registers and devices are those of a PC")
def test_mappings(monitor):
    mappings = values(monitor.command("inspect partition/linux/mapping")).values()
    assert any(m["gpa"] == "0x0" and m["writable"] == "yes" for m in mappings)
    ends = 0
    for mapping in mappings:
        assert int(mapping["gpa"], 16) >= ends
        ends = int(mapping["gpa"], 16) + int(mapping["size"], 16)
    assert sum(int(m["size"], 16) for m in mappings if m["own"] == "no") > 200 << 20


def exits_of(monitor, reason):
    """Of both VPs: which of them the console's user runs on is Linux's choice."""
    return sum(int(values(monitor.command(
        f"inspect partition/linux/vp/{index}/exits 0"))[reason]) for index in (0, 1))


@x86_only("registers and devices are those of a PC")
def test_exits_are_counted(monitor):
    before = {reason: exits_of(monitor, reason) for reason in ("cpuid", "port")}
    assert before["cpuid"] > 0 and before["port"] > 0
    monitor.console(1)
    monitor.machine.shell()
    monitor.machine.command("echo hello")
    monitor.enter()
    assert exits_of(monitor, "port") > before["port"]


@x86_only("registers and devices are those of a PC")
def test_cycles_are_counted_when_switched_on(monitor):
    path = "inspect partition/linux/vp/0/exits/cycles"
    assert values(monitor.command(path))["profile"] == "off"
    assert values(monitor.command(path))["port"] == "0"
    assert monitor.command("profile linux on") == "linux: profile on"
    monitor.console(1)
    monitor.machine.shell()
    monitor.machine.command("cat /proc/interrupts")
    monitor.enter()
    assert monitor.command("profile linux off") == "linux: profile off"
    counted = values(monitor.command(path))
    assert counted["profile"] == "off" and int(counted["port"]) > 0
    vmm = values(monitor.command("inspect partition/linux/vp/0/exits/vmm_cycles"))
    assert int(vmm["port"]) > 0 and int(vmm["cpuid"]) == 0
    assert values(monitor.command(path)) == counted


@x86_only("registers and devices are those of a PC")
def test_devices(monitor):
    devices = values(monitor.command("inspect guest/linux/devices"))
    assert {"com1", "pit", "rtc", "ioapic", "pic", "pci"} <= set(devices)
    assert int(devices["com1"]["divisor"]) > 0
    assert len(devices["rtc"]["cmos"].split()) == 128
    # COM1's line leads somewhere, unmasked.
    assert not int(devices["ioapic"]["entry4"], 16) & 0x10000


@x86_only("registers and devices are those of a PC")
def test_a_path_that_leads_nowhere(monitor):
    answer = monitor.command("inspect partition/linux/vp/7/registers")
    assert answer == 'no "7" in "partition/linux/vp/"; there is: 0 1'
    assert 'no "rax" in "partition/linux/vp/0/"' in monitor.command(
        "inspect partition/linux/vp/0/rax/x")
    assert 'no "x" in "cpu/0/switches/"; there is: switches' in monitor.command(
        "inspect cpu/0/switches/x")
    assert "the list" not in monitor.command("inspect partition/other")
    assert "there is: linux" in monitor.command("inspect partition/other")
    assert "usage" in monitor.command("inspect cpu many")
    assert "usage" in monitor.command("profile linux maybe")
    assert "no machine" in monitor.command("profile other on")
