/* SPDX-License-Identifier: Apache-2.0 */
/* Findings and their remedies. */
#include "host/doctor/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

struct doctor_finding *doctor_say(struct doctor *d, const char *name, enum doctor_state state, const char *format, ...)
{
    struct doctor_report *report = d->report;
    bool full = report->count >= DOCTOR_FINDINGS_MAX - 1;
    struct doctor_finding *finding = &report->findings[full ? DOCTOR_FINDINGS_MAX - 1 : report->count];
    enum doctor_state worst = full && finding->state > state ? finding->state : state;
    va_list arguments;

    memset(finding, 0, sizeof *finding);
    report->count += report->count < DOCTOR_FINDINGS_MAX;
    finding->name = full ? "doctor" : name;
    finding->state = full && worst == DOCTOR_OK ? DOCTOR_NOTE : worst;
    va_start(arguments, format);
    (void)vsnprintf(finding->finding, sizeof finding->finding, format, arguments);
    va_end(arguments);
    if (full)
        (void)snprintf(finding->finding, sizeof finding->finding, "there is more to say than %u findings hold",
                       DOCTOR_FINDINGS_MAX);
    make_printable(finding->finding);
    return finding;
}

void doctor_advise(struct doctor_finding *finding, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(finding->remedy, sizeof finding->remedy, format, arguments);
    va_end(arguments);
    make_printable(finding->remedy);
}

void doctor_list(char *text, size_t room, const char *format, ...)
{
    static const char more[] = ", \xe2\x80\xa6";
    size_t used = strlen(text);
    char item[DOCTOR_TEXT_MAX];
    va_list arguments;
    int size;

    if (used >= sizeof more && strcmp(text + used - (sizeof more - 1), more) == 0)
        return;
    va_start(arguments, format);
    size = vsnprintf(item, sizeof item, format, arguments);
    va_end(arguments);
    if (size < 0 || used + (size_t)size + 2 + sizeof more > room)
        (void)snprintf(text + used, room - used, "%s", more);
    else
        (void)snprintf(text + used, room - used, "%s%s", used > 0 ? ", " : "", item);
}
