# SPDX-License-Identifier: MIT
"""Errors in trivet.conf and in the files that it names: each names its cause, none is a panic."""
import pytest
from conftest import GUEST, linux
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


@pytest.mark.parametrize("error", ERRORS)
def test_error_is_named(boot, error):
    conf, words = ERRORS[error]
    machine = boot(conf=conf)
    machine.expect(words)
    assert machine.wait_end() == 13


def test_missing_conf_is_named(boot):
    machine = boot(files={"trivet.conf": None})
    machine.expect(r"trivet\.conf")
    assert machine.wait_end() == 13


@pytest.mark.parametrize("file", ["vmlinuz", "initramfs"])
def test_missing_file_is_named(boot, file):
    machine = boot(files={file: None})
    machine.expect(rf"linux[^\r\n]*{file}|{file}[^\r\n]*linux")
    assert machine.wait_end() == 13


def test_truncated_kernel_is_named(boot):
    kernel = (GUEST / "vmlinuz").read_bytes()
    machine = boot(files={"vmlinuz": kernel[:20000]})
    machine.expect(r"vmlinuz")
    assert machine.wait_end() == 13


def test_kernel_that_is_none_is_named(boot):
    machine = boot(files={"vmlinuz": b"no kernel at all " * 1000})
    machine.expect(r"vmlinuz")
    assert machine.wait_end() == 13


@pytest.mark.parametrize("memory", ["1M", "64M"])
def test_guest_memory_that_the_kernel_does_not_fit_in_is_named(boot, memory):
    machine = boot(conf=[("linux", linux(memory=memory))])
    machine.expect("no room for the kernel")
    assert machine.wait_end() == 13
