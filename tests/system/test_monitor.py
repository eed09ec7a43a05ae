# SPDX-License-Identifier: MIT
"""Two Linux guests, the keys that switch between their consoles, and the monitor's commands."""
import re

import pytest
from conftest import PATIENCE, linux, small

PREFIX = "\x14"  # Ctrl-T
MONITOR = "trivet> "


class Monitor:
    def __init__(self, machine):
        self.machine = machine

    def enter(self):
        self.machine.send(PREFIX + "m")
        self.machine.expect(MONITOR)

    def command(self, text, timeout=PATIENCE):
        self.machine.send(text + "\r")
        self.machine.expect(re.escape(text) + "\r*\n")
        self.machine.expect(MONITOR, timeout)
        return self.machine.child.before.decode(errors="replace").replace("\r", "").strip()

    def console(self, number):
        self.machine.send(PREFIX + str(number))
        self.machine.expect("console of")

    def memory_free(self, name):
        rows = self.command("memory")
        match = re.search(rf"^{re.escape(name)}\b.*?(\d+) KiB free", rows, re.MULTILINE)
        assert match, rows
        return int(match[1])


def boot_two(boot):
    machine = boot(conf=[("one", linux()), ("two", linux())], memory="1G")
    machine.wait_prompt(timeout=240)
    return machine


@pytest.fixture
def two(boot_once):
    machine = boot_once(boot_two)
    return machine, Monitor(machine)


# What each leg counts that every Linux does.
EXITS = {"svm": ("port", "cpuid"), "vmx": ("port", "cpuid"), "el2": ("memory", "system_register")}


def test_list_and_stats(two, leg):
    machine, monitor = two
    monitor.enter()
    rows = monitor.command("list")
    assert re.search(r"1 one +running", rows) and re.search(r"2 two +running", rows)
    stats = monitor.command("stats one")
    assert all(re.search(rf"{name} +\d+", stats) for name in EXITS[leg])
    assert 'help" lists' in monitor.command("nonsense")
    assert "no machine" in monitor.command("stop three")
    assert "usage" in monitor.command("stop")


def test_reset_boots_it_again(two):
    machine, monitor = two
    monitor.enter()
    monitor.command("reset one")
    monitor.console(1)
    machine.wait_prompt()
    assert machine.command("echo back").endswith("back")


def test_stop_and_start(two):
    machine, monitor = two
    monitor.enter()
    monitor.command("stop one")
    assert re.search(r"1 one +stopped", monitor.command("list"))
    monitor.command("start one")
    monitor.console(1)
    machine.wait_prompt()


def test_destroying_gives_every_page_back(two):
    """The last of those that share the machine: the second guest is gone at its end."""
    machine, monitor = two
    monitor.enter()
    monitor.command("destroy two")
    before = [monitor.memory_free(name) for name in ("root task", "kernel")]
    for _ in range(2):
        monitor.command("start two")
        monitor.console(2)
        machine.wait_prompt()
        monitor.enter()
        monitor.command("destroy two")
    assert [monitor.memory_free(name) for name in ("root task", "kernel")] == before


def test_two_guests_side_by_side(boot, leg):
    machine = boot_two(boot)
    monitor = Monitor(machine)
    machine.command("hostname first")
    monitor.console(2)
    machine.shell()
    assert machine.command("hostname") == "guest"
    machine.send_line("poweroff")
    machine.expect("two: powered off")
    monitor.console(1)
    machine.shell()
    assert machine.command("hostname") == "first"
    machine.send_line("poweroff")
    assert machine.wait_end() == 0


def test_quit_ends_the_machine(boot, leg):
    machine = boot(conf=[("one", small("idle")), ("two", small("idle"))])
    machine.expect("trivet: console ready")
    Monitor(machine).enter()
    machine.send("quit\r")
    machine.wait_end()
