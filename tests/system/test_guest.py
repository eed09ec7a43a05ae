# SPDX-License-Identifier: MIT
"""A Linux guest from its shell: what it sees of its machine, and the ways in which it can end."""
import pytest
from conftest import linux


@pytest.fixture
def guest(boot):
    def start(machine_settings=None, **keys):
        machine = boot(conf=[("linux", linux(**keys))], **(machine_settings or {}))
        machine.wait_prompt()
        return machine

    return start


def test_a_shell_works(guest):
    machine = guest()
    assert machine.command("echo $((6 * 7))") == "42"
    assert machine.command("sleep 30 & jobs | wc -l") == "1"
    assert machine.command("seq 1 2000 | tail -n 1") == "2000"
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


@pytest.mark.parametrize("vps", [1, 2, 4])
def test_sees_its_processors(guest, vps):
    """On two CPUs: four is more than there are."""
    machine = guest(vps=vps)
    assert machine.command("nproc") == str(vps)
    # Each does work of its own, and they all answer to interrupts.
    work = "for i in $(seq %d); do taskset $((1 << (i - 1))) sh -c 'i=0; while [ $i -lt 5000 ]; "
    work += "do i=$((i + 1)); done' & done; wait; echo done"
    assert "done" in machine.command(work % vps).split("\n")
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_sees_its_memory(guest):
    machine = guest(memory="384M")
    kilobytes = int(machine.command("awk '/MemTotal/ {print $2}' /proc/meminfo"))
    assert 300_000 < kilobytes < 384 * 1024
    machine.command("dd if=/dev/zero of=/tmp/fill bs=1M count=150")
    assert machine.command("wc -c </tmp/fill") == str(150 << 20)
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_time_passes(guest):
    machine = guest()
    seconds = machine.command("a=$(cut -d. -f1 /proc/uptime); sleep 3; "
                              "echo $(($(cut -d. -f1 /proc/uptime) - a))")
    assert seconds in ("3", "4")
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_kernel_log_has_no_complaints(guest):
    machine = guest()
    log = machine.command("dmesg | grep -iE 'BUG:|WARNING:|Oops|unchecked MSR|firmware bug|stall'")
    assert log == ""
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_reboot_boots_it_again(guest):
    machine = guest()
    machine.send_line("reboot")
    machine.wait_prompt()
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_kernel_panic_of_the_guest_is_its_own(guest):
    """panic=-1 makes Linux reset at once: the partition boots again."""
    machine = guest(cmdline="console=ttyS0 quiet panic=-1")
    machine.send_line("echo c >/proc/sysrq-trigger")
    machine.expect("Kernel panic")
    machine.wait_prompt()
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_triple_fault_is_named(boot):
    """reboot=t,force: Linux resets the machine by a triple fault."""
    machine = boot(conf=[("linux", linux(cmdline="console=ttyS0 quiet reboot=t,force"))])
    machine.wait_prompt()
    machine.send_line("reboot")
    machine.expect("(?i)triple fault")
    assert machine.wait_end() == 11


def test_boots_the_same_twice(boot):
    """With the clock tied to the instructions, two runs say the same, times included."""
    logs = []
    for _ in range(2):
        conf = [("linux", linux(cmdline="console=ttyS0 trivet.poweroff"))]
        machine = boot(conf=conf, cpus=1, icount=True)
        assert machine.wait_end(timeout=180) == 0
        logs.append(machine.log)
    assert logs[0] == logs[1]
