/* SPDX-License-Identifier: Apache-2.0 */
/* The script of a farm's page. */
#ifndef LAZARET_HOST_REPORT_FARM_PAGE_SORT_H
#define LAZARET_HOST_REPORT_FARM_PAGE_SORT_H

extern const char farm_page_sort[];

#endif
