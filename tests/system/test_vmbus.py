# SPDX-License-Identifier: MIT
"""Linux's own drivers on the VMBus: what they say of it, and what the monitor does by it."""
import re
import time

import pytest
from conftest import BUILD, in_qemu, machines
from test_monitor import Monitor

HEARTBEAT = "fd149e91-82e0-4a7d-afa6-2a4166cbd7c0"
SHUTDOWN = "b6650ff7-33bc-4840-8048-e0676786f393"
TIMESYNC = "2dd1ce17-079e-403c-b352-a1921ee207ee"
KVP = "242ff919-07db-4180-9c2e-b86cb68c8c55"
SERVICES = (HEARTBEAT, SHUTDOWN, TIMESYNC, KVP)
CONF = """[system]
on_exit = monitor

[partition linux]
vps     = 2
memory  = 256M
kernel  = vmlinuz
initrd  = initramfs
cmdline = "console=ttyS0 quiet"
hyperv  = on
"""


# What Linux says of the interface, the row of its interrupts, and the C library's places.
KNOWN = {"x86_64": "Hypervisor detected: Microsoft Hyper-V", "aarch64": "Hyper-V: privilege flags low 0x"}
ROW = {"x86_64": "HYP", "aarch64": "VMbus"}
LOADER = {"x86_64": "/lib64/ld-linux-x86-64.so.2", "aarch64": "/lib/ld-linux-aarch64.so.1"}


legs = pytest.mark.parametrize("leg", ["svm", "vmx", "el2"], indirect=True)


def arch_of(leg):
    return "aarch64" if leg == "el2" else "x86_64"


def start(boot, conf=CONF, leg="svm", **settings):
    arch = arch_of(leg)
    folder = BUILD / machines.GUEST_FOLDER[arch] / "hyperv"
    if arch == "aarch64":
        conf = conf.replace("ttyS0", "ttyAMA0")
        settings["arch"] = arch
    files = {name: folder / name for name in ("vmlinuz", "initramfs")}
    machine = boot(conf=conf, files=files, **settings)
    machine.wait_prompt(timeout=240)
    return machine


def load_drivers(machine):
    machine.command("insmod /extra/hv_vmbus.ko && insmod /extra/hv_utils.ko", timeout=180)
    machine.command("until dmesg | grep -q 'TimeSync IC version'; do sleep 0.2; done", timeout=180)


def shuts_down(machine, monitor):
    """The monitor asks, and hears of it later."""
    assert "linux: asked to shut down" in monitor.command("stop linux")
    machine.expect("linux: powered off", timeout=180)
    machine.send("\r")
    machine.expect("trivet> ")


def value(monitor, name):
    """A value of the guest's VMBus in the inspect tree."""
    return monitor.command(f"inspect guest/linux/vmbus/{name}").split()[-1]


@pytest.mark.long_on_el2
@legs
@pytest.mark.long_in_bochs
def test_linux_connects_and_its_services_work(boot, leg):
    """The newest version, four devices bound to hv_utils, and each of the services does what it is for."""
    words = {"cpus": 1} if leg == "vmx" else {}
    conf = CONF.replace("quiet", "quiet no_timer_check") if leg == "vmx" else CONF
    arch = arch_of(leg)
    machine = start(boot, conf, leg, **words)
    monitor = Monitor(machine)

    # A clock that is wrong, for the service to set.
    machine.command("date -s 2001-02-03 && test $(date +%Y) = 2001")
    load_drivers(machine)
    log = machine.command("dmesg")
    assert KNOWN[arch] in log
    assert "hv_vmbus: Vmbus version:5.3" in log
    for line in ("Heartbeat IC version 3.0", "Shutdown IC version 3.2", "TimeSync IC version 4.0"):
        assert f"hv_utils: {line}" in log
    devices = machine.command("ls /sys/bus/vmbus/devices").split()
    assert sorted(devices) == sorted(SERVICES)
    bound = machine.command("ls /sys/bus/vmbus/drivers/hv_utils")
    assert all(service in bound for service in SERVICES)
    interrupts = machine.command(f"grep {ROW[arch]} /proc/interrupts")
    assert int(interrupts.split()[1]) > 0

    # The clock was set, and there is one to ask.
    machine.command("until test $(date +%Y) -gt 2020; do sleep 0.2; done")
    assert machine.command("cat /sys/class/ptp/ptp0/clock_name") == "hyperv"

    monitor.enter()
    assert value(monitor, "version") == "0x50003"
    assert value(monitor, "heartbeat") == value(monitor, "shutdown") == "ready"
    assert value(monitor, "kvp") == "negotiating"
    beats = int(value(monitor, "beats"))
    assert "does not run" in monitor.command("kvp linux")
    time.sleep(7)
    assert int(value(monitor, "beats")) >= beats + 2
    # All of one moment: time may fly.
    rows = monitor.command("inspect guest/linux/vmbus/channel/heartbeat")
    channel = dict(row.split() for row in rows.splitlines())
    assert channel["state"] == "open"
    assert int(channel["sent"]) - int(channel["received"]) in (0, 1)
    assert channel["incoming_in"] == channel["incoming_out"]
    assert int(value(monitor, "times_told")) >= 1
    monitor.console(1)
    machine.shell()

    key_value_exchange(machine, monitor, arch)

    monitor.enter()
    shuts_down(machine, monitor)
    assert re.search(r"1 linux +powered off", monitor.command("list"))
    monitor.command("start linux")
    monitor.console(1)
    machine.wait_prompt(timeout=240)


def key_value_exchange(machine, monitor, arch):
    """Debian's own service in the guest; all pools, at the monitor."""
    # Where it keeps what it was told, and the loader that it wants.
    machine.command(f"mkdir -p /var/lib /lib64 /lib/{arch}-linux-gnu /etc")
    machine.command(f"ln -s /extra/{LOADER[arch].split('/')[-1]} {LOADER[arch]}")
    machine.command(f"ln -s /extra/libc.so.6 /lib/{arch}-linux-gnu/")
    machine.command("mdev -s; ls /dev/vmbus/hv_kvp && /extra/hv_kvp_daemon")
    machine.command("until dmesg | grep -q 'KVP IC version'; do sleep 0.2; done", timeout=180)
    assert "hv_utils: KVP IC version 4.0" in machine.command("dmesg")
    monitor.enter()
    told = monitor.command("kvp linux")
    assert re.search(r"OSName = \S", told) and re.search(r"OSBuildNumber = 6\.", told)
    assert f"ProcessorArchitecture = {arch}" in told
    assert "done" in monitor.command("kvp linux set external color blue")
    assert "color = blue" in monitor.command("kvp linux get external color")
    assert "color = blue" in monitor.command("kvp linux list external")
    assert "done" in monitor.command("kvp linux delete external color")
    assert "no such key" in monitor.command("kvp linux get external color")
    assert "no such key" in monitor.command("kvp linux delete external color")
    monitor.command("kvp linux set external shape round")
    monitor.console(1)
    machine.shell()
    assert "shape" in machine.command("tr '\\0' '\\n' < /var/lib/hyperv/.kvp_pool_0 | grep .")


def test_the_oldest_version_and_a_driver_that_comes_and_goes(boot):
    """Channels are closed and opened again; the messages of version 4.0 come by the old connection."""
    machine = start(boot)
    machine.command("insmod /extra/hv_vmbus.ko max_version=0x40000 && insmod /extra/hv_utils.ko")
    assert "Vmbus version:4.0" in machine.command("dmesg")
    machine.command("until dmesg | grep -q 'TimeSync IC version'; do sleep 0.2; done")
    for _ in range(3):
        machine.command("rmmod hv_utils && dmesg -c > /dev/null; insmod /extra/hv_utils.ko")
        machine.command("until dmesg | grep -q 'TimeSync IC version'; do sleep 0.2; done")
    monitor = Monitor(machine)
    monitor.enter()
    assert value(monitor, "version") == "0x40000"
    assert value(monitor, "gpadls") == "4"
    monitor.console(1)
    machine.shell()
    machine.command("rmmod hv_utils")
    monitor.enter()
    assert value(monitor, "gpadls") == "0"
    assert value(monitor, "channel/shutdown/state") == "closed"
    # Nobody to ask: the guest is switched off.
    assert "linux: stopped" in monitor.command("stop linux")
    assert "VMBus: the guest" not in machine.log


@pytest.mark.long_on_el2
@in_qemu
def test_a_guest_that_panics_unloads_and_connects_again(boot, leg):
    """The driver waits for the answer to its last message, with interrupts off."""
    machine = start(boot, CONF.replace("quiet", "quiet panic=1"), leg)
    load_drivers(machine)
    machine.send_line("echo c > /proc/sysrq-trigger")
    machine.wait_prompt(timeout=240)
    assert "sysrq: Trigger a crash" in machine.log
    assert "UNLOAD did not complete" not in machine.log
    assert "Waiting for VMBus UNLOAD" not in machine.log
    load_drivers(machine)
    assert "Vmbus version:5.3" in machine.command("dmesg")
    assert "VMBus: the guest" not in machine.log


@pytest.mark.long_on_el2
@in_qemu
def test_a_saved_guest_keeps_its_bus(boot, leg):
    """The services go on, and the clock is set by what has passed meanwhile."""
    machine = start(boot, leg=leg, memory="1G")
    load_drivers(machine)
    said = int(machine.command("dmesg | wc -l"))
    before = int(machine.command("date +%s"))
    monitor = Monitor(machine)
    monitor.enter()
    monitor.command("save linux")
    time.sleep(8)
    assert "linux: running" in monitor.command("restore linux")
    beats = int(value(monitor, "beats"))
    time.sleep(6)
    assert int(value(monitor, "beats")) > beats
    assert value(monitor, "shutdown") == "ready"
    monitor.console(1)
    machine.shell()
    assert int(machine.command("date +%s")) >= before + 12
    assert machine.command(f"dmesg | tail -n +{said + 1}") == ""
    monitor.enter()
    shuts_down(machine, monitor)


def poweroff_is(machine, command):
    """What the guest's kernel starts to power off does this instead."""
    machine.command(f"printf '#!/bin/sh\\n{command}\\n' > /other; chmod +x /other")
    machine.command("ln -sf /other /sbin/poweroff")


def test_a_guest_that_agrees_to_shut_down_and_stays(boot):
    """The monitor does not wait for it, and says what can be done."""
    machine = start(boot)
    load_drivers(machine)
    poweroff_is(machine, "exit 0")
    monitor = Monitor(machine)
    monitor.enter()
    began = time.monotonic()
    told = monitor.command("stop linux")
    assert "linux: asked to shut down" in told
    # It comes between what is typed.
    if "linux: shuts down" not in told:
        machine.expect("linux: shuts down")
        machine.send("\r")
        machine.expect("trivet> ")
    assert re.search(r"1 linux +running", monitor.command("list"))
    assert "has not done it yet" in monitor.command("stop linux")
    assert time.monotonic() - began < 30
    machine.expect('linux: was asked to shut down and still runs; "stop linux now"', timeout=120)
    assert "linux: stopped" in monitor.command("stop linux now")


def test_a_guest_that_restarts_instead_of_shutting_down(boot):
    machine = start(boot)
    load_drivers(machine)
    poweroff_is(machine, "reboot -f")
    monitor = Monitor(machine)
    monitor.enter()
    assert "linux: asked to shut down" in monitor.command("stop linux")
    machine.expect("linux: has restarted instead of shutting down", timeout=120)
    assert "linux: stopped" in monitor.command("stop linux now")


@pytest.mark.long_on_el2
@in_qemu
def test_a_guest_without_the_interface_has_no_bus(boot, leg):
    machine = start(boot, CONF.replace("hyperv  = on", "hyperv  = off"), leg)
    assert "Hyper-V" not in machine.command("dmesg")
    machine.send_line("insmod /extra/hv_vmbus.ko; echo status $?")
    machine.expect(r"status 1")
    machine.command("ls /sys/bus/acpi/devices | grep -ci vmbus")
    monitor = Monitor(machine)
    monitor.enter()
    assert 'no "vmbus"' in monitor.command("inspect guest/linux/vmbus")
    assert "does not run" in monitor.command("kvp linux")
    assert "linux: stopped" in monitor.command("stop linux")


@pytest.mark.long_on_el2
@in_qemu
def test_a_guest_that_was_reset_connects_again(boot, leg):
    machine = start(boot, leg=leg)
    load_drivers(machine)
    monitor = Monitor(machine)
    monitor.enter()
    assert "linux: reset" in monitor.command("reset linux")
    assert value(monitor, "version") == "0x0"
    monitor.console(1)
    machine.wait_prompt(timeout=240)
    load_drivers(machine)
    assert "Vmbus version:5.3" in machine.command("dmesg")
    machine.send_line("reboot")
    machine.wait_prompt(timeout=240)
    load_drivers(machine)
    assert "Vmbus version:5.3" in machine.command("dmesg")
