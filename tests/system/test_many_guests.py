# SPDX-License-Identifier: MIT
"""Many partitions at once."""
import re

import pytest
from conftest import linux, small


@pytest.mark.long_in_bochs
def test_sixty_four_partitions(boot, leg):
    """On 2 GiB and two CPUs: all run, the monitor answers, one can go and come back."""
    machine = boot(conf=[(f"idle{i}", small("idle", devices=None)) for i in range(1, 65)],
                   memory="2G")
    machine.expect("trivet: console ready", timeout=120)
    machine.send("\x14m")
    machine.expect("trivet> ")
    machine.send("list\r")
    machine.expect("trivet> ")
    assert machine.child.before.decode().count("running") == 64
    machine.send("console idle64\r")
    machine.expect("guest: idle")
    machine.send("\x14m")
    machine.expect("trivet> ")
    for command in ("destroy idle64", "start idle64"):
        machine.send(command + "\r")
        machine.expect("idle64: (destroyed|running)")
        machine.expect("trivet> ")
    machine.send("console idle64\r")
    machine.expect("guest: idle")


@pytest.mark.long_on_el2
@pytest.mark.long_in_bochs
def test_spinning_guests_and_linux_at_once(boot, leg):
    """Four guests share a CPU. Linux measures clocks as it boots: it must not miss ticks."""
    spinning = [(f"spin{i}", small("spin")) for i in range(1, 4)]
    machine = boot(conf=[("linux", linux())] + spinning, cpus=1)
    machine.wait_prompt(timeout=180)
    assert machine.command("echo $((6 * 7))").endswith("42")
    # The clock of its ticks has kept up with that of its time stamps.
    times = machine.command("cat /proc/uptime; sleep 3; cat /proc/uptime")
    before, after = (float(seconds) for seconds in re.findall(r"^([\d.]+) ", times, re.MULTILINE))
    assert after - before >= 2.9
