# SPDX-License-Identifier: MIT
"""Images and machines: what scripts/run, scripts/test, scripts/measure.py and tests/system share.

A bundle is a newc archive, made from a dictionary of names and contents. An image is what a machine boots:
on x86-64 an ISO with GRUB for BIOS and UEFI, on AArch64 a folder with the kernel, the bundle and the command
line, which QEMU loads by itself. A machine is a dictionary of settings (see MACHINE) that becomes a
command line for QEMU or a configuration for Bochs. Nothing here waits or looks at output.
"""
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent

# How a run ends: the status of scripts/run, and what the kernel writes to the exit device.
END_NOTHING = 13
END_TIME_LIMIT = 124
END_DEBUG_EXIT = 64
END_WORDS = {
    0: "all guests powered off",
    10: "kernel panic",
    11: "a guest crashed",
    12: "the root task faulted",
    END_NOTHING: "nothing to run, or an error in the configuration",
    14: "a self test failed",
    END_TIME_LIMIT: "the time limit has passed",
}
END_LINE = re.compile(rb"^trivet: end: (.*?) \(code (\d+)\)", re.MULTILINE)
READY_LINE = b"trivet: console ready"

OVMF_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"
EFI_AARCH64 = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"

# The backends, and the processor that has each in an emulator; the first emulator is the usual one.
LEGS = {
    "svm": {"qemu": "max", "bochs": "ryzen"},
    "vmx": {"bochs": "corei7_skylake_x"},
    "el2": {"qemu": "max"},
}
LEG_ARCH = {"svm": "x86_64", "vmx": "x86_64", "el2": "aarch64"}
# Where the Linux is that guests run by default, below the build's folder.
GUEST_FOLDER = {"x86_64": "guest", "aarch64": "guest-aarch64"}
# What is loaded, of each kernel.
KERNEL_FORM = {"x86_64": "stripped.elf", "aarch64": "image"}

# For a Linux guest in Bochs. XSAVEC and XSAVES of Bochs 2.7 store the AVX state over the header of the
# area (mended in its commit e54048c16), so that now and then a Linux that uses them finds a bad header
# and clears all vector registers of a process.
BOCHS_LINUX_WORDS = "clearcpuid=xsaves,xsavec"

MACHINE = {
    "arch": "x86_64",
    "emulator": "qemu",
    "cpu": None,  # the emulator's name for it; None: one with SVM
    "board": "virt,virtualization=on,gic-version=3",  # of QEMU's AArch64
    "cpus": 2,
    "memory": "2G",
    "boot": "bios",
    "icount": False,
    "gdb": False,
    "second": None,  # a socket that is to be the other end of the second serial line; QEMU
    "accel": "tcg",
    "debugexit": 0xF4,  # the port of QEMU's exit device, which its AArch64 has not; None: none
    "arguments": (),  # more of QEMU's own
    "rom": "/usr/share/bochs/BIOS-bochs-latest",  # of Bochs
    "ips": 100000000,  # of Bochs: instructions a second, and the rate of the TSC
}


class Problem(Exception):
    """Something that the user can mend: shown as a line, without a trace."""


def end_words(code, log=b""):
    said = END_LINE.findall(log)
    if code == 0 and said:  # guests that powered off, or self tests that passed
        return said[-1][0].decode()
    if code in END_WORDS:
        return END_WORDS[code]
    if code > END_DEBUG_EXIT:
        return f"a guest ended itself with status {code - END_DEBUG_EXIT}"
    return "an end that has no name"


def end_in_log(log):
    """The code of the last end line in the console's bytes, or None."""
    found = END_LINE.findall(log)
    return int(found[-1][1]) if found else None


# ---- the bundle ----


def _newc_entry(inode, name, mode, data):
    name = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    head += b"\0" * (-len(head) % 4)
    return head + data + b"\0" * (-len(data) % 4)


def bundle_bytes(files):
    """A newc archive of {name: bytes or path}."""
    out = []
    for inode, (name, data) in enumerate(files.items(), 1):
        if not isinstance(data, bytes):
            data = pathlib.Path(data).read_bytes()
        out.append(_newc_entry(inode, name, 0o100644, data))
    out.append(_newc_entry(0, "TRAILER!!!", 0, b""))
    return b"".join(out)


def conf_files(text):
    """The names of the files that a trivet.conf asks for."""
    names = []
    for line in text.splitlines():
        match = re.match(r"\s*(kernel|initrd|modules?)\s*=\s*(.*?)\s*$", line)
        if not match:
            continue
        values = match[2].split(",") if match[1].startswith("module") else [match[2]]
        for value in values:
            value = value.strip().strip('"')
            words = value.split() if match[1].startswith("module") else [value]
            if words and words[0]:
                names.append(words[0])
    return names


def conf_text(partitions):
    """A trivet.conf of [(name, {key: value})]."""
    lines = []
    for name, keys in partitions:
        lines.append(f"[partition {name}]")
        for key, value in keys.items():
            if value is None:
                continue
            value = str(value)
            # Quotes within quotes are none; without them they are.
            if key == "cmdline" and '"' not in value:
                value = f'"{value}"'
            lines.append(f"{key} = {value}")
        lines.append("")
    return "\n".join(lines)


def is_linux(path):
    """A bzImage, or an `Image` of arm64."""
    with open(path, "rb") as file:
        head = file.read(0x206)
    return head[0x202:0x206] == b"HdrS" or head[56:60] == b"ARM\x64"


# ---- the image ----

GRUB_CFG = """\
set timeout={timeout}
set default=0
if [ "$grub_platform" = pc ]; then
	if serial --unit=0 --speed=115200; then
		terminal_input console serial
		terminal_output console serial
	fi
fi
menuentry "{title}" {{
	{lines}
}}
"""
# GRUB's UEFI half complains of each kind of partition table that it cannot load.
GRUB_MODULES = (
    "normal multiboot2 serial terminal iso9660 fat test echo part_msdos part_gpt part_acorn "
    "part_amiga part_apple part_bsd part_dfly part_dvh part_plan part_sun part_sunpc"
)


def _write_grub_iso(output, files, title, lines, timeout, modules):
    """An ISO with {name: bytes or path} in /boot, and one entry of GRUB's menu."""
    output = pathlib.Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        boot = pathlib.Path(work, "boot")
        (boot / "grub").mkdir(parents=True)
        for name, data in files.items():
            if isinstance(data, bytes):
                (boot / name).write_bytes(data)
            else:
                shutil.copyfile(data, boot / name)
        (boot / "grub" / "grub.cfg").write_text(
            GRUB_CFG.format(timeout=timeout, title=title, lines="\n\t".join(lines))
        )
        made = subprocess.run(
            ["grub-mkrescue", "--locales=", "--fonts=", "--themes=",
             f"--install-modules={modules}", "-o", str(output), work],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )
        if made.returncode:
            raise Problem(f"grub-mkrescue failed:\n{made.stderr}")
    return output


def _quoted(cmdline):
    """GRUB's shell would take these apart."""
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in cmdline.split())


def write_iso(output, kernel, bundle, cmdline="", timeout=0):
    """An ISO for BIOS and UEFI. `bundle`: bytes, or None for an image without one."""
    files = {"trivet.elf": kernel}
    lines = [f"multiboot2 /boot/trivet.elf {_quoted(cmdline)}"]
    if bundle is not None:
        files["bundle.cpio"] = bundle
        lines.append("module2 /boot/bundle.cpio bundle")
    return _write_grub_iso(output, files, "Trivet", lines, timeout, GRUB_MODULES)


def write_linux_iso(output, kernel, initrd, cmdline):
    """An ISO that boots Linux without Trivet."""
    return _write_grub_iso(
        output, {"vmlinuz": kernel, "initramfs": initrd}, "Linux",
        [f"linux /boot/vmlinuz {_quoted(cmdline)}", "initrd /boot/initramfs"],
        0, f"{GRUB_MODULES} linux",
    )


# ---- what AArch64 boots ----


def write_folder(output, kernel, bundle, cmdline=""):
    """A folder with what QEMU's own loader takes. `bundle`: bytes, or None for an image without one.
    `kernel`: False for an empty folder."""
    output = pathlib.Path(output)
    output.mkdir(parents=True, exist_ok=True)
    if kernel is False:
        return output
    shutil.copyfile(kernel, output / "kernel")
    (output / "cmdline").write_text(cmdline)
    if bundle is not None:
        (output / "bundle").write_bytes(bundle)
    return output


def write_image(arch, output, kernel, bundle, cmdline="", timeout=0):
    if arch == "aarch64":
        return write_folder(output, kernel, bundle, cmdline)
    return write_iso(output, kernel, bundle, cmdline, timeout)


# ---- the machine ----


def machine(**settings):
    unknown = set(settings) - set(MACHINE)
    if unknown:
        raise Problem(f"no such machine setting: {', '.join(sorted(unknown))}")
    return {**MACHINE, **settings}


def one_processor():
    """Holds a command to one of our processors. In QEMU's TCG an XRSTOR of any virtual CPU changes
    flags of the first one without a lock (cpu_clear_ignne()), among them those that tell a guest's
    world from the host's: with threads side by side, guests die of it now and then."""
    return ["taskset", "-c", str(random.choice(sorted(os.sched_getaffinity(0))))]


def has_exit_device(settings):
    """Semihosting could be one on AArch64, but QEMU lets any EL1 in: a guest could end the machine by
    it, and use the files of whoever runs it. The console tells the code in any case."""
    return (settings["emulator"] == "qemu" and settings["arch"] == "x86_64"
            and settings["debugexit"] is not None)


def exit_words(settings):
    """The words of the kernel's command line by which the emulator's exit status is the machine's."""
    if not has_exit_device(settings):
        return ""
    return f"debugexit={settings['debugexit']:#x}"


def exit_status(settings, code):
    """The emulator's exit status for a code."""
    return code << 1 | 1 if has_exit_device(settings) else 0


def exit_code(settings, status):
    """The code that the emulator's exit status tells; None: none."""
    if not has_exit_device(settings):
        return None
    # (1 is also how QEMU ends that does not like its arguments.)
    return status >> 1 if status is not None and status > 1 and status & 1 else None


def qemu_command(settings, image, work, terminal=False, log=None):
    """QEMU's arguments: the serial line is standard input and output; with `terminal` its
    monitor as well (Ctrl-A). `log`: a file that gets a copy of the serial line."""
    chardev = "stdio,id=console,signal=off" + (",mux=on" if terminal else "")
    if log:
        chardev += f",logfile={log}"
    if settings["arch"] == "aarch64":
        command = _qemu_aarch64(settings, image)
    else:
        command = _qemu_x86_64(settings, image, work)
    command += [
        "-smp", str(settings["cpus"]), "-m", str(settings["memory"]), "-display", "none",
        "-no-reboot", "-chardev", chardev, "-serial", "chardev:console",
    ]
    if terminal:
        command += ["-mon", "chardev=console"]
    if settings["second"]:
        command += _second_line(settings)
    if settings["icount"]:
        # One tick an instruction; and nothing random, no time of day from outside.
        command += ["-icount", "shift=0,sleep=off", "-seed", "1"]
        command += ["-rtc", "base=2026-01-01T00:00:00,clock=vm"]
    if settings["gdb"]:
        command += ["-s", "-S"]
    return command + [str(argument) for argument in settings["arguments"]]


def _second_line(settings):
    """COM2; `virt` has no other line than the console, so there it is a card's."""
    path = str(settings["second"]).replace(",", ",,")
    line = ["-chardev", f"socket,id=second,path={path},server=on,wait=off"]
    if settings["arch"] == "aarch64":
        return line + ["-device", "pci-serial,chardev=second"]
    return line + ["-serial", "chardev:second"]


def _qemu_aarch64(settings, folder):
    if settings["accel"] != "tcg":
        raise Problem("on aarch64 there is no ACCEL=kvm")
    if settings["boot"] not in ("bios", "uefi"):
        raise Problem(f"BOOT={settings['boot']}: bios, which is QEMU's own loader, or uefi")
    command = [
        "qemu-system-aarch64", "-nodefaults", "-no-user-config",
        "-M", settings["board"], "-cpu", settings["cpu"] or "max",
    ]
    for option, name in ("-kernel", "kernel"), ("-initrd", "bundle"):
        if pathlib.Path(folder, name).exists():
            command += [option, f"{folder}/{name}"]
    if pathlib.Path(folder, "cmdline").exists():
        command += ["-append", pathlib.Path(folder, "cmdline").read_text()]
    if settings["boot"] == "uefi":
        command += ["-bios", EFI_AARCH64]
    return command


def _qemu_x86_64(settings, iso, work):
    kvm = settings["accel"] == "kvm"
    command = [] if kvm or settings["cpus"] == 1 else one_processor()
    command += [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-M", "q35",
        "-accel", settings["accel"], "-cpu", settings["cpu"] or ("host" if kvm else "max"),
        "-boot", "d", "-cdrom", str(iso),
    ]
    if has_exit_device(settings):
        command += ["-device", f"isa-debug-exit,iobase={settings['debugexit']:#x},iosize=0x04"]
    if settings["boot"] == "uefi":
        variables = pathlib.Path(work, "ovmf-vars.fd")
        shutil.copyfile(OVMF_VARS, variables)
        command += [
            "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={OVMF_CODE}",
            "-drive", f"if=pflash,unit=1,format=raw,file={variables}",
        ]
    elif settings["boot"] != "bios":
        raise Problem(f"BOOT={settings['boot']}: bios or uefi")
    return command


BOCHSRC = """\
config_interface: textconfig
display_library: {display}
cpu: model={cpu}, count={cpus}, ips={ips}, reset_on_triple_fault=0
megs: {megs}
romimage: file={rom}
vgaromimage: file=/usr/share/vgabios/vgabios.bin
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
clock: sync=none, time0=1
com1: enabled=1, mode=term, dev={serial}
log: {log}
logprefix: %t%e%d
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
speaker: enabled=0
sound: driver=dummy
"""


def megabytes(size):
    match = re.fullmatch(r"(\d+)([KMG]?)", str(size).upper())
    if not match:
        raise Problem(f"{size}: a size is a number with K, M or G; M without")
    return int(match[1]) * {"": 1024, "K": 1, "M": 1024, "G": 1024 * 1024}[match[2]] // 1024


def bochs_command(settings, iso, work, serial):
    """Bochs' arguments: the serial line is the terminal device `serial`."""
    if settings["boot"] != "bios" or settings["gdb"] or settings["second"]:
        raise Problem("EMULATOR=bochs has none of BOOT=uefi, GDB=1, GDBSOCKET=")
    config, script = pathlib.Path(work, "bochsrc"), pathlib.Path(work, "bochs.cmd")
    config.write_text(
        BOCHSRC.format(
            display='rfb, options="timeout=0"', cpu=settings["cpu"] or "ryzen",
            cpus=settings["cpus"], ips=settings["ips"], megs=megabytes(settings["memory"]),
            iso=iso, rom=settings["rom"], serial=serial, log=pathlib.Path(work, "bochs.log"),
        )
    )
    # Debian's Bochs is built with its debugger, which waits for this word.
    script.write_text("c\n")
    return ["bochs", "-q", "-f", str(config), "-rc", str(script)]


def bochs_complaints(work, count=5):
    """The last lines that Bochs logged as errors, and why it stopped if it did."""
    try:
        lines = pathlib.Path(work, "bochs.log").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [line for line in lines if re.match(r"\d+[ep]\[|.*(PANIC|FATAL|>>)", line)][-count:]
