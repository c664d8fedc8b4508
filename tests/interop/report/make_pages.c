/* SPDX-License-Identifier: Apache-2.0 */
/* make_pages FOLDER: pages that no evaluation of an honest model gives: hostile strings, hundreds of classes. */
#include "unit/host/report/pages.h"

#include <stdio.h>

static int write_file(const char *folder, const char *name, const struct pages *pages)
{
    CLEANUP_BUFFER struct buffer html = buffer_with_limit(PAGE_SIZE_MAX);
    char path[4096];
    FILE *file;
    int r;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    if (file == NULL)
        return -1;
    r = page_write(&pages->page, &html);
    if (r == 0 && fwrite(html.data, 1, html.size, file) != html.size)
        r = -1;
    return fclose(file) == 0 ? r : -1;
}

int main(int argc, char **argv)
{
    struct pages hostile, wide;
    int r;

    if (argc != 2)
        return 64;
    pages_make(&hostile);
    pages_spoil(&hostile, 0);
    pages_make(&wide);
    pages_widen(&wide);
    r = write_file(argv[1], "hostile.html", &hostile);
    if (r == 0)
        r = write_file(argv[1], "wide.html", &wide);
    pages_free(&hostile);
    pages_free(&wide);
    return r == 0 ? 0 : 1;
}
