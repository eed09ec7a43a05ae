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
  for vps in (1, 2):
    for mode in ("on", "off"):
        machine = boot(conf=[("linux", linux(hyperv=mode, vps=vps))], cpus=vps, icount=True)
        machine.wait_prompt(timeout=180)
        monitor = Monitor(machine)
        monitor.enter()
        a = exits_of(monitor, vps)
        print(vps, mode, sum(a.values()), {k:v for k,v in a.items() if v})
        machine.send("\x141")
        machine.expect("console of")
        machine.shell()
        monitor.enter()
        a = exits_of(monitor, vps)
        machine.send("\x141")
        machine.expect("console of")
        machine.shell()
        machine.command("sleep 60")
        monitor.enter()
        b = exits_of(monitor, vps)
        print(vps, mode, sum(b.values()) - sum(a.values()), {k: b[k] - a[k] for k in b if b[k] > a[k]})
