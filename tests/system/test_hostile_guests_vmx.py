# SPDX-License-Identifier: MIT
"""The guests of test_hostile_guests.py on the VMX leg, in Bochs, beside one that idles: a Linux takes
too long there."""
import re

import pytest
from conftest import small
from machine import LEGS
from test_hostile_guests import ENDS, GROUPS, monitor

# Where a guest's end is another than on QEMU.
ENDS_ON_VMX = {
    **ENDS,
    # Each #DB pushes before the handler's first instruction: the stack grows into the IDT.
    "fault-b": "triple fault",
    # MOV to CR3 loads four entries of what is no memory: reserved bits are set, #GP.
    "mmio-p": "triple fault",
    # There is no SVM exit for the task switch itself.
    "mmio-k": "the processor refused the guest state",
    # This processor offers XSAVES, and its operand is a device.
    "registers": "is not emulated",
}


@pytest.mark.parametrize("group", GROUPS)
def test_on_vmx(boot, group):
    bad = GROUPS[group]
    ends = [name for name in bad if name in ENDS_ON_VMX]
    conf = [(name, {**keys, "autostart": "off"}) for name, (keys, _) in bad.items()]
    machine = boot([("idle", small("idle"))] + conf, emulator="bochs", cpu=LEGS["vmx"]["bochs"],
                   cpus=1, memory="512M")
    machine.expect("console ready", timeout=60)
    # First those that go on for ever: nobody's end speaks into their words.
    for name, (_, words) in bad.items():
        if name not in ends:
            monitor(machine, f"start {name}")
            monitor(machine, f"console {name}", end=words)
    for name in ends:
        monitor(machine, f"start {name}", end=f"trivet: error: {name}: guest crashed")
    errors = re.findall(r"trivet: error: (\S+): VP \d+: (.*)", machine.log)
    assert sorted(name for name, _ in errors) == sorted(ends)
    for name, words in errors:
        assert ENDS_ON_VMX[name] in words
    # Each can be taken away: nothing of it is stuck.
    monitor(machine, *(f"destroy {name}" for name in bad))
    assert "vmx: entry" not in machine.log
