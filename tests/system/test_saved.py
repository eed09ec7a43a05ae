# SPDX-License-Identifier: MIT
"""A Linux guest is saved, its partition destroyed, and goes on in a new one."""
import re
import time

from conftest import linux
from test_monitor import Monitor

PAUSE = 6


def uptime(machine):
    return float(machine.command("cat /proc/uptime").split()[0])


def counted(machine, n):
    return int(machine.command(f"wc -l < /tmp/count{n}"))


def goes_on(machine):
    """Two VPs: what ran runs, timers come, and of the time in between the guest has seen nothing."""
    machine.wait_prompt(timeout=240)
    monitor = Monitor(machine)
    clocksource = machine.command(
        "cat /sys/devices/system/clocksource/clocksource0/current_clocksource")
    machine.command("echo kept > /tmp/kept; (while sleep 0.1; do echo >> /tmp/ticks; done) &")
    machine.command("for n in 1 2; do (while :; do echo >> /tmp/count$n; done) & done")
    said = int(machine.command("dmesg | wc -l"))
    before, wall = uptime(machine), time.monotonic()
    for _ in range(2):
        monitor.enter()
        assert "one: saved" in monitor.command("save one")
        assert re.search(r"1 one +saved", monitor.command("list"))
        assert "one is saved" in monitor.command("stop one")
        assert "one is saved" in monitor.command("start one")
        time.sleep(PAUSE)
        assert "one: running" in monitor.command("restore one")
        monitor.console(1)
        machine.shell()
    after, passed = uptime(machine), time.monotonic() - wall
    assert machine.command("cat /tmp/kept") == "kept"
    assert machine.command("nproc") == "2"
    # Time went on where it was: forward, and without the pauses.
    assert before < after < before + passed - 2 * PAUSE + 1
    ticks = int(machine.command("wc -l < /tmp/ticks"))
    counts = [counted(machine, n) for n in (1, 2)]
    start = uptime(machine)
    machine.command("sleep 2")
    assert 2 <= uptime(machine) - start < 10
    assert int(machine.command("wc -l < /tmp/ticks")) >= ticks + 5
    assert all(counted(machine, n) > counts[n - 1] for n in (1, 2))
    assert machine.command(
        "cat /sys/devices/system/clocksource/clocksource0/current_clocksource") == clocksource
    # The kernel has found nothing that it would tell of.
    assert machine.command(f"dmesg | tail -n +{said + 1}") == ""
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_saved_guest_goes_on(boot):
    goes_on(boot(conf=[("one", linux(vps=2))], memory="1G"))


def test_saved_guest_can_be_destroyed(boot):
    """A saved machine holds memory until it is destroyed, and can be started anew."""
    machine = boot(conf=[("one", linux(vps=2))], memory="1G")
    machine.wait_prompt(timeout=240)
    monitor = Monitor(machine)
    monitor.enter()
    monitor.command("destroy one")
    before = [monitor.memory_free(name) for name in ("root task", "kernel")]
    monitor.command("start one")
    monitor.command("save one")
    assert monitor.memory_free("kernel") == before[1]
    monitor.command("destroy one")
    assert [monitor.memory_free(name) for name in ("root task", "kernel")] == before
    assert "one is not started" in monitor.command("restore one")
    monitor.command("start one")
    monitor.console(1)
    machine.wait_prompt(timeout=240)
    machine.send_line("poweroff")
    assert machine.wait_end() == 0
