# SPDX-License-Identifier: MIT
"""A guest that was saved in mid-run on a processor with one backend goes on on one with the other."""
import re

import pytest
from conftest import OUT, machines

# TSCs of one rate: QEMU's counts nanoseconds with icount, Bochs' counts instructions.
RATE = 1_000_000_000
LEGS = {
    "svm": {"icount": True, "cpus": 1},
    "vmx": {"emulator": "bochs", "cpu": machines.LEGS["vmx"]["bochs"], "memory": "512M",
            "cpus": 1, "ips": RATE},
}
CARRIED = re.compile(r"^carry: [0-9a-f ]+$|^carry: end [0-9a-f ]+$", re.MULTILINE)


def run(boot, leg, carried=None):
    """The self tests of carried guests on a machine of that leg, and what it has printed."""
    machine = boot(
        kernel=OUT / "trivet-selftest.stripped.elf", cmdline="selftest=carried_ selftest.carry",
        bundle=machines.bundle_bytes({"carried": carried}) if carried else False, **LEGS[leg],
    )
    counts = machine.expect(r"selftest: (\d+) passed, (\d+) failed, (\d+) skipped", timeout=120)
    assert [int(counts[i]) for i in (1, 2, 3)] == ([2, 0, 0] if carried else [1, 0, 1])
    machine.wait_end()
    log = machine.log
    machine.stop()
    return log


def text_of(log):
    return "".join(f"{line}\n" for line in CARRIED.findall(log)).encode()


@pytest.mark.bochs
def test_carried_from_leg_to_leg_and_back(boot):
    there = run(boot, "vmx", text_of(run(boot, "svm")))
    assert "trivet: carried: from svm to vmx" in there
    back = run(boot, "svm", text_of(there))
    assert "trivet: carried: from vmx to svm" in back
    # Each has shown the other a VP with all components of its XSAVE: what one lacks, it refuses.
    refusals = re.findall(r"carried: features 0x([0-9a-f]+) are not here: (\w+)", there + back)
    lacking = [status for features, status in refusals if int(features, 16)]
    assert lacking and "OK" not in lacking
