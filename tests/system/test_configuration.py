# SPDX-License-Identifier: MIT
"""Errors in trivet.conf and in the files that it names: each names its cause, none is a panic."""
import pytest
from conftest import guest_of, in_qemu, linux
from machine import conf_text

GOOD = conf_text([("linux", linux())])


ERRORS = {
    "unknown key": (GOOD + "colour = red\n", r"trivet\.conf:\d+: [^\r\n]*colour"),
    "unknown section": (GOOD + "[partitoin x]\n", r"trivet\.conf:\d+: [^\r\n]*partitoin"),
    "bad number": (GOOD + "priority = many\n", r"trivet\.conf:\d+: [^\r\n]*many"),
    "partition twice": (GOOD + GOOD, r"trivet\.conf:\d+: [^\r\n]*linux"),
    "no kernel": ("[partition x]\nvps = 1\n", r"trivet\.conf:\d+: [^\r\n]*kernel"),
    "no partition": ("# nothing\n", r"trivet\.conf"),
    "no text": ("\x01\xff\x02", r"trivet\.conf"),
}


@in_qemu
@pytest.mark.parametrize("error", ERRORS)
def test_error_is_named(boot, leg, error):
    conf, words = ERRORS[error]
    machine = boot(conf=conf)
    machine.expect(words)
    assert machine.wait_end() == 13


@in_qemu
def test_missing_conf_is_named(boot, leg):
    machine = boot(files={"trivet.conf": None})
    machine.expect(r"trivet\.conf")
    assert machine.wait_end() == 13


@in_qemu
@pytest.mark.parametrize("file", ["vmlinuz", "initramfs"])
def test_missing_file_is_named(boot, leg, file):
    machine = boot(files={file: None})
    machine.expect(rf"linux[^\r\n]*{file}|{file}[^\r\n]*linux")
    assert machine.wait_end() == 13


@in_qemu
def test_truncated_kernel_is_named(boot, leg):
    kernel = (guest_of(leg) / "vmlinuz").read_bytes()
    machine = boot(files={"vmlinuz": kernel[:20000]})
    machine.expect(r"vmlinuz")
    assert machine.wait_end() == 13


@in_qemu
def test_kernel_that_is_none_is_named(boot, leg):
    machine = boot(files={"vmlinuz": b"no kernel at all " * 1000})
    machine.expect(r"vmlinuz")
    assert machine.wait_end() == 13


# (An arm64 kernel asks for no more than its own size.)
TOO_SMALL = {"svm": ["1M", "64M"], "el2": ["16M", "24M"]}


@in_qemu
@pytest.mark.parametrize("which", [0, 1])
def test_guest_memory_that_the_kernel_does_not_fit_in_is_named(boot, leg, which):
    memory = TOO_SMALL[leg][which]
    machine = boot(conf=[("linux", linux(memory=memory))])
    machine.expect("no (room|usable RAM) for the kernel")
    assert machine.wait_end() == 13
