/* SPDX-License-Identifier: MIT */
/*
 * Addresses of the virtual PC that its firmware tables promise and its devices keep.
 */
#ifndef FIRMWARE_PLATFORM_H
#define FIRMWARE_PLATFORM_H

#define PLATFORM_LOCAL_APIC_BASE 0xfee00000u
#define PLATFORM_IO_APIC_BASE	 0xfec00000u
#define PLATFORM_IO_APIC_ID	 0u
#define PLATFORM_HPET_BASE	 0xfed00000u
/* The id register (IA-PC HPET 1.0a, 2.3.4), low half: three 64-bit timers, legacy routing. */
#define PLATFORM_HPET_ID	 0x8086a201u

/* ACPI 6.4, 4.8.3: fixed hardware. Lengths in bytes. */
#define PLATFORM_PM1A_EVENT	     0x600u
#define PLATFORM_PM1A_EVENT_LENGTH   4u
#define PLATFORM_PM1A_CONTROL	     0x604u
#define PLATFORM_PM1A_CONTROL_LENGTH 2u
#define PLATFORM_PM_TIMER	     0x608u
#define PLATFORM_PM_TIMER_LENGTH     4u
#define PLATFORM_GPE0		     0x620u
#define PLATFORM_GPE0_LENGTH	     4u
#define PLATFORM_RESET_PORT	     0xcf9u
#define PLATFORM_RESET_VALUE	     6u

/* System control interrupt: ISA IRQ and GSI 9, level, active high. */
#define PLATFORM_SCI_IRQ 9u

/* SLP_TYP values of the \_S4 and \_S5 objects. */
#define PLATFORM_SLEEP_TYPE_S4 4u
#define PLATFORM_SLEEP_TYPE_S5 5u

#endif
