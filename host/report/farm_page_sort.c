/* SPDX-License-Identifier: Apache-2.0 */
/* The script of a farm's page: sorts the table by the column whose heading is pressed. It must not hold "</". */
#include "host/report/farm_page_sort.h"

const char farm_page_sort[] =
    "'use strict';\n"
    "const table = document.querySelector('table.jobs'), body = table.tBodies[0];\n"
    "const value = (row, i) => row.cells[i].dataset.sort ?? row.cells[i].textContent;\n"
    "table.tHead.querySelectorAll('button').forEach((button) => button.addEventListener('click', () => {\n"
    "  const head = button.closest('th'), i = head.cellIndex, number = head.hasAttribute('data-number');\n"
    "  const down = head.getAttribute('aria-sort') === 'ascending';\n"
    "  const compare = number ? (a, b) => value(a, i) - value(b, i)\n"
    "    : (a, b) => value(a, i).localeCompare(value(b, i), 'en', {numeric: true});\n"
    "  const rows = Array.from(body.rows).sort((a, b) => down ? compare(b, a) : compare(a, b));\n"
    "  table.tHead.querySelectorAll('th').forEach((other) => other.removeAttribute('aria-sort'));\n"
    "  head.setAttribute('aria-sort', down ? 'descending' : 'ascending');\n"
    "  body.append(...rows);\n"
    "}));\n";
