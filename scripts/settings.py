# SPDX-License-Identifier: MIT
"""From the variables of `make run` (see `make help`) to an image and a machine."""
import os
import pathlib
import re

import machine
from machine import Problem

LINUX_CMDLINE = {"x86_64": "console=ttyS0 quiet", "aarch64": "console=ttyAMA0 quiet"}


def variable(name, default=""):
    return os.environ.get(name, "").strip() or default


def switch(name):
    value = variable(name, "0")
    if value not in ("0", "1"):
        raise Problem(f"{name}={value}: 0 or 1")
    return value == "1"


def number(name, default):
    value = variable(name, default)
    if value and not (str(value).isdigit() and int(value) > 0):
        raise Problem(f"{name}={value}: a number above 0")
    return int(value) if value else None


def readable(name, path):
    if not os.path.isfile(path):
        raise Problem(f"{name}={path}: no such file")
    return path


def built(path):
    if not path.is_file():
        raise Problem(f"{path} has not been built: run make first")
    return path


def chosen_leg(arch):
    legs = [leg for leg, of in machine.LEG_ARCH.items() if of == arch]
    leg = variable("LEG", legs[0] if legs else "none")
    if leg not in legs:
        raise Problem(f"LEG={leg} on {arch}: there are {', '.join(legs) or 'none'}")
    return leg


def own_configuration(path):
    """The trivet.conf of CONF= with the files that it names."""
    path = pathlib.Path(readable("CONF", path))
    text = path.read_text()
    files = {"trivet.conf": text.encode()}
    for name in machine.conf_files(text):
        file = path.parent / name
        # One that is missing is for the root task to complain of.
        if file.is_file():
            files[name] = file
    return files


def linux_cmdline(arch, emulator):
    words = LINUX_CMDLINE[arch]
    return f"{words} {machine.BOCHS_LINUX_WORDS}" if emulator == "bochs" else words


def one_guest(build, arch, emulator):
    """A configuration of one partition, from KERNEL=, INITRD=, CMDLINE=, VPS=, MEM=, HYPERV=."""
    guest = build / machine.GUEST_FOLDER[arch]
    kernel = readable("KERNEL", variable("KERNEL", str(guest / "vmlinuz")))
    linux = machine.is_linux(kernel)
    hyperv = variable("HYPERV") or None
    # With Linux's drivers for VMBus, where there is one.
    folder = guest / "hyperv" if hyperv == "on" else guest
    initrd = variable("INITRD", str(folder / "initramfs") if linux else "none")
    modules = [words for m in variable("MODULES").split(",") if (words := m.split())]
    files = {os.path.basename(kernel): kernel}
    if initrd != "none":
        files[os.path.basename(readable("INITRD", initrd))] = initrd
    for file, *_ in modules:
        files[os.path.basename(file)] = readable("MODULES", file)
    keys = {
        "vps": number("VPS", 1),
        "memory": variable("MEM", "256M"),
        "kernel": os.path.basename(kernel),
        "initrd": None if initrd == "none" else os.path.basename(initrd),
        "cmdline": variable("CMDLINE", linux_cmdline(arch, emulator) if linux else "") or None,
        "devices": variable("DEVICES") or None,
        "hyperv": hyperv,
    }
    if modules:
        keys["modules"] = ", ".join(
            " ".join([os.path.basename(file), *arguments]) for file, *arguments in modules
        )
    name = "linux" if linux else "guest"
    text = machine.conf_text([(name, keys)])
    if variable("GDBSOCKET"):
        text = f"[system]\ngdb = {name}\n\n{text}"
    return {"trivet.conf": text.encode(), **files}


def guest_is_default():
    """Whether the guest is the one whose console announces its prompt."""
    return not any(variable(name) for name in ("KERNEL", "INITRD", "CONF", "CMDLINE"))


def bundle(build, arch, emulator):
    """The bundle that the variables ask for; None for CONF=none, which the self tests use."""
    conf = variable("CONF")
    if conf == "none":
        return None
    files = own_configuration(conf) if conf else one_guest(build, arch, emulator)
    return machine.bundle_bytes({"root.elf": built(build / arch / "root.stripped.elf"), **files})


def image(build, arch, output, cmdline, timeout=0, emulator=None):
    """emulator: the one that it is for, if there is one."""
    chosen_leg(arch)
    words = f"{cmdline} {variable('KCMDLINE')}".strip()
    # The self tests are linked into an image of their own.
    tests = any(re.match("selftest(=|$)", word) for word in words.split())
    name = f"trivet{'-selftest' if tests else ''}.{machine.KERNEL_FORM[arch]}"
    kernel = built(build / arch / name)
    return machine.write_image(arch, output, kernel, bundle(build, arch, emulator), words, timeout)


def emulated_machine(arch):
    leg, accel = chosen_leg(arch), variable("ACCEL", "tcg")
    processors = machine.LEGS[leg]
    # With KVM the leg is the one that the host's processor stands on.
    emulator = variable("EMULATOR", "qemu" if accel == "kvm" else next(iter(processors)))
    if emulator not in ("qemu", "bochs"):
        raise Problem(f"EMULATOR={emulator}: qemu or bochs")
    cpu = variable("CPU") or ("host" if accel == "kvm" else processors.get(emulator))
    if not cpu:
        raise Problem(f"EMULATOR={emulator}: LEG={leg} needs {' or '.join(processors)}, or ACCEL=kvm")
    return machine.machine(
        arch=arch,
        emulator=emulator,
        cpu=cpu,
        cpus=number("CPUS", 2),
        memory=variable("HOSTMEM", "2G"),
        boot=variable("BOOT", "bios"),
        icount=switch("ICOUNT"),
        gdb=switch("GDB"),
        second=variable("GDBSOCKET") or None,
        accel=accel,
    )
