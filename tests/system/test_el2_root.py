# SPDX-License-Identifier: MIT
"""AArch64: a root task that does to the kernel what it likes, tests/hostile; and one that boots a Linux."""
import pytest
from conftest import BUILD, linux
from settings import LINUX_CMDLINE

HOSTILE = BUILD / "aarch64" / "hostile.stripped.elf"
FAULTS = [
    "pointer", "kernel-read", "kernel-jump", "window-jump", "code-write", "boot-info-write", "far-read",
    "far-jump", "odd-jump", "undefined", "breakpoint", "halt", "hypercall", "monitor-call",
    "exception-return", "interrupts-off", "control-register", "timer", "counters", "translation-flush",
    "set-way", "stack",
]
LINUX = [("linux", linux(cmdline=LINUX_CMDLINE["aarch64"]))]


@pytest.fixture
def hostile(boot):
    def start(words, **settings):
        return boot(arch="aarch64", conf="", files={"root.elf": HOSTILE}, cmdline=words, memory="512M", **settings)

    return start


def test_each_fault_has_its_status(hostile):
    machine = hostile("hostile=wrong", cpus=2)
    machine.expect("hostile: wrong calls are answered")
    machine.expect("hostile: type")
    machine.send("12345678")
    machine.expect("hostile: one line is read")
    assert machine.wait_end() == 0


@pytest.mark.parametrize("cpu, cpus", [("max", 2), ("cortex-a57", 1), ("cortex-a76", 4)])
def test_every_call_is_answered(hostile, cpu, cpus):
    machine = hostile(f"hostile=calls seed={cpus} seconds=5", cpu=cpu, cpus=cpus)
    machine.expect("hostile: inspection is right")
    assert machine.wait_end(timeout=150) == 0


@pytest.mark.parametrize("cpus", [1, 2])
def test_each_thread_has_its_fpu(hostile, cpus):
    machine = hostile("hostile=fpu", cpus=cpus)
    machine.expect(f"hostile: FPU: {3 * cpus} threads")
    assert machine.wait_end() == 0


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_reported(hostile, kind):
    machine = hostile(f"hostile={kind}", cpus=1)
    machine.expect(f"hostile: faults: {kind}")
    machine.expect("root task fault: ")
    machine.expect("600df00d")  # a register of the program
    assert machine.wait_end() == 12


def test_the_last_thread_ends(hostile):
    machine = hostile("hostile=last-thread", cpus=2)
    machine.expect("the root task's last thread has ended")
    assert machine.wait_end() == 12


@pytest.mark.parametrize("cpu", ["max", "cortex-a57", "cortex-a72", "cortex-a76"])
def test_boots_a_guest_on(boot, cpu):
    machine = boot(arch="aarch64", conf=LINUX, cpu=cpu)
    machine.wait_prompt()
    assert "aarch64 GNU/Linux" in machine.command("uname -a")
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_boots_a_guest_from_uefi(boot):
    machine = boot(arch="aarch64", conf=LINUX, boot="uefi")
    machine.wait_prompt()
    machine.send_line("poweroff")
    assert machine.wait_end() == 0
