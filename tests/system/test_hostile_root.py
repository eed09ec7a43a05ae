# SPDX-License-Identifier: MIT
"""A root task that does to the kernel what it likes: tests/hostile."""
import socket

import pytest
from conftest import in_qemu, out_of, x86_only

FAULTS = [
    "pointer", "kernel-read", "kernel-jump", "window-jump", "code-write", "boot-info-write",
    "non-canonical", "undefined", "divide", "halt", "port", "interrupts-off",
    "software-interrupt", "trap-vector", "breakpoint", "single-step", "iret", "stack",
]
ARM_FAULTS = [
    "pointer", "kernel-read", "kernel-jump", "window-jump", "code-write", "boot-info-write",
    "non-canonical", "undefined", "hypercall", "firmware-call", "interrupts-off", "system-register",
    "breakpoint", "exception-return", "odd-jump", "stack",
]


@pytest.fixture
def hostile(request, boot):
    leg = request.getfixturevalue("leg") if "leg" in request.fixturenames else "svm"

    def start(words, **settings):
        files = {"root.elf": out_of(leg) / "hostile.stripped.elf"}
        return boot(conf="", files=files, cmdline=words, memory="512M", **settings)

    return start


@x86_only("the list of wrong calls is of structures of x86")
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


@in_qemu
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_call_is_answered(hostile, leg, seed):
    machine = hostile(f"hostile=calls seed={seed} seconds=5", cpus=2)
    if leg == "svm":
        machine.expect("hostile: inspection is right")
    assert machine.wait_end(timeout=150) == 0


@in_qemu
def test_every_call_is_answered_on_one_cpu(hostile, leg):
    assert hostile("hostile=calls seed=4 seconds=3", cpus=1).wait_end(timeout=150) == 0


@pytest.mark.parametrize("cpus", [1, 2])
def test_each_thread_has_its_fpu(hostile, cpus):
    machine = hostile("hostile=fpu", cpus=cpus)
    machine.expect(f"hostile: FPU: {3 * cpus} threads, AVX on")
    assert machine.wait_end() == 0


@pytest.mark.parametrize(
    "leg, kind", [("svm", kind) for kind in FAULTS] + [("el2", kind) for kind in ARM_FAULTS],
    indirect=["leg"])
def test_a_fault_is_reported(hostile, leg, kind):
    machine = hostile(f"hostile={kind}", cpus=1)
    machine.expect(f"hostile: faults: {kind}")
    machine.expect("root task fault: ")
    machine.expect("600df00d")  # a register of the program
    assert machine.wait_end() == 12


@in_qemu
def test_the_last_thread_ends(hostile, leg):
    machine = hostile("hostile=last-thread", cpus=2)
    machine.expect("the root task's last thread has ended")
    assert machine.wait_end() == 12
