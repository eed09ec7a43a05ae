# SPDX-License-Identifier: MIT
"""AArch64 at EL2: the ways to start, what is said when a start cannot succeed, and how a panic looks."""
import re
import socket
import subprocess
import time

import pytest
from conftest import BUILD, PANIC, PATIENCE, linux
from test_saved import goes_on

pytestmark = pytest.mark.el2
KERNEL = BUILD / "aarch64" / "trivet.elf"
IMAGE = BUILD / "aarch64" / "trivet.image"
PROCESSORS = ["max", "cortex-a57", "cortex-a72", "cortex-a76"]
# Of QEMU's gdb stub: numbers of registers.
SP, PC = 31, 32


def symbol(name):
    """Where the kernel's function begins."""
    for line in subprocess.check_output(["nm", KERNEL], text=True).splitlines():
        address, _, found = line.split()
        if found == name:
            return int(address, 16)
    raise LookupError(name)


class Stub:
    """QEMU's gdb stub, as far as a test wants it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        # Without having been asked for their names the stub gives no single registers.
        self.ask("qXfer:features:read:target.xml:0,ffb")

    def answer(self):
        data = b""
        while not re.search(rb"\$[^#]*#..", data):
            data += self.socket.recv(4096)
        self.socket.sendall(b"+")
        return re.search(rb"\$([^#]*)#..", data)[1].decode()

    def send(self, words):
        self.socket.sendall(f"${words}#{sum(words.encode()) & 0xFF:02x}".encode())

    def ask(self, words):
        self.send(words)
        return self.answer()

    def run_to(self, address):
        assert self.ask(f"Z1,{address:x},4") == "OK"
        assert self.ask("c").startswith("T05")
        assert self.ask(f"z1,{address:x},4") == "OK"

    def register(self, number):
        return int.from_bytes(bytes.fromhex(self.ask(f"p{number:x}")), "little")

    def set_register(self, number, value):
        assert self.ask(f"P{number:x}={value.to_bytes(8, 'little').hex()}") == "OK"


@pytest.fixture
def stopped(boot, tmp_path):
    """stopped(function): a machine, and the stub that has it stopped where the kernel calls that."""

    def start(function):
        path = tmp_path / "gdb"
        machine = boot(
            arch="aarch64", bundle=False, cpus=4, arguments=["-S", "-gdb", f"unix:{path},server=on,wait=off"]
        )
        for _ in range(100):
            if path.exists():
                break
            time.sleep(0.1)
        stub = Stub(path)
        stub.run_to(symbol(function))
        return machine, stub

    return start


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize("cpu", PROCESSORS)
def test_starts_all_cpus_of(boot, cpu, cpus):
    machine = boot(arch="aarch64", bundle=False, cpu=cpu, cpus=cpus)
    machine.expect(rf"trivet: {cpus} CPUs?, kernel memory")
    machine.expect("trivet: no bundle: the boot loader gave no module")
    assert machine.wait_end() == 13


@pytest.mark.parametrize("memory", ["128M", "5G"])
def test_starts_with_memory(boot, memory):
    machine = boot(arch="aarch64", bundle=False, memory=memory)
    megabytes = 128 if memory == "128M" else 5120
    machine.expect(r"trivet: memory (\d+) MiB")
    assert megabytes - 2 <= int(machine.child.match[1]) <= megabytes
    assert machine.wait_end() == 13


VIRT = "virt,virtualization=on,gic-version=3"


def test_memory_that_is_out_of_reach_is_named(boot):
    """RAM begins at 1 GiB; what tasks can address of it ends 2 MiB below 256 GiB."""
    ram = ["-object", "memory-backend-ram,id=ram,size=300G,reserve=off"]
    machine = boot(arch="aarch64", bundle=False, board=f"{VIRT},memory-backend=ram", memory="300G", arguments=ram)
    machine.expect("trivet: memory 26111[67] MiB")
    machine.expect("trivet: memory: 46082 MiB lie above 262142 MiB, beyond what tasks can address: not used")
    assert machine.wait_end() == 13


@pytest.mark.parametrize("board, by", [(VIRT, "ACPI"), (f"{VIRT},acpi=off", "UEFI and the device tree")],
                         ids=["acpi", "tree"])
@pytest.mark.parametrize("cpu", ["max", "cortex-a57"])
def test_starts_from_uefi(boot, board, by, cpu):
    """QEMU's kernel and initrd go through the firmware, which loads the kernel as an application."""
    machine = boot(arch="aarch64", boot="uefi", board=board, cpu=cpu, cpus=3, bundle=b"no archive")
    machine.expect(rf"trivet: memory \d+ MiB, by {by}\r*\n")
    machine.expect("trivet: 3 CPUs, kernel memory")
    machine.expect("trivet: the bundle is damaged: .* of 10\r*\n")
    assert machine.wait_end() == 13


@pytest.mark.parametrize("words, said", [
    ("bundle=/some/bundle.cpio", "trivet: the bundle is damaged: .* of 5\r*\n"),
    ("bundle=/none.cpio", "cannot boot: bundle= names no file that can be read"),
    ("", "trivet: no bundle"),
], ids=["bundle", "no_such_file", "no_bundle"])
def test_starts_from_the_shell_of_uefi(boot, tmp_path, words, said):
    """The firmware's own shell runs a script, from a volume that has kernel and bundle as files."""
    volume = tmp_path / "volume"
    (volume / "some").mkdir(parents=True)
    (volume / "some" / "bundle.cpio").write_bytes(b"wrong")
    (volume / "trivet.efi").write_bytes(IMAGE.read_bytes())
    (volume / "startup.nsh").write_text(f"fs0:\r\ntrivet.efi {words}\r\n")
    machine = boot(
        arch="aarch64", boot="uefi", bundle=False, kernel=False, board=VIRT,
        arguments=["-drive", f"file=fat:rw:{volume},format=raw,if=none,id=volume",
                   "-device", "virtio-blk-device,drive=volume"],
    )
    machine.expect(said)


@pytest.mark.parametrize("board, words", [
    ("virt,gic-version=3", "the processor is not at EL2"),
    ("virt,virtualization=on,gic-version=2", "the interrupt controller is a GICv2, which is not supported"),
], ids=["no_el2", "gicv2"])
def test_what_a_machine_lacks_is_named(boot, board, words):
    machine = boot(arch="aarch64", bundle=False, board=board)
    machine.expect(f"trivet: cannot boot: .*{words}")


@pytest.mark.parametrize("bundle, words", [
    (b"", "no bundle"),
    (b"no archive at all", "the bundle is damaged"),
], ids=["empty", "no_archive"])
def test_a_wrong_bundle_is_named(boot, bundle, words):
    machine = boot(arch="aarch64", bundle=bundle)
    machine.expect(f"trivet: {words}")
    assert machine.wait_end() == 13


def test_a_fault_in_the_kernel_is_a_panic(stopped):
    """The registers, the calls by name, the code; with three more CPUs to be stopped."""
    machine, stub = stopped("root_task_start")
    stub.set_register(PC, 0x1000)
    stub.send("c")
    machine.expect(PANIC)
    machine.expect("on CPU 0: instruction abort in the kernel, syndrome 0x8[0-9a-f]+, address 0x1000")
    machine.expect(r"x0  [0-9a-f]{16} x1  [0-9a-f]{16}")
    machine.expect(r"sp  [0-9a-f]{16} pc  0000000000001000")
    machine.expect(r"called from:[^$]*[0-9a-f]{16} boot_main\+0x")
    assert machine.wait_end() == 10


def test_a_stack_that_overflows_is_a_panic(stopped):
    """The stack pointer goes into the guard page below: the panic has a stack of its own."""
    machine, stub = stopped("root_task_start")
    top = stub.register(SP) & ~0xFFFF
    stub.set_register(SP, top + 0xC010)
    stub.send("c")
    machine.expect(PANIC)
    machine.expect(r"on CPU 0: stack overflow in the kernel, syndrome 0x[0-9a-f]+, address 0xf0000000b[0-9a-f]+")
    assert machine.wait_end() == 10


def test_saved_linux_goes_on(boot):
    keys = linux(vps=2, cmdline="console=ttyAMA0 quiet")
    goes_on(boot(conf=[("one", keys)], memory="1G", arch="aarch64"))
