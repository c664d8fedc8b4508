/* SPDX-License-Identifier: Apache-2.0 */
/* Dates by arithmetic: neither the time zone nor the locale of the process has a say. */
#include "base/time_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DAY_SECONDS      INT64_C(86400)
#define DAYS_OF_400      INT64_C(146097) /* after 400 years the calendar repeats */
#define DAYS_BEFORE_1970 INT64_C(719468) /* from 0000-03-01 */
#define YEAR_MIN         1970u

static const char date_form[] = "dddd-dd-dd";
static const char second_form[] = "dddd-dd-ddTdd:dd:ddZ";

static bool has_form(const char *text, const char *form)
{
    for (size_t i = 0;; i++) {
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
        if (form[i] == '\0')
            return true;
    }
}

static unsigned number(const char *text, size_t digits)
{
    unsigned value = 0;

    for (size_t i = 0; i < digits; i++)
        value = 10 * value + (unsigned)(text[i] - '0');
    return value;
}

static unsigned days_of_month(unsigned year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
        return 29;
    return days[month - 1];
}

/* Days since 1970 of a date; years begin in March here, so that the leap day is the last of one. */
static int64_t count_days(unsigned year, unsigned month, unsigned day)
{
    int64_t y = month > 2 ? (int64_t)year : (int64_t)year - 1;
    int64_t m = month > 2 ? (int64_t)month - 3 : (int64_t)month + 9;

    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + (int64_t)day - 1 - DAYS_BEFORE_1970;
}

static int parse_date(const char *text, int64_t *ret_seconds)
{
    unsigned year = number(text, 4), month = number(text + 5, 2), day = number(text + 8, 2);

    if (year < YEAR_MIN || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
        return -EINVAL;
    *ret_seconds = count_days(year, month, day) * DAY_SECONDS;
    return 0;
}

int time_text_parse_second(const char *text, int64_t *ret_seconds)
{
    unsigned hour, minute, second;
    int64_t day;

    if (!has_form(text, second_form) || parse_date(text, &day) < 0)
        return -EINVAL;
    hour = number(text + 11, 2);
    minute = number(text + 14, 2);
    second = number(text + 17, 2);
    if (hour > 23 || minute > 59 || second > 59)
        return -EINVAL;
    *ret_seconds = day + (int64_t)(hour * 3600 + minute * 60 + second);
    return 0;
}

int time_text_parse(const char *text, int64_t *ret_seconds)
{
    return has_form(text, date_form) ? parse_date(text, ret_seconds) : time_text_parse_second(text, ret_seconds);
}

void time_text_format(int64_t seconds, char ret_text[TIME_TEXT_SIZE])
{
    int64_t clamped = seconds < 0 ? 0 : seconds > TIME_TEXT_MAX ? TIME_TEXT_MAX : seconds;
    int64_t days = clamped / DAY_SECONDS + DAYS_BEFORE_1970, rest = clamped % DAY_SECONDS;
    int64_t cycle = days / DAYS_OF_400, in_cycle = days % DAYS_OF_400;
    int64_t year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
    int64_t in_year = in_cycle - (365 * year + year / 4 - year / 100), month = (5 * in_year + 2) / 153;

    (void)snprintf(ret_text, TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ",
                   (unsigned)(cycle * 400 + year + (month >= 10)) % 10000,
                   (unsigned)(month < 10 ? month + 3 : month - 9),
                   (unsigned)(in_year - (153 * month + 2) / 5 + 1) % 100, (unsigned)(rest / 3600),
                   (unsigned)(rest / 60 % 60), (unsigned)(rest % 60));
}
