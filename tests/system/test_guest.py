# SPDX-License-Identifier: MIT
"""A Linux guest from its shell: what it sees of its machine, and the ways in which it can end."""
import pytest
from conftest import in_qemu, linux, x86_only


@pytest.fixture
def guest(boot_once):
    """A Linux at its prompt; panic=-1 makes it reset as soon as it has panicked."""
    def start(boot):
        keys = linux(memory="384M", cmdline="console=ttyS0 quiet panic=-1")
        machine = boot(conf=[("linux", keys)], memory="1G")
        machine.wait_prompt()
        return machine

    return boot_once(start)


def test_kernel_log_has_no_complaints(guest):
    # RETBleed: IBRS is not offered.
    log = guest.command("dmesg | grep -iE 'BUG:|WARNING:|Oops|unchecked MSR|firmware bug|stall|bad FPU|ACPI.*Error'"
                        " | grep -v RETBleed")
    assert log == ""


def test_a_shell_works(guest):
    assert guest.command("echo $((6 * 7))") == "42"
    assert guest.command("nproc") == "1"
    assert guest.command("sh -c 'sleep 30 & jobs; kill $!' | wc -l") == "1"
    assert guest.command("seq 1 2000 | tail -n 1") == "2000"


@pytest.mark.long_on_el2
def test_sees_its_memory(guest, leg):
    megabytes = 10 if leg == "vmx" else 150  # Bochs takes 4 s for one
    kilobytes = int(guest.command("awk '/MemTotal/ {print $2}' /proc/meminfo"))
    assert 300_000 < kilobytes < 384 * 1024
    guest.command(f"dd if=/dev/zero of=/tmp/fill bs=1M count={megabytes}")
    assert guest.command("wc -c </tmp/fill; rm /tmp/fill") == str(megabytes << 20)


def test_time_passes(guest):
    seconds = guest.command("a=$(cut -d. -f1 /proc/uptime); sleep 3; "
                            "echo $(($(cut -d. -f1 /proc/uptime) - a))")
    assert seconds in ("3", "4")


def test_reboot_boots_it_again(guest):
    guest.send_line("reboot")
    guest.wait_prompt()
    assert guest.command("echo back").endswith("back")


def test_kernel_panic_of_the_guest_is_its_own(guest):
    guest.send_line("echo c >/proc/sysrq-trigger")
    guest.expect("Kernel panic")
    guest.wait_prompt()
    assert guest.command("echo back").endswith("back")


# On two CPUs, four is more than there are; on one, two is.
@pytest.mark.long_on_el2
@pytest.mark.parametrize("cpus, vps", [(2, 2), (2, 4), (1, 2)])
def test_sees_its_processors(boot, leg, cpus, vps):
    machine = boot(conf=[("linux", linux(vps=vps))], cpus=cpus)
    machine.wait_prompt()
    assert machine.command("nproc") == str(vps)
    # Each does work of its own, and they all answer to interrupts.
    work = "for i in $(seq %d); do taskset $((1 << (i - 1))) sh -c 'i=0; while [ $i -lt 5000 ]; "
    work += "do i=$((i + 1)); done' & done; wait; echo done"
    assert "done" in machine.command(work % vps).split("\n")
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


@x86_only("AArch64 has no triple fault")
def test_triple_fault_is_named(boot, leg):
    """reboot=t,force: Linux resets the machine by a triple fault."""
    machine = boot(conf=[("linux", linux(cmdline="console=ttyS0 quiet reboot=t,force"))])
    machine.wait_prompt()
    machine.send_line("reboot")
    machine.expect("(?i)triple fault")
    assert machine.wait_end() == 11


@pytest.mark.long_on_el2
@in_qemu
def test_boots_the_same_twice(boot, leg):
    """With the clock tied to the instructions, two runs say the same, times included."""
    logs = []
    for _ in range(2):
        conf = [("linux", linux(cmdline="console=ttyS0 trivet.poweroff"))]
        machine = boot(conf=conf, cpus=1, icount=True)
        assert machine.wait_end(timeout=180) == 0
        logs.append(machine.log)
    assert logs[0] == logs[1]
