# SPDX-License-Identifier: MIT
"""The guests of tests/guest: how they end, alone and beside a Linux that must not notice."""
import pytest
from conftest import in_qemu, linux, small, x86_only


# What the console says, and the code at the end.
ENDS = {
    "exit_zero": ("guest: ends with 0", 0),
    "exit_five": ("guest: ends with 5", 64 + 5),
    "triple_fault": ("(?i)triple fault", 11),
    "jump_away": ("guest: jumps away", 11),
    "unserved": ("guest: ones everywhere", 0),
    "every_msr": ("guest: every MSR answers", 0),
    "every_port": ("guest: every port answers", 0),
}


@x86_only("their ends are those of ports and triple faults; test_ends_by_psci is alike")
@pytest.mark.parametrize("name", ENDS)
def test_ends(boot, leg, name):
    words, code = ENDS[name]
    machine = boot(conf=[(name.replace("_", "-"), small(name))])
    machine.expect(words)
    assert machine.wait_end() == code


@pytest.mark.el2
def test_ends_by_psci(boot):
    machine = boot(conf=[("exit-zero", small("exit_zero"))], arch="aarch64")
    machine.expect("guest: ends with 0")
    machine.expect("exit-zero: powered off")
    assert machine.wait_end() == 0


@x86_only("the guest is one of x86")
def test_tells_of_its_crash(boot, leg):
    """A text is the guest's, and is shown without what could change the terminal."""
    machine = boot(conf=[("tells-crash", small("tells_crash", hyperv="on"))])
    machine.expect(r"tells-crash: the guest tells that it has crashed, by VP 0: 4711 0 0 ")
    machine.expect(r"tells-crash: \| nothing goes any more")
    machine.expect(r"tells-crash: \| \?\[31mred")
    assert machine.wait_end() == 0


HARMFUL = ["triple_fault", "jump_away", "spin", "flood", "exit_five"]
# The last that is said of some: until then their words come between what is typed.
CRASHES = {"triple_fault", "jump_away"}


@pytest.mark.parametrize("name", HARMFUL)
@pytest.mark.parametrize("cpus", [1, 2])
def test_harms_no_other(boot, name, cpus):
    machine = boot(conf=[("linux", linux()), ("bad", small(name))], cpus=cpus)
    machine.wait_prompt(timeout=180)
    assert machine.command("echo $((6 * 7))") == "42"
    # A timer that runs for some seconds beside it.
    assert machine.command("sleep 2; echo slept").endswith("slept")
    machine.send("\x14m")
    machine.expect("trivet> ")
    machine.send("stop bad\r")
    machine.expect("trivet> ")
    machine.send("\x141")
    machine.expect("console of linux")
    machine.shell()
    assert machine.command("echo alive") == "alive"


@x86_only("test_el2_harm.py has its own")
@pytest.mark.parametrize("name", HARMFUL)
def test_harms_no_other_that_is_up(boot_once, leg, name):
    """The same with a Linux that all of them meet, one after the other."""
    def start(boot):
        bad = [(bad, small(bad, autostart="off")) for bad in HARMFUL]
        machine = boot(conf=[("linux", linux())] + bad, cpus=1)
        machine.wait_prompt()
        return machine

    machine = boot_once(start)
    machine.send("\x14m")
    machine.expect("trivet> ")
    machine.send(f"start {name}\r")
    machine.expect(f"{name}: guest crashed" if name in CRASHES else "trivet> ")
    machine.send("\rconsole linux\r")
    machine.expect("console of linux")
    machine.shell()
    assert machine.command("sleep 2; echo slept").endswith("slept")
    machine.send("\x14m")
    for command in (f"destroy {name}", "console linux"):
        machine.expect("trivet> ")
        machine.send(command + "\r")
    machine.expect("console of linux")
    machine.shell()


@in_qemu
def test_messages_start_on_a_line_of_their_own(boot, leg):
    """Also behind a guest that left its line without an end: runners look for them there."""
    machine = boot(conf=[("open", small("open_line"))])
    assert machine.wait_end() == 0
    assert "guest: no end\ntrivet: " in machine.log
    ended = "powered off" if leg == "el2" else "exited"
    assert f"\ntrivet: open: {ended}" in machine.log and "\ntrivet: end: " in machine.log


def test_spinning_guest_can_be_stopped(boot, leg):
    machine = boot(conf=[("bad", small("spin"))], cpus=1)
    machine.expect("guest: spins")
    machine.send("\x14m")
    machine.expect("trivet> ")
    machine.send("stop bad\r")
    machine.expect("bad: stopped")
