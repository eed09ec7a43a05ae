# SPDX-License-Identifier: MIT
"""What a Linux guest finds out about sockets, cores and threads, and the modes of its APICs."""
import pytest
from conftest import linux

SHOW = ("for c in /sys/devices/system/cpu/cpu[0-9]*; do echo $(cat $c/topology/physical_package_id "
        "$c/topology/thread_siblings_list); done")

# keys, and for each processor its socket and the threads of its core.
TOPOLOGIES = {
    "threads": (dict(vps=4, threads=2), ["0 0-1"] * 2 + ["0 2-3"] * 2),
    "sockets": (dict(vps=6, threads=3, cores=1), ["0 0-2"] * 3 + ["1 3-5"] * 3),
    "cores": (dict(vps=6, cores=3), [f"{i // 3} {i}" for i in range(6)]),
}


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_linux_finds_it(boot, name):
    keys, wanted = TOPOLOGIES[name]
    machine = boot(conf=[("linux", linux(**keys))])
    machine.wait_prompt(timeout=180)
    assert machine.command("nproc") == str(keys["vps"])
    assert machine.command(SHOW).split("\n") == wanted


@pytest.mark.parametrize("mode, words", [
    ("xapic", "0"), ("x2apic", "1"), ("x2apic-on", "1")])
def test_modes_of_the_apic(boot, mode, words):
    machine = boot(conf=[("linux", linux(vps=2, apic=mode))])
    machine.wait_prompt()
    assert machine.command("nproc") == "2"
    assert machine.command("grep -c x2apic /proc/cpuinfo | sed 's/2/1/'") == words
    enabled = machine.command("dmesg | grep -c 'x2apic: enabled by BIOS'")
    assert enabled == ("1" if mode == "x2apic-on" else "0")
