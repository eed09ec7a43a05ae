# SPDX-License-Identifier: MIT
"""scripts/run as a person calls it: a wrong variable is named, and none ends in a trace."""
import os
import subprocess

import pytest
from conftest import BUILD, SMALL_GUESTS, TOP

SMALL = {"KERNEL": str(SMALL_GUESTS / "exit_zero.elf"), "DEVICES": "qemu-compat", "MEM": "16M"}


def run(variables):
    done = subprocess.run(
        [TOP / "scripts" / "run", "--build", BUILD], env={**os.environ, "TIMEOUT": "60", **variables},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, (done.stdout + done.stderr).replace("\r", "")


WRONG = [
    ("VPS", "0"), ("VPS", "many"), ("CPUS", "0"), ("BOOT", "tape"), ("LEG", "none"), ("LEG", "el2"),
    ("EMULATOR", "none"), ("KERNEL", "/nowhere"), ("KERNEL", "/tmp"), ("INITRD", "/nowhere"),
    ("MODULES", "/nowhere"), ("CONF", "/nowhere"), ("ICOUNT", "2"), ("GDB", "yes"),
    ("TIMEOUT", "-1"), ("MEM", "much"), ("DEVICES", "toaster"),
]


@pytest.mark.parametrize("name,value", WRONG)
def test_wrong_variable_is_named(name, value):
    code, output = run({**SMALL, name: value})
    assert code == 13
    assert value in output and "error" in output or f"{name}={value}" in output


@pytest.mark.parametrize("name,value", [("CPU", "none"), ("CPUS", "999"), ("ACCEL", "none")])
def test_emulator_that_does_not_start_is_no_success(name, value):
    code, output = run({**SMALL, name: value})
    assert code == 13
    assert "Trivet was not reached" in output


@pytest.mark.parametrize("variables", [
    {}, {"MODULES": " , "}, {"KCMDLINE": "it's $HOME \\ ; quiet"}, {"CMDLINE": 'name="a b" c'},
])
def test_good_variables_run(variables):
    code, output = run({**SMALL, **variables})
    assert "guest: ends with 0" in output
    assert code == 0
