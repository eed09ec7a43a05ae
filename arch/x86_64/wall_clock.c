/* SPDX-License-Identifier: MIT */
/* The machine's calendar: the MC146818 in CMOS, read once at the start. */
#include <arch/io.h>
#include <arch/power.h>
#include <kernel/arch.h>

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71
#define NMI_OFF	   0x80

enum cmos_register {
	CMOS_SECOND = 0,
	CMOS_MINUTE = 2,
	CMOS_HOUR = 4,
	CMOS_DAY = 7,
	CMOS_MONTH = 8,
	CMOS_YEAR = 9,
	CMOS_STATUS_A = 10,
	CMOS_STATUS_B = 11,
};

#define STATUS_A_UPDATING 0x80
#define STATUS_B_24_HOURS 0x02
#define STATUS_B_BINARY	  0x04
#define HOUR_PM		  0x80
#define UPDATE_POLLS	  100000 /* an update takes 2 ms */
#define READ_TRIES	  4

struct calendar {
	uint8_t second, minute, hour, day, month, year, century, status;
};

static uint8_t cmos_read(uint8_t reg)
{
	port_write8(CMOS_INDEX, reg | NMI_OFF);
	uint8_t value = port_read8(CMOS_DATA);

	port_write8(CMOS_INDEX, 0);
	return value;
}

static struct calendar calendar_read(void)
{
	for (uint32_t i = 0; i < UPDATE_POLLS && cmos_read(CMOS_STATUS_A) & STATUS_A_UPDATING; i++)
		cpu_relax();
	return (struct calendar){
		.second = cmos_read(CMOS_SECOND),
		.minute = cmos_read(CMOS_MINUTE),
		.hour = cmos_read(CMOS_HOUR),
		.day = cmos_read(CMOS_DAY),
		.month = cmos_read(CMOS_MONTH),
		.year = cmos_read(CMOS_YEAR),
		.century = cmos_century ? cmos_read(cmos_century) : 0,
		.status = cmos_read(CMOS_STATUS_B),
	};
}

static uint32_t number(const struct calendar *c, uint8_t value)
{
	return c->status & STATUS_B_BINARY ? value : (value >> 4) * 10u + (value & 15);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static uint64_t days_since_1970(uint32_t year, uint32_t month, uint32_t day)
{
	static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	/* A year counts its leap day once February is over. */
	uint32_t y = month > 2 ? year : year - 1;
	uint32_t leaps = y / 4 - y / 100 + y / 400 - 477; /* 477: up to 1969 */

	return (uint64_t)(year - 1970) * 365 + leaps + before[month - 1] + day - 1;
}

uint64_t arch_wall_clock(void)
{
	struct calendar c = calendar_read(), again;
	uint32_t hour, year, century;

	for (uint32_t i = 0; i < READ_TRIES; i++) {
		again = calendar_read();
		if (again.second == c.second && again.minute == c.minute && again.hour == c.hour)
			break;
		c = again;
	}
	hour = number(&c, c.hour & ~HOUR_PM);
	if (!(c.status & STATUS_B_24_HOURS))
		hour = hour % 12 + (c.hour & HOUR_PM ? 12 : 0);
	century = number(&c, c.century);
	year = number(&c, c.year) + (century >= 19 && century <= 29 ? century * 100 : 2000);
	uint32_t month = number(&c, c.month), day = number(&c, c.day);

	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23)
		return 0;
	return ((days_since_1970(year, month, day) * 24 + hour) * 60 + number(&c, c.minute)) * 60 +
	       number(&c, c.second);
}
