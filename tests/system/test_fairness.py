# SPDX-License-Identifier: MIT
"""A guest that keeps its machine's threads busy takes no more than a share of the CPU that others use."""
import re
import time

import pytest
from conftest import linux, small
from test_monitor import Monitor

LOOP = "i=0; while [ $i -lt {} ]; do i=$((i+1)); done; echo $i"
# Half of a CPU is the share of one of two, a third that of one of three.
SLOWER_AT_MOST = 8


def seconds(machine, count):
    began = time.monotonic()
    # Warnings about the other guest may come before it.
    assert machine.command(LOOP.format(count), timeout=240).endswith(str(count))
    return time.monotonic() - began


@pytest.mark.long_in_bochs
def test_messages_without_a_pause(boot, leg):
    """The thread that serves them is on the other guest's CPU, the VP that sends them is not."""
    count = 40000 if leg == "svm" else 4000
    machine = boot(conf=[
        ("posts", small("posts", hyperv="on", cpus="0", autostart="off")),
        ("linux", linux(cpus="0")),
    ], cpus=2)
    machine.wait_prompt(timeout=400)
    alone = seconds(machine, count)
    monitor = Monitor(machine)
    monitor.enter()
    machine.send("start posts\r")
    machine.expect("posts: running")
    assert "on CPU 1" in monitor.command("move posts 0 1", timeout=240)
    monitor.console(2)
    machine.shell()
    beside = seconds(machine, count)
    assert machine.command("sleep 1; echo slept", timeout=240).endswith("slept")
    assert beside < SLOWER_AT_MOST * alone + 5
    monitor.enter()
    sent = re.search(r"hypercall +(\d+)", monitor.command("stats posts"))
    assert sent and int(sent[1]) > count // 4
    # It has been heard all the time: what it says makes no sense.
    assert "VMBus: the guest sends a message that is none" in machine.log
    assert "posts: stopped" in monitor.command("stop posts now", timeout=240)
