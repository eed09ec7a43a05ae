# SPDX-License-Identifier: MIT
"""The ways to start, and what is said when a start cannot succeed."""
import pathlib
import re

import pytest
from conftest import OUT, linux, small
from machine import LEGS, MACHINE


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_boots_a_guest_from(boot, firmware):
    machine = boot(boot=firmware)
    machine.expect("trivet: console ready")
    machine.wait_prompt()
    assert "x86_64 GNU/Linux" in machine.command("uname -a")
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


# The last ones have little of what can be done without.
CPUS = [
    "max", "EPYC,+svm,+npt", "EPYC-Rome,+svm,+npt", "max,-xsave",
    "max,-x2apic,-tsc-deadline,-smep,-smap,-umip,-pdpe1gb,-invtsc,-rdtscp",
]


@pytest.mark.parametrize("cpu", CPUS)
def test_boots_a_guest_on(boot, cpu):
    machine = boot(cpu=cpu)
    machine.wait_prompt()
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


@pytest.mark.parametrize("cpus", [1, 2, 5])
def test_starts_all_cpus(boot, cpus):
    machine = boot(cpus=cpus)
    machine.expect(rf"trivet: [^\r\n]*\b{cpus} CPUs?\b")
    machine.wait_prompt()
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


@pytest.mark.parametrize("memory", ["512M", "5G"])
def test_boots_with_memory(boot, memory):
    machine = boot(memory=memory)
    machine.wait_prompt()
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


@pytest.mark.bochs
@pytest.mark.parametrize("backend", [leg for leg in LEGS if "bochs" in LEGS[leg]])
def test_boots_a_guest_in_bochs(boot, backend):
    machine = boot(emulator="bochs", cpu=LEGS[backend]["bochs"], cpus=1, memory="512M")
    machine.expect(f"backend {backend}")
    machine.wait_prompt()
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_no_svm_is_named(boot):
    machine = boot(cpu="qemu64,-svm")
    machine.expect("(?i)no virtualization extension")
    assert machine.wait_end() == 13


@pytest.mark.bochs
@pytest.mark.parametrize("cpu, lacks", [
    ("core2_penryn_t9600", ["EPT", "unrestricted guest"]),
    ("corei5_lynnfield_750", ["unrestricted guest"]),
])
def test_what_a_processor_with_vmx_lacks_is_named(boot, cpu, lacks):
    machine = boot(emulator="bochs", cpu=cpu, cpus=1, memory="512M")
    assert machine.wait_end() == 13
    named = re.findall("vmx: this processor lacks (.*)", machine.log)
    assert named == lacks


@pytest.mark.bochs
def test_vmx_that_is_locked_off_is_named(boot, tmp_path):
    # Bochs' BIOS ORs 5 into IA32_FEATURE_CONTROL: locked, with VMX. This one leaves VMX out.
    begin = bytes.fromhex("b93a0000000f3283c8")
    rom = pathlib.Path(MACHINE["rom"]).read_bytes()
    assert rom.count(begin + b"\x05") == 1
    changed = tmp_path / "bios"
    changed.write_bytes(rom.replace(begin + b"\x05", begin + b"\x01"))
    machine = boot(emulator="bochs", cpu=LEGS["vmx"]["bochs"], cpus=1, memory="512M", rom=changed)
    assert machine.wait_end() == 13
    assert "switched off by the firmware" in machine.log


@pytest.mark.bochs
@pytest.mark.parametrize("words, used", [
    ("apicv=off", ""),
    ("apicv=tpr,access", " tpr access"),
    ("apicv=tpr,nonsense", " tpr access x2apic registers"),
    ("apicv=tpr,access,delivery", " tpr access delivery"),
    ("apicv=posted", ""),  # nothing of it without the others
])
def test_apic_virtualization_is_chosen(boot, words, used):
    machine = boot([("zero", small("exit_zero"))], cmdline=words, emulator="bochs",
                   cpu=LEGS["vmx"]["bochs"], cpus=1, memory="512M")
    assert machine.wait_end(timeout=60) == 0
    assert f"vmx: APIC virtualization:{used}\n" in machine.log
    assert ("apicv= is off, or a list of" in machine.log) == ("nonsense" in words)


def test_missing_bundle_is_named(boot):
    machine = boot(bundle=False)
    machine.expect("(?i)no bundle")
    assert machine.wait_end() == 13


def test_bundle_that_is_no_archive_is_named(boot):
    machine = boot(bundle=b"This is no archive. " * 100)
    machine.expect("(?i)bundle")
    assert machine.wait_end() == 13


def test_cut_bundle_is_named(boot):
    from machine import bundle_bytes

    whole = bundle_bytes({"root.elf": OUT / "root.stripped.elf"})
    machine = boot(bundle=whole[: len(whole) // 2])
    machine.expect("(?i)bundle|root.elf")
    assert machine.wait_end() == 13


def test_missing_root_elf_is_named(boot):
    machine = boot(files={"root.elf": None})
    machine.expect("root.elf")
    assert machine.wait_end() == 13


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "32-bit"])
def test_bad_root_elf_is_named(boot, kind):
    good = (OUT / "root.stripped.elf").read_bytes()
    bad = {
        "empty": b"",
        "text": b"#!/bin/sh\necho hello\n" * 50,
        "truncated": good[: len(good) // 3],
        "32-bit": good[:4] + b"\1" + good[5:],
    }[kind]
    machine = boot(files={"root.elf": bad})
    machine.expect("root.elf")
    assert machine.wait_end() == 13


def test_tiny_memory_is_named(boot):
    machine = boot(memory="32M", conf=[("linux", linux(memory="64M"))])
    machine.expect("(?i)memory")
    assert machine.wait_end() == 13


def test_a_guest_larger_than_the_machine_is_named(boot):
    machine = boot(memory="512M", conf=[("linux", linux(memory="4G"))])
    machine.expect("(?i)linux[^\r\n]*memory|memory[^\r\n]*linux")
    assert machine.wait_end() == 13


def test_unknown_words_on_the_command_line_do_no_harm(boot):
    machine = boot(cmdline="quux loglevel= maxcpus=banana kmem=1Q " + "x" * 600)
    machine.wait_prompt()
    machine.send_line("poweroff")
    assert machine.wait_end() == 0
