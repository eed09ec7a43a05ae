/* SPDX-License-Identifier: MIT */
/* Seconds since 1970 to the proleptic Gregorian calendar, and back. Pure arithmetic. */
#ifndef DEVICES_RTC_CALENDAR_H
#define DEVICES_RTC_CALENDAR_H

#include <trivet/types.h>

#define SECONDS_PER_DAY 86400

struct calendar {
	int32_t year;
	uint8_t month;	 /* 1..12 */
	uint8_t day;	 /* 1..31 */
	uint8_t weekday; /* 1 is Sunday */
	uint8_t hour, minute, second;
};

/* Years 0 to 9999 are right; what lies outside is brought to the nearer end. */
void calendar_from_seconds(int64_t seconds, struct calendar *calendar);

/* Fields out of range are brought to the nearest that exists; weekday is not looked at. */
int64_t calendar_to_seconds(const struct calendar *calendar);

#endif
