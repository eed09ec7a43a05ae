# SPDX-License-Identifier: MIT
"""Runs in emulators whose clock counts instructions, for scripts/bench and scripts/bench-peers.

Each function runs one machine to its end, or for SECONDS, keeps its console in a log, and gives
the console's text. `args` has the folders `build` and `logs`, and the name `arch`.
"""
import os
import re
import select
import subprocess
import time
import tty

import machine

LINE = re.compile(r"^bench: (.+?): (\d+) (\w+)(?: \(limit (\d+)\))?\s*$", re.MULTILINE)
SECONDS = 200


def kept(output, log, limit=None):
    """The console's text, which goes to the log as well. `limit`: the run was stopped by it."""
    if limit is not None:
        output += f"\n(stopped: the time limit of {limit} s has passed)\n".encode()
    log.write_bytes(output)
    return output.decode(errors="replace").replace("\r", "")


def console_of(command, log):
    """The machine's console, from its start to its end."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              timeout=SECONDS)
        return kept(done.stdout, log)
    except subprocess.TimeoutExpired as late:
        return kept(late.stdout or b"", log, SECONDS)


def console_of_trivet(args, work, name, files, memory, cpu=None):
    settings = machine.machine(arch=args.arch, icount=True, memory=memory, cpu=cpu)
    out = args.build / args.arch
    bundle = machine.bundle_bytes({"root.elf": out / "root.stripped.elf", **files})
    image = machine.write_image(
        args.arch, os.path.join(work, f"{name}.iso"), out / f"trivet.{machine.KERNEL_FORM[args.arch]}",
        bundle, f"bench {machine.exit_words(settings)}",
    )
    return console_of(machine.qemu_command(settings, image, work), args.logs / f"bench-{name}.log")


def console_of_bare(args, name, debugexit, *arguments, memory="256M", cpu=None):
    """QEMU without Trivet: `arguments` say what it runs."""
    settings = machine.machine(icount=True, debugexit=debugexit, memory=memory, cpus=1, cpu=cpu)
    command = machine.qemu_command(settings, "", "")
    cut = command.index("-boot")
    command[cut : cut + 4] = arguments
    return console_of(command, args.logs / f"bench-bare-{name}.log")


def console_of_bare_arm(args, work, name, kernel, bundle=None, cmdline="", memory="256M"):
    """QEMU's AArch64 without Trivet, whose processor starts at EL1."""
    settings = machine.machine(arch="aarch64", board="virt,gic-version=3", icount=True, debugexit=None,
                               memory=memory, cpus=1)
    folder = machine.write_folder(os.path.join(work, f"bare-{name}"), kernel, bundle, cmdline)
    return console_of(machine.qemu_command(settings, folder, work), args.logs / f"bench-bare-{name}.log")


def console_of_bochs(settings, iso, work, log, ended, seconds=SECONDS):
    """`ended` tells from the console's bytes that nothing more comes: Bochs would stay."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    command = machine.bochs_command(settings, iso, work, os.ttyname(theirs))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.STDOUT)
    deadline, output, late = time.monotonic() + seconds, b"", False
    while not ended(output) and not late:
        late = time.monotonic() >= deadline
        if select.select([ours], [], [], 0.2)[0]:
            output += os.read(ours, 65536)
        elif process.poll() is not None:
            break
    process.kill()
    process.wait()
    os.close(ours)
    os.close(theirs)
    return kept(output, log, seconds if late else None)


# ---- tests/bench/exits.S ----


def exits_guest(args):
    return args.build / "guest-tests" / "bench" / "exits.elf"


def exits_files(args):
    conf = machine.conf_text([("bench", {
        "vps": 2, "memory": "16M", "kernel": "exits.elf", "devices": "qemu-compat",
        "hyperv": "on",
    })])
    return {"trivet.conf": conf.encode(), "exits.elf": exits_guest(args)}


def exits_on_svm(args, work, cpu=None):
    # 1 GiB in one page must be free.
    return console_of_trivet(args, work, "exits", exits_files(args), "6G", cpu)


def exits_on_vmx(args, work):
    settings = machine.machine(emulator="bochs", cpu=machine.LEGS["vmx"]["bochs"], memory="512M")
    out = args.build / args.arch
    bundle = machine.bundle_bytes({"root.elf": out / "root.stripped.elf", **exits_files(args)})
    iso = machine.write_iso(os.path.join(work, "vmx.iso"), out / "trivet.stripped.elf", bundle,
                            "bench")
    return console_of_bochs(settings, iso, work, args.logs / "bench-exits-vmx.log",
                            lambda output: machine.end_in_log(output) is not None)


# ---- tests/self/bench_*.c ----


def self_bench(args, work, vmx):
    """The self tests that measure, in the kernel, on either backend."""
    if vmx:
        settings = machine.machine(emulator="bochs", cpu=machine.LEGS["vmx"]["bochs"],
                                   memory="512M")
    else:
        settings = machine.machine(arch=args.arch, icount=True, memory="1G")
    form = machine.KERNEL_FORM[args.arch]
    iso = machine.write_image(
        args.arch, os.path.join(work, "self.iso"), args.build / args.arch / f"trivet-selftest.{form}",
        machine.bundle_bytes({}), f"selftest=bench_ debugexit={settings['debugexit']:#x}"
        if args.arch == "x86_64" else f"selftest=bench_ {machine.exit_words(settings)}")
    log = args.logs / f"bench-self{'-vmx' if vmx else ''}.log"
    if vmx:
        return console_of_bochs(settings, iso, work, log,
                                lambda output: machine.end_in_log(output) is not None)
    return console_of(machine.qemu_command(settings, iso, work), log)


def values(console):
    """What was measured, by name."""
    return {name: int(value) for name, value, _, _ in LINE.findall(console)}
