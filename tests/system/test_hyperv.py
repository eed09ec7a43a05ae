# SPDX-License-Identifier: MIT
"""Linux with the Hyper-V interface: what it finds, what it uses, and how much less it leaves the guest."""
import time

import pytest
from conftest import linux
from test_inspect import values
from test_monitor import Monitor

BAD_WORDS = "dmesg | grep -iE 'BUG:|WARNING:|Oops|stall|unchecked MSR|unstable clocksource'"
IDLE_SECONDS = 10


def exits_of(monitor, vps=1):
    """Exits so far, by kind, of all VPs."""
    sums = {}
    for index in range(vps):
        listing = monitor.command(f"inspect partition/linux/vp/{index}/exits")
        for name, value in values(listing).items():
            if isinstance(value, str):
                sums[name] = sums.get(name, 0) + int(value)
    return sums


def test_exits(boot):
    for mode in ("on", "off"):
        machine = boot(conf=[("linux", linux(hyperv=mode))], cpus=1)
        machine.wait_prompt(timeout=180)
        monitor = Monitor(machine)
        monitor.enter()
        a = exits_of(monitor)
        print(mode, sum(a.values()), a)
        time.sleep(IDLE_SECONDS)
        b = exits_of(monitor)
        print(mode, sum(b.values()) - sum(a.values()), {k: b[k] - a[k] for k in b})
