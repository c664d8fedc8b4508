/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that end well, badly, by a signal, or are not there; what they get of ours. */
#include "base/program.h"
#include "unit/vsock-proto/base/tests.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int shell(const char *script, int input, int output, bool alone, char *const *environment)
{
    const char *const arguments[] = {"sh", "-c", script, NULL};
    const struct program program = {.file = "sh",
                                    .arguments = arguments,
                                    .environment = environment,
                                    .input = input,
                                    .output = output,
                                    .alone = alone};
    int status = -1, r = program_run(&program, &status);

    return r < 0 ? r : status;
}

void test_program_ends(void)
{
    const char *const arguments[] = {"no-such-program", NULL};
    const struct program missing = {.file = "/no-such-program", .arguments = arguments, .input = -1, .output = -1};
    int status = 77;

    CU_ASSERT_EQUAL(shell("exit 0", -1, -1, false, NULL), 0);
    CU_ASSERT_EQUAL(shell("exit 127", -1, -1, false, NULL), 127); /* its own, and not ours */
    CU_ASSERT_EQUAL(shell("kill -KILL $$", -1, -1, false, NULL), 128 + 9);
    CU_ASSERT_EQUAL(program_run(&missing, &status), -ENOENT);
    CU_ASSERT_EQUAL(status, 77);
}

void test_program_gets(void)
{
    CLEANUP_FD int input = memfd_create("input", MFD_CLOEXEC);
    CLEANUP_FD int output = memfd_create("output", MFD_CLOEXEC);
    CLEANUP_FD int open_one = open("/dev/null", O_RDONLY); /* without close-on-exec, on purpose */
    char *environment[] = {"LAZARET_WORD=kept", NULL}, script[128], text[64] = "";

    CU_ASSERT_FATAL(input >= 0 && output >= 0 && open_one > 2);
    CU_ASSERT_EQUAL(pwrite(input, "said\n", 5, 0), 5);
    CU_ASSERT_EQUAL(shell("read word; echo $word $LAZARET_WORD $HOME.", input, output, true, environment), 0);
    CU_ASSERT(pread(output, text, sizeof text - 1, 0) > 0);
    CU_ASSERT_STRING_EQUAL(text, "said kept .\n");
    (void)snprintf(script, sizeof script, "test -e /proc/$$/fd/%d", open_one);
    CU_ASSERT_EQUAL(shell(script, -1, -1, false, NULL), 0);
    CU_ASSERT_EQUAL(shell(script, -1, -1, true, NULL), 1);
}
