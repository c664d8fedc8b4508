/* SPDX-License-Identifier: Apache-2.0 */
/* The spec: the example's, every key, every contradiction. */
#include "host/data/spec.h"

#include "unit/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static struct spec spec;

static int parse(const char *yaml, struct error *err)
{
    return spec_parse(yaml, strlen(yaml), &spec, err);
}

static void test_example(void)
{
    char yaml[4096];
    int fd = open("examples/digits/spec.yaml", O_RDONLY);
    ssize_t size = read(fd, yaml, sizeof yaml);

    (void)close(fd);
    CU_ASSERT_EQUAL_FATAL(spec_parse(yaml, (size_t)size, &spec, NULL), 0);
    CU_ASSERT_STRING_EQUAL(spec.contract.input, "input");
    CU_ASSERT_STRING_EQUAL(spec.contract.output, "logits");
    CU_ASSERT_EQUAL(spec.contract.layout, DATA_LAYOUT_NCHW);
    CU_ASSERT_EQUAL(spec.contract.outputs, DATA_OUTPUTS_LOGITS);
    CU_ASSERT(spec.contract.has_range && spec.contract.range_low == 0.0 && spec.contract.range_high == 1.0);
    CU_ASSERT_EQUAL(spec.contract.classes, 10);
    CU_ASSERT_EQUAL(spec_resolve(&spec, 3, (uint64_t[]){1, 8, 8}, NULL), 0);
    CU_ASSERT_EQUAL(spec.contract.channels, 0); /* nothing to scale */
}

/* The document in docs/spec.md. */
static void test_every_key(void)
{
    CU_ASSERT_EQUAL_FATAL(
        parse("input: image\noutput: logits\nlayout: NCHW\nchannels: bgr\ntype: float32\nrange: [0, 255]\n"
              "scale: 0.00392156862745098\nmean: [0.406, 0.456, 0.485]\nstd: [0.225, 0.224, 0.229]\noutputs: logits\n"
              "classes: 10\nlabelOffset: 0\ndata:\n  layout: NHWC\n  channels: rgb\n",
              NULL),
        0);
    CU_ASSERT(spec.arrangement.from_nhwc && !spec.arrangement.from_nchw && spec.arrangement.reverse_channels);
    CU_ASSERT_EQUAL_FATAL(spec_resolve(&spec, 3, (uint64_t[]){3, 32, 32}, NULL), 0);
    CU_ASSERT_EQUAL(spec.contract.channels, 3);
    CU_ASSERT_EQUAL(spec.contract.scale[0], (float)(0.00392156862745098 / 0.225));
    CU_ASSERT_EQUAL(spec.contract.offset[2], (float)(-0.485 / 0.229));
    CU_ASSERT_EQUAL_FATAL(parse("outputs: probabilities\nlayout: ND\nmean: [0.5]\nlabelOffset: -1", NULL), 0);
    CU_ASSERT_EQUAL(spec.contract.outputs, DATA_OUTPUTS_PROBABILITIES);
    CU_ASSERT_EQUAL(spec.contract.label_offset, -1);
    CU_ASSERT(!spec.contract.has_range);
    CU_ASSERT_EQUAL_FATAL(spec_resolve(&spec, 1, (uint64_t[]){20}, NULL), 0);
    CU_ASSERT(spec.contract.channels == 20 && spec.contract.scale[19] == 1.0f && spec.contract.offset[19] == -0.5f);
    CU_ASSERT_EQUAL(parse("range: [0, 0.1]", NULL), 0); /* rounded to f32, as the data are */
    CU_ASSERT_EQUAL(spec.contract.range_high, (double)0.1f);
    spec_default(&spec);
    CU_ASSERT_EQUAL(spec_resolve(&spec, 7, (uint64_t[]){5000, 1, 1, 1, 1, 1, 1}, NULL), 0);
    CU_ASSERT(spec.contract.channels == 0 && !spec.contract.has_range && spec.contract.layout == DATA_LAYOUT_ANY);
}

static void test_bad(void)
{
    static const struct {
        const char *yaml, *part;
    } cases[] = {
        {"input: a\nfoo: 3\n", "foo"},
        {"input: a\ninput: b\n", "input"},
        {"input: &a x\noutput: *a\n", "docs/spec.md"},
        {"input: a\n---\ninput: b\n", "document"},
        {"", "empty"},
        {"[1, 2]", "docs/spec.md"},
        {"input: [a", "docs/spec.md"},
        {"input: \"\xc3\xbc\"", "printable ASCII"},
        {"layout: HWC", "HWC"},
        {"type: float64", "float64"},
        {"type: 1", "docs/spec.md"},
        {"outputs: softmax", "softmax"},
        {"range: [1, 0]", "key range"},
        {"range: [0, 0]", "key range"},
        {"range: [nan, 1]", "key range"},
        {"range: [0, inf]", "key range"},
        {"range: [0, 1e39]", "key range"},
        {"range: [0]", "docs/spec.md"},
        {"range: [0, 1, 2]", "docs/spec.md"},
        {"range: 1", "docs/spec.md"},
        {"scale: 0", "key scale"},
        {"scale: -1", "key scale"},
        {"scale: nan", "key scale"},
        {"mean: [a]", "docs/spec.md"},
        {"mean: [1, inf]", "key mean: entry 2"},
        {"std: [1, 0]", "key std: entry 2"},
        {"std: [-1]", "key std"},
        {"std: []", "docs/spec.md"},
        {"classes: 1", "key classes"},
        {"classes: 1048577", "key classes"},
        {"classes: -3", "key classes"},
        {"classes: ten", "docs/spec.md"},
        {"labelOffset: 9999999999", "key labelOffset"},
        {"channels: rgb", "key channels"},
        {"layout: ND\nchannels: rgb", "key channels"},
        {"data: {layout: NHWC}", "key data.layout"},
        {"layout: NCHW\ndata: {channels: rgb}", "key data.channels"},
        {"layout: NCHW\ndata: {foo: rgb}", "foo"},
        {"layout: ND\ndata: {layout: NHWC}", "key data.layout"},
        {"shape: []", "docs/spec.md"},
        {"shape: [0]", "key shape: entry 1"},
        {"shape: [2, -1]", "key shape: entry 2"},
        {"shape: [1, 1, 1, 1, 1, 1, 1, 1]", "docs/spec.md"},
        {"features: []", "docs/spec.md"},
        {"features: [{}]", "key features: entry 1 has no range"},
        {"range: [0, 1]\nfeatures: [{range: [0, 2]}]", "key features: entry 1 has a range outside"},
        {"features: [{range: [1, 0]}]", "key features: entry 1: its range"},
        {"features: [{range: [0, nan]}]", "key features: entry 1: its range"},
        {"features: [{range: [0, 1.5], type: integer}]", "key features: entry 1: the range of an integer"},
        {"features: [{type: categorical}]", "name its group"},
        {"features: [{range: [0, 1], group: a}]", "group is for features of type categorical"},
        {"features: [{type: categorical, group: a}, {range: [0, 1]}]", "entry 1: its group has no other column"},
        {"features: [{type: categorical, group: a, range: [0, 2]}]", "is [0, 1]"},
        {"features: [{type: ordinal}]", "ordinal"},
        {"features: [{range: [0, 1], epsScale: -1}]", "epsScale must be a finite number"},
        {"features: [{range: [0, 1], immutable: perhaps}]", "docs/spec.md"},
        {"features: [{range: [0, 1], limit: 3}]", "limit"},
        {"features: [{range: [1, 1]}]", "they need ranges"},
        {"mask: {values: [1, 0]}", "they need ranges"},
        {"range: [0, 1]\nmask: {}", "key mask: it takes either file or values"},
        {"range: [0, 1]\nmask: {file: m.npy, values: [1]}", "key mask: it takes either file or values"},
        {"range: [0, 1]\nmask: {file: ../m.npy}", "key mask.file"},
        {"range: [0, 1]\nmask: {file: /m.npy}", "key mask.file"},
        {"range: [0, 1]\nmask: {file: .npy}", "key mask.file"},
        {"range: [0, 1]\nepsScale: {file: m.npz}", "key epsScale.file"},
        {"range: [0, 1]\nepsScale: {values: [1, inf]}", "key epsScale.values: entry 2"},
        {"range: [0, 1]\nmask: 3", "docs/spec.md"},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct error err = {0};
        int r = parse(cases[i].yaml, &err);

        CU_ASSERT(r < 0);
        CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
        if (r == 0 || strstr(err.text, cases[i].part) == NULL) {
            (void)printf("\n    %s: %s", cases[i].yaml, err.text);
            CU_FAIL("the message says something else");
        }
    }
}

static void test_shapes(void)
{
    struct error err = {0};

    CU_ASSERT_EQUAL(parse("layout: NCHW\nmean: [1, 2, 3]", NULL), 0);
    CU_ASSERT(spec_resolve(&spec, 3, (uint64_t[]){1, 8, 8}, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "key mean: 3 values for samples of 1 channels"));
    CU_ASSERT(spec_resolve(&spec, 1, (uint64_t[]){3}, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "layout NCHW means arrays of 4 dimensions, but x has 2"));
    CU_ASSERT_EQUAL(parse("layout: NHWC\nstd: [1, 2, 3]", NULL), 0);
    CU_ASSERT(spec_resolve(&spec, 3, (uint64_t[]){8, 8, 3}, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not NHWC"));
    CU_ASSERT_EQUAL(parse("layout: ND\nscale: 2", NULL), 0);
    CU_ASSERT(spec_resolve(&spec, 1, (uint64_t[]){4097}, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "4096"));
    CU_ASSERT_EQUAL(parse("scale: 1e-50\nlayout: ND", NULL), 0);
    CU_ASSERT(spec_resolve(&spec, 1, (uint64_t[]){4}, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "leave the range of float32"));
}

static void test_size(void)
{
    CLEANUP_FREE char *yaml = malloc(SPEC_SIZE_MAX + 2);
    struct error err = {0};

    memset(yaml, '#', SPEC_SIZE_MAX + 1);
    CU_ASSERT(spec_parse(yaml, SPEC_SIZE_MAX + 1, &spec, &err) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "65536"));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the digits' spec", test_example}, {"every key", test_every_key}, {"what is refused", test_bad},
        {"against shapes", test_shapes},    {"too large", test_size},
    };

    return harness_run("host/data/spec", tests, HARNESS_COUNT(tests));
}
