# SPDX-License-Identifier: MIT
"""Linux with several VPs on AArch64, and guests that do harm beside one."""
import re

import pytest
from conftest import PATIENCE, linux, small
from test_monitor import Monitor

pytestmark = pytest.mark.el2
LONG = pytest.mark.long_on_el2
# What each says; all go on for ever.
HOSTILE = {
    "wild_mmio": "guest: random addresses",
    "random_calls": "guest: random calls",
    "random_registers": "guest: random registers",
    "random_gic": "guest: random interrupt controller",
    "wild_tables": "guest: page tables anywhere",
    "jump_away": "guest: jumps away",
    "spin": "guest: spins",
    "resets": "guest: resets",
}
# How long they have the machine's processors to themselves, or share them.
SECONDS = 2
BURST_SECONDS = 2


@pytest.fixture
def arm(boot):
    def start(*conf, **settings):
        return boot(conf=list(conf), arch="aarch64", **settings)

    return start


@pytest.mark.parametrize("cpu, cpus", [
    pytest.param("max", 1, marks=LONG), ("cortex-a57", 4), pytest.param("max", 4, marks=LONG)])
def test_linux_with_a_vp_for_each_cpu(arm, cpu, cpus):
    machine = arm(("linux", linux(vps=cpus)), cpu=cpu, cpus=cpus)
    machine.wait_prompt(timeout=2 * PATIENCE)
    assert machine.command("nproc") == str(cpus)
    complaints = machine.command("dmesg | grep -iE 'BUG:|WARNING:|Oops|firmware bug|stall'")
    assert complaints == ""
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


@LONG
def test_linux_with_many_vps(arm):
    """Two clusters and eight VPs to each CPU."""
    machine = arm(("linux", linux(vps=32, memory="512M")), cpu="cortex-a57", cpus=4, memory="2G")
    machine.wait_prompt(timeout=4 * PATIENCE)
    assert machine.command("nproc") == "32"
    # All of them take interrupts, of their timers and from each other.
    for source in "arch_timer", "IPI0":
        counts = machine.command(f"grep {source} /proc/interrupts | tr -s ' ' '\\n' | grep -c '^[1-9][0-9]*$'")
        assert int(counts.splitlines()[-1]) >= 32
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def wait_seconds(machine, seconds):
    """Time of the guest in front, which passes while others have its CPUs."""
    machine.command("now() { cut -d. -f1 /proc/uptime; }")
    slept = machine.command(f"a=$(now); sleep {seconds}; echo $(($(now) - a))")
    assert seconds <= int(slept.splitlines()[-1]) < seconds + 10


OTHERS = [name for name in HOSTILE if name != "random_registers"]
SETS = [
    pytest.param(1, OTHERS, id="1"),
    pytest.param(2, OTHERS, id="2", marks=LONG),
    pytest.param(1, ["random_registers"], id="registers"),
]


def broken_by_messages(words):
    """Matches them also where messages came between two letters."""
    return r"(?:\r*\n(?:trivet: [^\n]*\n)*)?".join(map(re.escape, words))


@pytest.mark.parametrize("cpus, names", SETS)
def test_no_guest_harms_another(arm, cpus, names):
    """One after the other is started, runs beside a Linux, and is taken away; no page is lost."""
    bad = [(name, small(name, autostart="off")) for name in names]
    machine = arm(("linux", linux()), *bad, cpus=cpus, memory="1G")
    machine.wait_prompt()
    monitor = Monitor(machine)
    monitor.enter()
    before = None
    for name in names:
        words = HOSTILE[name]
        monitor.command(f"start {name}")
        machine.send(f"console {name}\r")
        machine.expect(broken_by_messages(words))
        # What it complains of comes in bursts, with seconds between, and would cut the shell's words in two.
        machine.drain(BURST_SECONDS)
        monitor.console(1)
        machine.shell()
        wait_seconds(machine, SECONDS)
        monitor.enter()
        monitor.command(f"destroy {name}")
        free = [monitor.memory_free(account) for account in ("root task", "kernel")]
        assert before in (None, free), name
        before = free
    monitor.console(1)
    machine.shell()
    assert machine.command("echo alive").endswith("alive")
    assert not re.search("guest crashed", machine.log)


def test_no_sgi_is_lost(arm):
    machine = arm(("sgis", small("sgis", vps=2)), cpus=2)
    machine.expect("guest: all SGIs came")
    assert machine.wait_end() == 0
