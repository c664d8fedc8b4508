/* SPDX-License-Identifier: Apache-2.0 */
/* The argument of --test as paths: pairs by a comma, labels by the conventional name. */
#include "host/data/set_path.h"

#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static char folder[] = "/tmp/lazaret-test-XXXXXX";

static const char *in_folder(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void touch(const char *name)
{
    int fd = open(in_folder(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    CU_ASSERT(fd >= 0);
    (void)close(fd);
}

/* Expects these two paths in the folder; NULL for no labels. */
static void expect(const char *argument, const char *file, const char *labels)
{
    CLEANUP_SET_PATH struct set_path path = {0};

    CU_ASSERT_EQUAL_FATAL(set_path_resolve(argument, &path, NULL), 0);
    CU_ASSERT_STRING_EQUAL(path.file, file);
    if (labels == NULL)
        CU_ASSERT_PTR_NULL(path.labels);
    if (labels != NULL && path.labels != NULL)
        CU_ASSERT_STRING_EQUAL(path.labels, labels);
    CU_ASSERT((labels == NULL) == (path.labels == NULL));
}

static void test_conventional(void)
{
    touch("t10k-images-idx3-ubyte.gz");
    expect(in_folder("t10k-images-idx3-ubyte.gz"), in_folder("t10k-images-idx3-ubyte.gz"), NULL);
    touch("t10k-labels-idx1-ubyte.gz");
    expect(in_folder("t10k-images-idx3-ubyte.gz"), in_folder("t10k-images-idx3-ubyte.gz"),
           in_folder("t10k-labels-idx1-ubyte.gz"));
    touch("images.npz"); /* half of the convention is none */
    touch("labels.npz");
    expect(in_folder("images.npz"), in_folder("images.npz"), NULL);
    expect("images-idx3/test.npz", "images-idx3/test.npz", NULL); /* in a folder's name neither */
}

static void test_pairs(void)
{
    touch("one,two.npz");
    expect("a,b", "a", "b");
    expect(in_folder("one,two.npz"), in_folder("one,two.npz"), NULL); /* a file of that name is meant itself */
    expect("/x/images-idx3,/y/labels", "/x/images-idx3", "/y/labels");
}

static void test_bad(void)
{
    static const char *const bad[] = {",", "a,", ",b", "a,b,c"};

    for (size_t i = 0; i < HARNESS_COUNT(bad); i++) {
        CLEANUP_SET_PATH struct set_path path = {0};
        struct error err = {0};

        CU_ASSERT_EQUAL(set_path_resolve(bad[i], &path, &err), -EINVAL);
        CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    }
}

static void remove_folder(void)
{
    static const char *const names[] = {"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "images.npz",
                                        "labels.npz", "one,two.npz"};

    for (size_t i = 0; i < HARNESS_COUNT(names); i++)
        (void)unlink(in_folder(names[i]));
    (void)rmdir(folder);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"conventional names", test_conventional},
        {"pairs", test_pairs},
        {"bad pairs", test_bad},
    };
    int status;

    if (mkdtemp(folder) == NULL)
        return 77;
    status = harness_run("host/data/set_path", tests, HARNESS_COUNT(tests));
    remove_folder();
    return status;
}
