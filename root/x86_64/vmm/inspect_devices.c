/* SPDX-License-Identifier: MIT */
/* The device models' registers, as they keep them: what is computed at an access is not here. */
#include <vmm/inspect.h>

#define DEVICE INSPECT_DEVICE
#define DEVICES(names, kind, member, count, stride) \
	INSPECT_VALUES(names, kind, struct inspect_context, devices.member, count, stride)
#define HEX	  INSPECT_HEX
#define YES_NO	  INSPECT_BOOLEAN
#define DIRECTORY INSPECT_DEVICE_DIRECTORY

static const struct inspect_row com1_rows[] = {
	DEVICE("ier", HEX, com1.ier),
	DEVICE("fcr", HEX, com1.fcr),
	DEVICE("lcr", HEX, com1.lcr),
	DEVICE("mcr", HEX, com1.mcr),
	DEVICE("msr", HEX, com1.msr),
	DEVICE("scr", HEX, com1.scr),
	DEVICE("divisor", INSPECT_UNSIGNED, com1.divisor),
	DEVICE("receive_fifo", INSPECT_UNSIGNED, com1.fifo_count),
	DEVICE("sending", YES_NO, com1.sending),
	DEVICE("irq", YES_NO, com1.irq),
};
DIRECTORY(com1, "com1", com1_rows);

#define PIT_COUNTER(n)                                                    \
	DEVICE("count" #n, INSPECT_UNSIGNED, pit.counter[n].count),       \
		DEVICE("mode" #n, INSPECT_UNSIGNED, pit.counter[n].mode), \
		DEVICE("gate" #n, YES_NO, pit.counter[n].gate),           \
		DEVICE("loaded" #n, YES_NO, pit.counter[n].loaded)
static const struct inspect_row pit_rows[] = {
	PIT_COUNTER(0),
	PIT_COUNTER(1),
	PIT_COUNTER(2),
	DEVICE("port_b", HEX, pit.port_b),
};
DIRECTORY(pit, "pit", pit_rows);

static const struct inspect_row rtc_rows[] = {
	DEVICE("index", HEX, rtc.index),
	DEVICE("stopped", YES_NO, rtc.stopped),
	DEVICE("cmos", INSPECT_BYTES, rtc.cmos),
};
DIRECTORY(rtc, "rtc", rtc_rows);

static const struct inspect_row ioapic_rows[] = {
	DEVICE("id", HEX, ioapic.id),
	DEVICE("select", HEX, ioapic.select),
	DEVICE("lines", INSPECT_BITS, ioapic.lines),
	DEVICES("entry0\0entry1\0entry2\0entry3\0entry4\0entry5\0entry6\0entry7\0entry8\0entry9\0"
		"entry10\0entry11\0entry12\0entry13\0entry14\0entry15\0entry16\0entry17\0entry18\0"
		"entry19\0entry20\0entry21\0entry22\0entry23",
		HEX, ioapic.entry[0], IOAPIC_PINS, 8),
};
DIRECTORY(ioapic, "ioapic", ioapic_rows);

#define PIC_CHIP(name, n)                                                                     \
	DEVICE(name "_irr", HEX, pic.chip[n].irr), DEVICE(name "_imr", HEX, pic.chip[n].imr), \
		DEVICE(name "_isr", HEX, pic.chip[n].isr),                                    \
		DEVICE(name "_elcr", HEX, pic.chip[n].elcr),                                  \
		DEVICE(name "_vector_base", HEX, pic.chip[n].vector_base)
static const struct inspect_row pic_rows[] = {
	PIC_CHIP("master", 0),
	PIC_CHIP("slave", 1),
	DEVICE("intr", YES_NO, pic.intr),
};
DIRECTORY(pic, "pic", pic_rows);

static const struct inspect_row pci_rows[] = {
	DEVICE("address", HEX, pci.address),
	DEVICE("reset_control", HEX, pci.reset_control),
};
DIRECTORY(pci, "pci", pci_rows);

static const struct inspect_row pm_rows[] = {
	DEVICE("status", HEX, pm.status),	  DEVICE("enable", HEX, pm.enable),
	DEVICE("control", HEX, pm.control),	  DEVICE("gpe_status", HEX, pm.gpe_status),
	DEVICE("gpe_enable", HEX, pm.gpe_enable),
};
DIRECTORY(pm, "acpi_pm", pm_rows);

static const struct inspect_row i8042_rows[] = {
	DEVICE("control", HEX, kbc.control),
	DEVICE("output_port", HEX, kbc.output_port),
	DEVICE("status", HEX, kbc.status),
	DEVICE("port_a", HEX, kbc.port_a),
};
DIRECTORY(i8042, "i8042", i8042_rows);

/* Zero in a guest that has none. */
static const struct inspect_row hpet_rows[] = {
	DEVICE("config", HEX, hpet.config),
	DEVICE("status", HEX, hpet.status),
	DEVICE("counter", HEX, hpet.counter),
	DEVICES("timer0\0timer1\0timer2", HEX, hpet.timers[0].config, HPET_TIMERS,
		sizeof(struct hpet_timer)),
	DEVICES("comparator0\0comparator1\0comparator2", HEX, hpet.timers[0].comparator,
		HPET_TIMERS, sizeof(struct hpet_timer)),
};
DIRECTORY(hpet, "hpet", hpet_rows);

static const struct inspect_directory *const devices[] = {&com1, &pit, &rtc,   &ioapic, &pic,
							  &pci,	 &pm,  &i8042, &hpet,	NULL};
const struct inspect_directory inspect_devices = {.name = "devices", .children = devices};
