/* SPDX-License-Identifier: Apache-2.0 */
/* The documents that people and CI systems read: report.html and junit.xml. */
#include "base/io.h"
#include "host/job/publish_figures.h"
#include "host/json/reader.h"
#include "host/report/junit.h"
#include "host/report/page.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* The end of what the guest printed; nothing where it can't be read, as the page only shows it. */
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

static int write_page(struct gathering *g, const struct page *page)
{
    CLEANUP_BUFFER struct buffer html = buffer_with_limit(PAGE_SIZE_MAX);
    int r = page_write(page, &html);

    if (r < 0)
        return error_set(g->err, ERROR_UNAVAILABLE, r, PAGE_NAME ": %s", strerror(-r));
    return publish_write(g, PAGE_NAME, html.data, html.size);
}

static int write_junit(struct gathering *g, const struct page *page)
{
    CLEANUP_BUFFER struct buffer xml = buffer_with_limit(JUNIT_SIZE_MAX);
    int r = junit_write(page->statement, page->evaluation, page->execution, &xml);

    if (r < 0)
        return error_set(g->err, ERROR_UNAVAILABLE, r, JUNIT_NAME ": %s", strerror(-r));
    return publish_write(g, JUNIT_NAME, xml.data, xml.size);
}

/* The statement as it stands without these two: neither can hold its own digest. */
static int read_statement(struct gathering *g, json_t **ret_statement)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);
    int r = publish_encode_statement(g, &bytes);

    return r < 0 ? r : statement_check(bytes.data, bytes.size, ret_statement, g->err);
}

int publish_report(struct gathering *g, struct signer *signer)
{
    const struct publication *p = g->publication;
    CLEANUP_JSON json_t *statement = NULL, *plan = plan_make_document(p->made, p->admission, p->options);
    char console[PAGE_CONSOLE_BYTES], hex[SHA256_HEX_SIZE];
    uint8_t fingerprint[SHA256_SIZE];
    CLEANUP_FIGURES struct figures figures = {0};
    struct page page = {
        .evaluation = p->assessment->failed ? NULL : p->assessment->evaluation,
        .execution = g->execution,
        .forensics = g->forensics,
        .plan = plan,
        .policy = &p->admission->policy,
        .fingerprint = hex,
        .console = console,
        .console_size = read_console(p->console_fd, console, sizeof console),
    };
    int r = publish_figures(g, &figures);

    if (r == 0)
        r = read_statement(g, &statement);
    if (r == 0)
        r = crypto_public_key_fingerprint(signer_public_key(signer), fingerprint, g->err);
    if (r < 0)
        return r;
    sha256_to_hex(fingerprint, hex);
    page.statement = statement;
    page.points = figures.points;
    page.point_classes = figures.point_classes;
    page.pictures = figures.has_pictures ? &figures.pictures : NULL;
    r = write_page(g, &page);
    return r < 0 ? r : write_junit(g, &page);
}
