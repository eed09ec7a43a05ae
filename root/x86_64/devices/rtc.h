/* SPDX-License-Identifier: MIT */
/*
 * The MC146818A real-time clock with 128 bytes of CMOS memory, ports 0x70/0x71, interrupt
 * GSI 8 (Motorola data sheet; PIIX4 for the PC's bytes). Time, alarm with wildcards,
 * periodic interrupt, update in progress, binary and BCD, 12 and 24 hours, century in byte
 * 0x32. Daylight saving and the square wave output are absent: their bits are only kept.
 *
 * Time is UTC, counted from the epoch second given at start. Nonsense written into the time
 * (the 31st of June, hour 29) is brought into range when the clock starts again.
 */
#ifndef DEVICES_RTC_H
#define DEVICES_RTC_H

#include <devices/device.h>

#define RTC_PORT       0x70u
#define RTC_GSI	       8u
#define RTC_CMOS_SIZE  128u
#define RTC_TIME_BYTES 10u

/* Bytes of CMOS memory that a PC's firmware fills in. */
enum rtc_byte {
	RTC_SECONDS = 0x00,
	RTC_SECONDS_ALARM = 0x01,
	RTC_MINUTES = 0x02,
	RTC_MINUTES_ALARM = 0x03,
	RTC_HOURS = 0x04,
	RTC_HOURS_ALARM = 0x05,
	RTC_WEEKDAY = 0x06,
	RTC_DAY = 0x07,
	RTC_MONTH = 0x08,
	RTC_YEAR = 0x09,
	RTC_A = 0x0a,
	RTC_B = 0x0b,
	RTC_C = 0x0c,
	RTC_D = 0x0d,
	RTC_SHUTDOWN = 0x0f,
	RTC_EQUIPMENT = 0x14,
	RTC_BASE_MEMORY = 0x15,	     /* KiB, 2 bytes */
	RTC_EXTENDED_MEMORY = 0x17,  /* KiB above 1 MiB, 2 bytes, at most 0xffff */
	RTC_CHECKSUM = 0x2e,	     /* sum of 0x10..0x2d, high byte first */
	RTC_EXTENDED_MEMORY2 = 0x30, /* as 0x17 */
	RTC_CENTURY = 0x32,
	RTC_MEMORY_16M = 0x34, /* 64 KiB units above 16 MiB below 4 GiB, 2 bytes */
	RTC_MEMORY_4G = 0x5b,  /* 64 KiB units above 4 GiB, 3 bytes */
};

struct rtc {
	struct device dev;
	struct device_env *env;
	struct device_timer timer;
	unsigned int gsi;
	uint8_t index;		     /* port 0x70, without the NMI bit */
	uint8_t cmos[RTC_CMOS_SIZE]; /* time bytes count only while the clock is stopped */
	bool stopped;		     /* by SET or by a divider that is not 010 */
	uint64_t base_ns;	     /* guest time at which the clock showed... */
	int64_t base_seconds;	     /* ... this second since 1970, UTC */
	uint8_t weekday_offset;	     /* the guest's idea of weekdays against the calendar's */
	uint64_t flags_ns;	     /* the flags of register C are right up to here */
};

struct rtc_config {
	int64_t epoch_seconds;	  /* UTC now */
	uint64_t memory_below_4g; /* bytes, for the firmware bytes */
	uint64_t memory_above_4g;
};

/* Prepare @rtc and put it on the bus with its interrupt at @gsi. Bus statuses. */
status_t rtc_init(struct rtc *rtc, struct device_env *env, struct device_bus *bus, unsigned int gsi,
		  const struct rtc_config *config);

/* The second since 1970 that the clock shows now. */
int64_t rtc_seconds(struct rtc *rtc);

#endif
