/* SPDX-License-Identifier: Apache-2.0 */
/* The documents that people and CI systems read. */
#include "host/job/publish_report.h"

#include "base/io.h"
#include "host/report/junit.h"
#include "host/report/page.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* The end of what the guest printed; less where it can't be read, as the page only shows it. */
static size_t read_console(int fd, char *ret_end, size_t room)
{
    struct stat status;
    uint64_t from;
    ssize_t size;

    if (fd < 0 || fstat(fd, &status) < 0 || status.st_size <= 0)
        return 0;
    from = (uint64_t)status.st_size > room ? (uint64_t)status.st_size - room : 0;
    size = io_pread_full(fd, ret_end, room, from);
    return size > 0 ? (size_t)size : 0;
}

int publish_report_write(const struct publish_report *report, struct buffer *ret_html, struct buffer *ret_junit,
                         struct error *err)
{
    const struct publication *publication = report->publication;
    const struct assessment *assessment = publication->assessment;
    char console[PAGE_CONSOLE_BYTES];
    const struct page page = {
        .statement = report->statement,
        .evaluation = assessment->failed ? NULL : assessment->evaluation,
        .execution = report->execution,
        .plan = report->plan,
        .policy = &publication->admission->policy,
        .fingerprint = report->fingerprint,
        .console = console,
        .console_size = read_console(publication->console_fd, console, sizeof console),
    };
    int r = page_write(&page, ret_html);

    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, PAGE_NAME ": %s", strerror(-r));
    r = junit_write(page.statement, page.evaluation, page.execution, ret_junit);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, JUNIT_NAME ": %s", strerror(-r));
    return 0;
}
