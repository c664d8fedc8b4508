/* SPDX-License-Identifier: Apache-2.0 */
/*
 * junit.xml: an evaluation as CI systems read it (the JUnit format as Jenkins, GitLab and GitHub's actions take it).
 *
 * One testsuite an evaluation, one testcase a check: <failure> where it failed or warned, <error> where it broke,
 * <skipped> where it was not made. A last testcase, `verdict`, fails unless the verdict is `passed`, so that a pipeline
 * that only reads this file fails with the model; without an evaluation it is an <error>.
 */
#ifndef LAZARET_HOST_REPORT_JUNIT_H
#define LAZARET_HOST_REPORT_JUNIT_H

#include "base/buffer.h"

#include <jansson.h>

#define JUNIT_NAME     "junit.xml"
#define JUNIT_SIZE_MAX ((size_t)4 << 20)

/*
 * Appends the document. `statement` is checked; `evaluation` and `execution` may be NULL. Errors as buffer_append.
 */
MUST_USE int junit_write(const json_t *statement, const json_t *evaluation, const json_t *execution,
                         struct buffer *ret_xml);

#endif
