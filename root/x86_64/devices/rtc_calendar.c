/* SPDX-License-Identifier: MIT */
/*
 * The calendar. Days are counted in years that begin with March, so that the leap day comes
 * last and a month's first day follows from one linear formula; 400 years repeat.
 */
#include <devices/rtc_calendar.h>

#define DAYS_PER_400_YEARS 146097
#define DAYS_TO_1970	   719468  /* from 1 March of year 0 */
#define MAX_DAYS	   2932896 /* 31 December 9999, from 1970 */

static bool year_is_leap(int32_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint8_t month_days(int32_t year, uint8_t month)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && year_is_leap(year) ? 29 : days[month - 1];
}

/* First day of month @m of a year from March (0: March), counted from the year's start. */
static int32_t march_month_start(int32_t m)
{
	return (153 * m + 2) / 5;
}

void calendar_from_seconds(int64_t seconds, struct calendar *calendar)
{
	int64_t min_seconds = -(int64_t)DAYS_TO_1970 * SECONDS_PER_DAY;
	int64_t max_seconds = (int64_t)(MAX_DAYS + 1) * SECONDS_PER_DAY - 1;
	int32_t days, rest, era_day, era_year, year_day, m;

	seconds = MIN(MAX(seconds, min_seconds), max_seconds) - min_seconds;
	days = (int32_t)(seconds / SECONDS_PER_DAY);
	rest = (int32_t)(seconds % SECONDS_PER_DAY);
	era_day = days % DAYS_PER_400_YEARS;
	/* Take the leap days out: one each 1461 days, but not each 36525th, but ... */
	era_year = (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365;
	year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
	m = (5 * year_day + 2) / 153;

	calendar->day = (uint8_t)(year_day - march_month_start(m) + 1);
	calendar->month = (uint8_t)(m < 10 ? m + 3 : m - 9);
	calendar->year = days / DAYS_PER_400_YEARS * 400 + era_year + (m >= 10);
	calendar->weekday = (uint8_t)((days + 3) % 7 + 1); /* 1 March 0 was a Wednesday */
	calendar->hour = (uint8_t)(rest / 3600);
	calendar->minute = (uint8_t)(rest / 60 % 60);
	calendar->second = (uint8_t)(rest % 60);
}

int64_t calendar_to_seconds(const struct calendar *calendar)
{
	int32_t year = MIN(MAX(calendar->year, 1), 9999);
	uint8_t month = MIN(MAX(calendar->month, 1), 12);
	uint8_t day = MIN(MAX(calendar->day, 1), month_days(year, month));
	int32_t m = month > 2 ? month - 3 : month + 9;
	int64_t days;

	year -= month <= 2;
	days = (int64_t)year * 365 + year / 4 - year / 100 + year / 400 + march_month_start(m) +
	       day - 1 - DAYS_TO_1970;
	return days * SECONDS_PER_DAY + MIN(calendar->hour, 23) * 3600 +
	       MIN(calendar->minute, 59) * 60 + MIN(calendar->second, 59);
}
