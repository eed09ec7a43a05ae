# SPDX-License-Identifier: MIT
"""Many partitions at once."""
from conftest import small


def test_sixty_four_partitions(boot):
    """On 2 GiB and two CPUs: all run, the monitor answers, one can go and come back."""
    machine = boot(conf=[(f"idle{i}", small("idle", devices=None)) for i in range(1, 65)])
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
