# SPDX-License-Identifier: MIT
"""AArch64: small guests at their devices, a Linux by ACPI, and what of kernels is refused."""
import gzip

import pytest
from conftest import BUILD, PATIENCE, linux, small
from settings import LINUX_CMDLINE
from test_monitor import Monitor

pytestmark = pytest.mark.el2
ARM = LINUX_CMDLINE["aarch64"]
SMALL = BUILD / "guest-tests" / "guest" / "aarch64"


def start(boot, name, keys=None, **settings):
    """A machine with tests/guest/aarch64/NAME.S."""
    conf = [("guest", small(name, devices=None, **(keys or {})))]
    return boot(arch="aarch64", conf=conf, files={f"{name}.elf": SMALL / f"{name}.elf"}, **settings)


def test_devices_take_each_access(boot):
    machine = start(boot, "devices", cpus=1)
    machine.expect("devices: all is well")
    assert machine.wait_end() == 0


def test_anything_written_to_devices(boot):
    machine = start(boot, "random_devices", cpus=1)
    machine.expect("random_devices: done")
    assert machine.wait_end() == 0


@pytest.mark.parametrize("vps", [1, 17, 72, 256])
def test_interrupts_of_many_vps(boot, vps):
    """In clusters of sixteen, the last of them not full; above 123 the redistributors lie elsewhere."""
    machine = start(boot, "many", {"vps": vps})
    machine.expect("guest: all VPs are up")
    machine.expect("guest: all SGIs came")
    machine.expect("guest: all SPIs came")
    machine.expect("guest: each has got its own")
    assert machine.wait_end() == 0


def test_linux_by_acpi(boot):
    conf = [("linux", linux(vps=2, cmdline=f"{ARM} acpi=force"))]
    machine = boot(arch="aarch64", conf=conf)
    machine.wait_prompt()
    machine.send_line("ls /sys/firmware/acpi/tables")
    machine.expect("SPCR")
    machine.send_line("cat /sys/class/input/input0/name")
    machine.expect("Power Button")
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_two_linux_with_more_vps_than_cpus(boot):
    """Each has its own processors and its own clock on the two that they share."""
    conf = [(name, linux(vps=2, cmdline=ARM)) for name in ("one", "two")]
    machine = boot(arch="aarch64", conf=conf, cpus=2, memory="1G")
    machine.wait_prompt(timeout=2 * PATIENCE)
    monitor = Monitor(machine)
    for number in 2, 1:
        monitor.enter()
        monitor.console(number)
        machine.shell(timeout=2 * PATIENCE)
        assert machine.command("nproc") == "2"
        assert machine.command("sleep 1; echo slept") == "slept"
        assert machine.command("dmesg | grep -E 'BUG:|Oops|WARNING:'") == ""
    monitor.enter()
    monitor.command("destroy two")
    monitor.console(1)
    machine.shell()
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_a_compressed_image_is_refused(boot):
    kernel = gzip.compress(b"kernel")
    machine = boot(arch="aarch64", conf=[("linux", linux(kernel="vmlinuz.gz"))], files={"vmlinuz.gz": kernel})
    machine.expect("compressed by gzip; unpack it first")
    assert machine.wait_end() == 13


def test_devices_of_a_pc_are_refused(boot):
    machine = boot(arch="aarch64", conf=[("linux", linux(devices="hpet"))])
    machine.expect('"devices" are those of a PC')
    assert machine.wait_end() == 13


def test_the_power_key_is_pressed(boot):
    """A guest that does not look at it is switched off; of one that does it is asked."""
    conf = [("one", linux(cmdline=f"{ARM} acpi=force"))]
    machine = boot(arch="aarch64", conf=conf)
    machine.wait_prompt()
    # A script in the place of a daemon that waits for the key.
    machine.command("(head -c 24 /dev/input/event0 >/dev/null; poweroff) &")
    monitor = Monitor(machine)
    monitor.enter()
    monitor.command("stop one")
    machine.expect("one: powered off")


def test_saved_guest_goes_on(boot):
    """Two VPs, PL011 and clock go on where they were, in a new partition."""
    machine = boot(arch="aarch64", conf=[("one", linux(vps=2, cmdline=ARM))], memory="1G")
    machine.wait_prompt()
    monitor = Monitor(machine)
    machine.command("echo kept > /tmp/kept; (while sleep 0.1; do echo >> /tmp/ticks; done) &")
    for _ in range(2):
        monitor.enter()
        assert "one: saved" in monitor.command("save one")
        assert "one: running" in monitor.command("restore one")
        monitor.console(1)
        machine.shell()
    assert machine.command("cat /tmp/kept") == "kept"
    ticks = int(machine.command("wc -l < /tmp/ticks"))
    machine.command("sleep 2")
    assert int(machine.command("wc -l < /tmp/ticks")) > ticks
    machine.send_line("poweroff")
    assert machine.wait_end() == 0
