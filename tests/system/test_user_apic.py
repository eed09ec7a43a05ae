# SPDX-License-Identifier: MIT
"""Linux with local APICs of the root task's own."""
import pytest
from conftest import linux


@pytest.mark.parametrize("vps, apic", [(1, "x2apic"), (2, "x2apic"), (2, "xapic"), (2, "x2apic-on")])
def test_linux_boots_with_it(boot, vps, apic):
    machine = boot(conf=[("linux", linux(vps=vps, apic=apic, user_apic="on"))])
    machine.wait_prompt(timeout=180)
    assert machine.command("nproc") == str(vps)
    # The kernel's were left out: no access to one has ended there.
    assert machine.command("dmesg | grep -iE 'BUG:|WARNING:|Oops|stall|unchecked MSR'") == ""
    seconds = machine.command("a=$(cut -d. -f1 /proc/uptime); sleep 3; "
                              "echo $(($(cut -d. -f1 /proc/uptime) - a))")
    assert seconds in ("3", "4")
    work = ("for i in $(seq %d); do taskset $((1 << (i - 1))) sh -c 'i=0; while [ $i -lt 2000 ]; "
            "do i=$((i + 1)); done' & done; wait; echo done")
    assert "done" in machine.command(work % vps).split("\n")
    local = machine.command("grep LOC: /proc/interrupts").split()[1 : vps + 1]
    assert all(int(count) > 50 for count in local)
    if apic == "x2apic-on":
        machine.send_line("reboot")
        machine.wait_prompt(timeout=180)
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_moves_and_stops_with_it(boot):
    """The VPs' threads sleep in the kernel, where they are found."""
    machine = boot(conf=[("linux", linux(vps=2, user_apic="on"))])
    machine.wait_prompt(timeout=180)
    machine.send("\x14m")
    machine.expect("trivet> ")
    for i in range(20):
        machine.send(f"move linux {i % 2} {i // 2 % 2}\r")
        machine.expect(f"VP {i % 2}: on CPU {i // 2 % 2}")
        machine.expect("trivet> ")
    machine.send("\x141")
    machine.expect("console of linux")
    machine.shell()
    assert machine.command("sleep 1; echo slept").endswith("slept")
    machine.send("\x14m")
    machine.expect("trivet> ")
    machine.send("stop linux\r")
    machine.expect("linux: stopped")
