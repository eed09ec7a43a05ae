# SPDX-License-Identifier: MIT
"""What ends or interrupts the run of a guest, each brought about by a guest: halts, resets, moves."""
import re

import pytest
from conftest import in_qemu, linux, machines, small, x86_only
from test_monitor import Monitor

# What the guest does, what is said of it, and the code at the end.
HALTS = {
    "power_off": ("powers: powered off", 0),
    "hibernate": ("powers: hibernated", 0),
}


@x86_only("the power is PSCI's, which knows no hibernation")
@pytest.mark.parametrize("name", HALTS)
def test_halts_by_acpi(boot, leg, name):
    words, code = HALTS[name]
    machine = boot(conf=[("powers", small(name, vps=2))])
    machine.expect(words)
    assert machine.wait_end() == code


def test_linux_finds_the_states_of_sleep(boot):
    """Debian's cloud kernel cannot hibernate, but evaluates what the tables say of it."""
    machine = boot()
    machine.wait_prompt()
    assert "supports S0 S4 S5" in machine.command("dmesg | grep 'ACPI: PM: (supports'")
    assert machine.command("grep -c _S4_ /sys/firmware/acpi/tables/DSDT") == "1"


ACCOUNTS = ("root task", "kernel", "again")


@x86_only("its count is kept in battery-backed memory")
def test_a_hundred_resets_take_no_memory(boot, leg):
    """By the reset register, the keyboard controller, port 0x92 and triple faults in turn."""
    keys = small("reboots", vps=2, triple_fault="reset")
    machine = boot(conf="[system]\non_exit = monitor\n" + machines.conf_text([("again", keys)]))
    monitor = Monitor(machine)
    machine.expect("guest: waits")
    monitor.enter()
    before = [monitor.memory_free(name) for name in ACCOUNTS]
    monitor.console(1)
    machine.send("g")
    machine.expect("guest: reset a hundred times")
    machine.expect("guest: waits")
    monitor.enter()
    assert [monitor.memory_free(name) for name in ACCOUNTS] == before


MOVES = 100
# Time stamps, timers and floating point of both processors, for as long as the file is there.
WORK = ("touch /tmp/go; for c in 1 2; do taskset $c sh -c 'while [ -e /tmp/go ]; do "
        "awk \"BEGIN { for (i = 1; i < 3000; i++) s += i / (i + 1); if (int(s * 1000) != {sum}) "
        "print \\\"wrong\\\", s }\"; done' >>/tmp/out 2>&1 & done; echo started")


@pytest.mark.long_on_el2
@in_qemu
def test_moves_under_linux(boot, leg):
    """Two VPs go from CPU to CPU a hundred times; whatever they do goes on."""
    total = int(sum(i / (i + 1) for i in range(1, 3000)) * 1000)
    machine = boot(conf=[("linux", linux(vps=2))])
    machine.wait_prompt()
    monitor = Monitor(machine)
    assert machine.command(WORK.replace("{sum}", str(total))).endswith("started")
    monitor.enter()
    for i in range(MOVES):
        vp, cpu = i % 2, i // 2 % 2
        assert f"VP {vp}: on CPU {cpu}" in monitor.command(f"move linux {vp} {cpu}")
    assert "no VP 2" in monitor.command("move linux 2 0")
    assert "usage" in monitor.command("move linux 0")
    monitor.console(1)
    machine.shell()
    seconds = machine.command("a=$(cut -d. -f1 /proc/uptime); sleep 2; "
                              "echo $(($(cut -d. -f1 /proc/uptime) - a))")
    assert seconds in ("2", "3")
    machine.command("rm /tmp/go; wait")
    assert machine.command("cat /tmp/out") == ""
    log = machine.command("dmesg | grep -iE 'BUG:|WARNING:|Oops|stall|bad FPU'")
    assert log == ""
    machine.send_line("poweroff")
    assert machine.wait_end() == 0
    assert re.search("linux: powered off", machine.log)
