/* SPDX-License-Identifier: Apache-2.0 */
/* docs/operators.md, made of what ONNX's vectors show. */
#ifndef LAZARET_TESTS_MODEL_PAGE_H
#define LAZARET_TESTS_MODEL_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#define PAGE_LINES_MAX 2048

struct page {
    char *passed[PAGE_LINES_MAX];  /* "Operator\tvector" of single operators; " \tvector" of several */
    char *refused[PAGE_LINES_MAX]; /* "| vector | reason |" */
    char *folders[8];
    size_t passed_count, refused_count, folder_count;
};

/* A vector that passed; those of other folders than the first only count. */
void page_passed(struct page *page, bool listed, const char *operator_name, const char *vector);
void page_refused(struct page *page, const char *vector, const char *reason);
void page_folder(struct page *page, const char *name, const char *what, unsigned models, unsigned passed);

/* The page as text, which the caller frees; frees what the page holds. NULL when there is no memory. */
char *page_print(struct page *page);

#endif
