/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of a 7z archive: its coders as decoders in a row. */
#include "guest/scan/archive/sevenzip.h"

#include <errno.h>
#include <string.h>

/* Methods (Methods.txt of the LZMA SDK). */
#define METHOD_COPY    0x00u
#define METHOD_LZMA    0x030101u
#define METHOD_LZMA2   0x21u
#define METHOD_DEFLATE 0x040108u
#define METHOD_BZIP2   0x040202u
#define METHOD_ZSTD    0x04f71101u
#define METHOD_LZ4     0x04f71104u
#define METHOD_AES     0x06f10701u

/* Filters that undo what was done before LZMA, as liblzma numbers them. */
static const struct {
    uint64_t method, id;
} filters[] = {
    {0x03, 0x03},       {0x04, 0x04},       {0x05, 0x05},       {0x06, 0x06},       {0x07, 0x07},
    {0x08, 0x08},       {0x09, 0x09},       {0x0a, 0x0a},       {0x03030103, 0x04}, {0x03030205, 0x05},
    {0x03030401, 0x06}, {0x03030501, 0x07}, {0x03030701, 0x08}, {0x03030805, 0x09},
};

static const struct {
    uint64_t method;
    enum decoder_kind kind;
} decoders[] = {
    {METHOD_LZMA, DECODER_LZMA_RAW}, {METHOD_LZMA2, DECODER_LZMA2_RAW}, {METHOD_DEFLATE, DECODER_DEFLATE},
    {METHOD_BZIP2, DECODER_BZIP2},   {METHOD_ZSTD, DECODER_ZSTD},       {METHOD_LZ4, DECODER_LZ4},
};

/* 0 where a method is no filter. */
static uint64_t filter_of(uint64_t method)
{
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++)
        if (filters[i].method == method)
            return filters[i].id;
    return 0;
}

static int kind_of(uint64_t method, enum decoder_kind *ret_kind, struct error *err)
{
    for (size_t i = 0; i < sizeof decoders / sizeof decoders[0]; i++)
        if (decoders[i].method == method) {
            *ret_kind = decoders[i].kind;
            return 0;
        }
    if (method == METHOD_AES)
        return error_set(err, ERROR_BAD_INPUT, -EACCES, "a 7z archive's content is encrypted");
    return error_set(err, ERROR_BAD_INPUT, -ENOTSUP, "7z: method %llx", (unsigned long long)method);
}

/* Takes the filters that follow a coder into its options; how many there are. */
static uint32_t take_filters(const struct sevenzip_folder *folder, uint32_t index, struct decoder_options *options)
{
    uint32_t count = 0;
    uint64_t id;

    while (count < DECODER_FILTERS_MAX && index + 1 + count < folder->coder_count &&
           (id = filter_of(folder->coders[index + 1 + count].id)) != 0) {
        const struct sevenzip_coder *coder = &folder->coders[index + 1 + count];
        struct decoder_filter filter = {.id = id};

        filter.properties_size =
            coder->properties_size < sizeof filter.properties ? coder->properties_size : sizeof filter.properties;
        memcpy(filter.properties, coder->properties, filter.properties_size);
        memmove(options->filters + 1, options->filters, count * sizeof filter);
        options->filters[0] = filter;
        count++;
    }
    options->filter_count = count;
    return count;
}

static int add(struct sevenzip_content *content, struct source *source)
{
    if (source == NULL)
        return -ENOMEM;
    content->sources[content->count++] = source;
    return 0;
}

static int open_coder(struct scan *scan, const struct sevenzip_folder *folder, uint32_t *index,
                      struct sevenzip_content *content, struct error *err)
{
    const struct sevenzip_coder *coder = &folder->coders[*index];
    struct decoder_options options = {.properties_size = coder->properties_size, .size = coder->size};
    struct source *decoder = NULL;
    enum decoder_kind kind = DECODER_LZMA_RAW;
    int r;

    (*index)++;
    if (coder->id == METHOD_COPY)
        return 0;
    r = kind_of(coder->id, &kind, err);
    if (r < 0)
        return r;
    memcpy(options.properties, coder->properties, sizeof options.properties);
    if (kind == DECODER_LZMA_RAW || kind == DECODER_LZMA2_RAW)
        *index += take_filters(folder, *index - 1, &options);
    r = decoder_open(scan, content->sources[content->count - 1], kind, &options, &decoder, err);
    return r < 0 ? r : add(content, decoder);
}

int sevenzip_open(struct scan *scan, struct source *file, const struct sevenzip_folder *folder, uint64_t offset,
                  uint64_t packed, struct sevenzip_content *ret_content, struct error *err)
{
    struct sevenzip_content content = {0};
    int r;

    if (!folder->is_row)
        return error_set(err, ERROR_BAD_INPUT, -ENOTSUP, "7z: coders that are no single row");
    r = add(&content, source_of_range(file, offset, packed));
    for (uint32_t i = 0; r == 0 && i < folder->coder_count;)
        r = open_coder(scan, folder, &i, &content, err);
    if (r < 0)
        sevenzip_close(&content);
    else
        *ret_content = content;
    return r;
}

void sevenzip_close(struct sevenzip_content *content)
{
    while (content->count > 0)
        source_free(content->sources[--content->count]);
}
