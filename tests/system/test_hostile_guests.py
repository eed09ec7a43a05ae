# SPDX-License-Identifier: MIT
"""Guests that do harm for ever, several of them beside one Linux that must not notice."""
import re

import pytest
from conftest import linux, small, x86_only

pytestmark = x86_only("the guests are those of x86; test_el2_harm.py has others")
MMIO_KINDS = "fghcubtpidsk"
# The keys of each and what it says. All go on for ever but those that ENDS names, by how they end.
GROUPS = {
    "random": {
        "msr": (small("random_msr"), "guest: random MSRs"),
        "registers": (small("random_registers"), "guest: random registers"),
    },
    "faults": {
        f"fault-{kind}": (small("fault_loop", cmdline=kind), f"guest: faults for ever: {kind}")
        for kind in "bsaupi"
    },
    "storms": {
        f"storm-{kind}": (small("storm", cmdline=kind, vps=2), f"guest: storms: {kind}")
        for kind in "stnre"
    },
    "structures": {
        f"mmio-{kind}": (small("mmio_structures", cmdline=kind), f"guest: structures in devices: {kind}")
        for kind in MMIO_KINDS
    },
}


# Nobody serves code, page tables or stacks in a device. (Those of PAE paging's top entries, mmio-p, read
# as ones: paging never begins, as the MOV to CR0 is #GP.)
ENDS = {
    "fault-p": "triple fault",
    **{f"mmio-{kind}": "code is not in RAM" for kind in "fgh"},
    **{f"mmio-{kind}": "a page table is not in RAM" for kind in "cubt"},
    **{f"mmio-{kind}": "could not be delivered" for kind in "is"},
    "mmio-d": "a segment load in protected mode",
    "mmio-k": "is not emulated",
}
# Where the end is another than on SVM.
ENDS_ON_VMX = {
    # Each #DB pushes before the handler's first instruction: the stack grows into the IDT.
    "fault-b": "triple fault",
    # What is mapped for the processor at the APIC's address reads as zeros to a page walk.
    "mmio-p": "triple fault",
    # There is no SVM exit for the task switch itself.
    "mmio-k": "the processor refused the guest state",
    # This processor offers XSAVES, and its operand is a device.
    "registers": "is not emulated",
}


# Not in GROUPS: QEMU 7.2 itself ends with an assertion when a guest's data breakpoint is hit by the
# delivery of its #DB (kind d of fault_loop).


def monitor(machine, *lines, end=r"trivet> "):
    machine.send("\x14m")
    machine.expect("trivet> ")
    for line in lines:
        machine.send(line + "\r")
        machine.expect(end)


def console_of_linux(machine):
    monitor(machine, "console linux", end="console of linux")
    machine.shell()


@pytest.fixture
def beside(boot_once):
    """A Linux that is up; its boot measures clocks, which wants a share of a CPU. The others wait."""
    def start(boot):
        bad = {name: keys for group in GROUPS.values() for name, (keys, _) in group.items()}
        conf = [(name, {**keys, "autostart": "off"}) for name, keys in bad.items()]
        machine = boot(conf=[("linux", linux())] + conf, memory="1G")
        machine.wait_prompt()
        return machine

    return boot_once(start)


@pytest.mark.parametrize("group", GROUPS)
def test_beside_linux(beside, leg, group):
    machine, bad = beside, GROUPS[group]
    ends = {**ENDS, **ENDS_ON_VMX} if leg == "vmx" else ENDS
    # First those that go on for ever: nobody's end speaks into their words.
    for name in sorted(bad, key=lambda name: name in ends):
        monitor(machine, f"start {name}")
        if name not in ends:
            monitor(machine, f"console {name}", end=bad[name][1])
        elif f"trivet: error: {name}: guest crashed" not in machine.log:
            machine.expect(f"trivet: error: {name}: guest crashed")
    console_of_linux(machine)
    assert machine.command("echo $((6 * 7))").endswith("42")
    # Time of the machine, which passes while others have its CPUs, however fast the emulator is.
    machine.command("now() { cut -d. -f1 /proc/uptime; }")
    slept = machine.command("a=$(now); sleep 2; echo $(($(now) - a))")
    assert 2 <= int(slept.splitlines()[-1]) < 12
    errors = dict(re.findall(r"trivet: error: (\S+): VP \d+: (.*)", machine.log))
    assert sorted(bad.keys() & errors) == sorted(bad.keys() & ends)
    for name in bad.keys() & ends:
        assert ends[name] in errors[name]
    # Each can be taken away: nothing of it is stuck.
    monitor(machine, *(f"destroy {name}" for name in bad))
    console_of_linux(machine)
    assert machine.command("echo alive").endswith("alive")
    assert "vmx: entry" not in machine.log


@pytest.mark.long_in_bochs
def test_resets_beside_linux(boot, leg):
    machine = boot(conf=[("linux", linux()), ("bad", small("resets"))])
    machine.wait_prompt(timeout=180)
    if "bad: exited with status 0" not in machine.log:
        machine.expect("bad: exited with status 0")
    # All happened, few are told of.
    told = machine.log.count("trivet: bad: reset")
    left_out = re.findall(r"trivet: bad: (\d+) more resets were not reported", machine.log)
    assert told < 20
    assert told + sum(map(int, left_out)) == 50
    assert machine.command("echo $((6 * 7))").endswith("42")
