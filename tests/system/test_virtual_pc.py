# SPDX-License-Identifier: MIT
"""Linux told to do without parts of its machine: each other way to interrupts and time works."""
import pytest
from conftest import linux, x86_only

WITHOUT = [
    "noapic",  # the 8259 pair through LINT0, the local APIC's timer
    "nolapic",  # the 8259 pair alone, the 8254's timer
    "acpi=off",
    "noapictimer",  # the 8254's timer, broadcast
    "nox2apic",
    "clocksource=acpi_pm",
    "idle=poll",
    "maxcpus=1",
]


@x86_only("the machine is a PC")
@pytest.mark.long_in_bochs
@pytest.mark.parametrize("word", WITHOUT)
def test_linux_boots_with(boot, leg, word):
    # A boot with two takes twice as long in Bochs.
    vps = 2 if leg == "svm" or word == "maxcpus=1" else 1
    machine = boot(conf=[("linux", linux(vps=vps, cmdline=f"console=ttyS0 quiet {word}"))], cpus=vps)
    machine.wait_prompt()
    assert machine.command("sleep 1; echo $((6 * 7))") == "42"


def test_guest_output_passes_as_it_is(boot):
    """A line feed alone moves the cursor down, and must stay alone; here the pseudo-terminal puts
    one carriage return before each."""
    machine = boot()
    machine.wait_prompt()
    machine.send_line("stty -opost; printf 'A\\nB\\r\\nC\\n'; stty opost")
    machine.expect("A\r\nB\r\r\nC\r\n")
    machine.send_line("poweroff -f")
    assert machine.wait_end() == 0
