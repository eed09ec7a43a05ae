# SPDX-License-Identifier: MIT
"""A root task that does to the kernel what it likes: tests/hostile."""
import socket

import pytest
from conftest import OUT, x86_only

FAULTS = [
    "pointer", "kernel-read", "kernel-jump", "window-jump", "code-write", "boot-info-write",
    "non-canonical", "undefined", "divide", "halt", "port", "interrupts-off",
    "software-interrupt", "trap-vector", "breakpoint", "single-step", "iret", "stack",
]


@pytest.fixture
def hostile(boot):
    def start(words, **settings):
        files = {"root.elf": OUT / "hostile.stripped.elf"}
        return boot(conf="", files=files, cmdline=words, memory="512M", **settings)

    return start


@x86_only("test_el2_root.py has its own")
def test_each_fault_has_its_status(hostile, leg, tmp_path):
    """In QEMU somebody types at the second serial line, too."""
    settings, second = {"cpus": 2}, leg == "svm"
    if second:
        settings["arguments"] = ["-serial", f"unix:{tmp_path}/line,server=on,wait=off"]
    machine = hostile("hostile=wrong", **settings)
    machine.expect("hostile: wrong calls are answered")
    machine.expect("hostile: type")
    machine.send("12345678")
    with socket.socket(socket.AF_UNIX) as line:
        if second:
            line.connect(f"{tmp_path}/line")
            line.sendall(b"x" * 256)  # more than the FIFO has, which is emptied when it is opened
        machine.expect(f"hostile: {'a second' if second else 'one'} line is read")
    assert machine.wait_end() == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_call_is_answered(hostile, seed):
    machine = hostile(f"hostile=calls seed={seed} seconds=5", cpus=2)
    machine.expect("hostile: inspection is right")
    assert machine.wait_end(timeout=150) == 0


def test_every_call_is_answered_on_one_cpu(hostile):
    assert hostile("hostile=calls seed=4 seconds=3", cpus=1).wait_end(timeout=150) == 0


@pytest.mark.parametrize("cpus", [1, 2])
def test_each_thread_has_its_fpu(hostile, cpus):
    machine = hostile("hostile=fpu", cpus=cpus)
    machine.expect(f"hostile: FPU: {3 * cpus} threads, AVX on")
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
