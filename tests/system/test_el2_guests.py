# SPDX-License-Identifier: MIT
"""AArch64: small guests at their devices, a Linux by ACPI, and what of kernels is refused."""
import gzip

from conftest import BUILD, linux, small
from settings import LINUX_CMDLINE

ARM = LINUX_CMDLINE["aarch64"]
SMALL = BUILD / "guest-tests" / "guest" / "aarch64"


def start(boot, name, **settings):
    """A machine with tests/guest/aarch64/NAME.S."""
    conf = [("guest", small(name, devices=None))]
    return boot(arch="aarch64", conf=conf, files={f"{name}.elf": SMALL / f"{name}.elf"}, **settings)


def test_devices_take_each_access(boot):
    machine = start(boot, "devices", cpus=1)
    machine.expect("devices: all is well")
    assert machine.wait_end() == 0


def test_anything_written_to_devices(boot):
    machine = start(boot, "random_devices", cpus=1)
    machine.expect("random_devices: done")
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


def test_a_compressed_image_is_refused(boot):
    kernel = gzip.compress(b"kernel")
    machine = boot(arch="aarch64", conf=[("linux", linux(kernel="vmlinuz.gz"))], files={"vmlinuz.gz": kernel})
    machine.expect("compressed by gzip; unpack it first")
    assert machine.wait_end() == 13


def test_devices_of_a_pc_are_refused(boot):
    machine = boot(arch="aarch64", conf=[("linux", linux(devices="hpet"))])
    machine.expect('"devices" are those of a PC')
    assert machine.wait_end() == 13
