/* SPDX-License-Identifier: Apache-2.0 */
/* HDF5's object headers (IV.A): their messages, in two versions of the format, with the blocks that continue them. */
#include "guest/scan/keras/hdf5_internal.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <string.h>

enum message_type {
    MESSAGE_SPACE = 0x01,
    MESSAGE_LINK_INFO = 0x02,
    MESSAGE_TYPE = 0x03,
    MESSAGE_LINK = 0x06,
    MESSAGE_EXTERNAL = 0x07,
    MESSAGE_LAYOUT = 0x08,
    MESSAGE_FILTERS = 0x0b,
    MESSAGE_ATTRIBUTE = 0x0c,
    MESSAGE_CONTINUATION = 0x10,
    MESSAGE_SYMBOLS = 0x11,
    MESSAGE_ATTRIBUTE_INFO = 0x15,
};

#define MESSAGE_IS_SHARED 0x02u
#define HEADER_HAS_TIMES  0x20u
#define HEADER_HAS_COUNTS 0x10u
#define HEADER_HAS_ORDER  0x04u

struct message {
    uint64_t type, flags;
    struct hdf5_span body;
};

/* The header under way: the blocks that are still to be read. */
struct blocks {
    struct hdf5_span spans[HDF5_CHUNKS_MAX];
    uint32_t count, next;
    unsigned version;
    bool has_order;
};

/* --- messages ------------------------------------------------------------------------------------------------- */

/* Link info (IV.A.2.c) and attribute info (IV.A.2.v): a fractal heap and the B-tree of names. */
static MUST_USE int read_info(struct hdf5 *hdf5, struct hdf5_span body, unsigned order_size,
                              int (*read)(struct hdf5 *hdf5, struct hdf5_span message))
{
    uint64_t version = 0, flags = 0, heap = 0, tree = 0;
    int r = hdf5_integer(hdf5, &body, 1, &version);

    if (r == 0)
        r = hdf5_integer(hdf5, &body, 1, &flags);
    if (r == 0 && (flags & 1) != 0)
        r = hdf5_skip(hdf5, &body, order_size);
    if (r == 0)
        r = hdf5_address(hdf5, &body, &heap);
    if (r == 0)
        r = hdf5_address(hdf5, &body, &tree);
    if (r < 0 || heap == HDF5_UNDEFINED || tree == HDF5_UNDEFINED)
        return r;
    return hdf5_read_dense(hdf5, heap, tree, read);
}

/* External data files (IV.A.2.h): the dataset's bytes are another file's. */
static MUST_USE int read_external(struct hdf5 *hdf5, struct hdf5_span body)
{
    struct hdf5_span whole = body;
    char name[HDF5_NAME_MAX + 1] = "?";
    uint64_t heap = 0, offset = 0;
    int r = hdf5_skip(hdf5, &body, 8); /* version, reserved, slots */

    if (r == 0)
        r = hdf5_address(hdf5, &body, &heap);
    if (r == 0)
        r = hdf5_length(hdf5, &body, &offset);
    if (r == 0 && heap != HDF5_UNDEFINED)
        r = hdf5_heap_text(hdf5, heap, offset, name);
    if (r < 0)
        (void)memcpy(name, "?", 2);
    return hdf5->failed = scan_find(hdf5->scan, hdf5->object, &hdf5_rules[HDF5_RULE_EXTERNAL_DATA], whole.at, hdf5->err,
                                    "a dataset's values are those of the file '%s'", TEXT(name, strlen(name)));
}

/* Filters (IV.A.2.l): those that the library has no code for are loaded as plugins of the machine that reads. */
static MUST_USE int read_filters(struct hdf5 *hdf5, struct hdf5_span body)
{
    static const uint64_t known[] = {1, 2, 3, 4, 5, 6, 32000};
    uint64_t offset = body.at, version = 0, count = 0, id = 0;
    int r = hdf5_integer(hdf5, &body, 1, &version);

    if (r == 0)
        r = hdf5_integer(hdf5, &body, 1, &count);
    if (r == 0 && version == 1)
        r = hdf5_skip(hdf5, &body, 6);
    if (r < 0 || count == 0)
        return r;
    r = hdf5_integer(hdf5, &body, 2, &id); /* the first names the rest well enough */
    for (size_t i = 0; i < sizeof known / sizeof known[0] && r == 0; i++)
        if (id == known[i])
            return 0;
    if (r < 0)
        return r;
    return hdf5->failed = scan_find(hdf5->scan, hdf5->object, &hdf5_rules[HDF5_RULE_FILTER], offset, hdf5->err,
                                    "filter %llu", (unsigned long long)id);
}

/* A datatype message that stands in a header of its own ("committed"; shared messages, IV.A.2). */
static MUST_USE int follow_type(struct hdf5 *hdf5, struct hdf5_span body, struct hdf5_span *ret_type)
{
    uint64_t version = 0, kind = 0, address = 0;
    int r = hdf5_integer(hdf5, &body, 1, &version);

    if (r == 0)
        r = hdf5_integer(hdf5, &body, 1, &kind);
    if (r == 0 && version == 1)
        r = hdf5_skip(hdf5, &body, 6);
    if (r == 0 && version == 3 && kind == 1)
        return -ENOTSUP; /* in the heap of shared messages */
    if (r == 0)
        r = hdf5_address(hdf5, &body, &address);
    if (r < 0)
        return r;
    return hdf5_committed_type(hdf5, address, ret_type);
}

static MUST_USE int read_message(struct hdf5 *hdf5, struct hdf5_header *header, const struct message *message)
{
    bool shared = (message->flags & MESSAGE_IS_SHARED) != 0;

    switch (message->type) {
    case MESSAGE_SPACE:
        header->space = message->body;
        return shared ? -ENOTSUP : 0;
    case MESSAGE_TYPE:
        header->type = message->body;
        return shared ? follow_type(hdf5, message->body, &header->type) : 0;
    case MESSAGE_LAYOUT:
        header->layout = message->body;
        return 0;
    case MESSAGE_FILTERS:
        header->filtered = true;
        return shared ? 0 : read_filters(hdf5, message->body);
    case MESSAGE_EXTERNAL:
        header->external = true;
        return read_external(hdf5, message->body);
    case MESSAGE_LINK:
        return shared ? -ENOTSUP : hdf5_read_link(hdf5, message->body);
    case MESSAGE_ATTRIBUTE:
        return shared ? -ENOTSUP : hdf5_read_attribute(hdf5, message->body);
    case MESSAGE_LINK_INFO:
        return read_info(hdf5, message->body, 8, hdf5_read_link);
    case MESSAGE_ATTRIBUTE_INFO:
        return read_info(hdf5, message->body, 2, hdf5_read_attribute);
    case MESSAGE_SYMBOLS:
        return hdf5_read_symbols(hdf5, message->body);
    default:
        return 0;
    }
}

/* --- the header itself ---------------------------------------------------------------------------------------- */

/* IV.A.1.a: 12 bytes, and 4 of padding. */
static MUST_USE int open_version_1(struct hdf5 *hdf5, struct hdf5_span span, struct blocks *blocks)
{
    uint64_t size = 0;
    int r = hdf5_skip(hdf5, &span, 8); /* version, reserved, number of messages, references */

    if (r == 0)
        r = hdf5_integer(hdf5, &span, 4, &size);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, 4);
    if (r < 0)
        return r;
    blocks->version = 1;
    blocks->spans[0] = hdf5_span_of(span.at, size);
    blocks->count = 1;
    return 0;
}

/* IV.A.1.b */
static MUST_USE int open_version_2(struct hdf5 *hdf5, struct hdf5_span span, struct blocks *blocks)
{
    uint64_t version = 0, flags = 0, size = 0;
    int r = hdf5_signature(hdf5, &span, "OHDR");

    if (r == 0)
        r = hdf5_integer(hdf5, &span, 1, &version);
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 1, &flags);
    if (r < 0)
        return r;
    r = hdf5_skip(hdf5, &span, ((flags & HEADER_HAS_TIMES) != 0 ? 16 : 0) + ((flags & HEADER_HAS_COUNTS) != 0 ? 4 : 0));
    if (r == 0)
        r = hdf5_integer(hdf5, &span, 1u << (flags & 3), &size);
    if (r < 0)
        return r;
    blocks->version = 2;
    blocks->has_order = (flags & HEADER_HAS_ORDER) != 0;
    blocks->spans[0] = hdf5_span_of(span.at, size);
    blocks->count = 1;
    return 0;
}

static MUST_USE int open_header(struct hdf5 *hdf5, uint64_t address, struct blocks *blocks)
{
    struct hdf5_span span = {address, UINT64_MAX}, first = span;
    uint64_t version = 0;
    int r = hdf5_integer(hdf5, &first, 1, &version);

    if (r < 0)
        return r;
    blocks->count = blocks->next = 0;
    blocks->has_order = false;
    if (version == 1)
        return open_version_1(hdf5, span, blocks);
    return open_version_2(hdf5, span, blocks);
}

/* IV.A.2.q: a block of further messages. */
static MUST_USE int add_block(struct hdf5 *hdf5, struct blocks *blocks, struct hdf5_span body)
{
    struct hdf5_span block = {0};
    uint64_t address = 0, size = 0, offset = body.at;
    bool first = true;
    int r = hdf5_address(hdf5, &body, &address);

    if (r == 0)
        r = hdf5_length(hdf5, &body, &size);
    if (r == 0)
        r = hdf5_visit(hdf5, address, &first);
    if (r < 0)
        return r;
    if (!first || address == HDF5_UNDEFINED)
        return hdf5_bad(hdf5, offset, "a header is continued where something else stands");
    if (blocks->count == HDF5_CHUNKS_MAX)
        return error_set(&hdf5->cause, ERROR_BAD_INPUT, -EFBIG, "HDF5: an object header in more than %u blocks",
                         HDF5_CHUNKS_MAX);
    block = hdf5_span_of(address, size);
    if (blocks->version == 2) {
        r = hdf5_signature(hdf5, &block, "OCHK");
        if (r < 0)
            return r;
        block.end -= block.end - block.at > 4 ? 4 : 0; /* checksum */
    }
    blocks->spans[blocks->count++] = block;
    return 0;
}

/* The next message of the block under way; 1 where no further one is complete. */
static MUST_USE int next_message(struct hdf5 *hdf5, struct blocks *blocks, struct message *ret_message)
{
    struct hdf5_span *span = &blocks->spans[blocks->next];
    uint64_t type = 0, size = 0, flags = 0;
    uint64_t head = blocks->version == 1 ? 8 : blocks->has_order ? 6 : 4;
    int r = hdf5_step(hdf5);

    if (r < 0)
        return r;
    if (span->at >= span->end || span->end - span->at < head)
        return 1;
    r = hdf5_integer(hdf5, span, blocks->version == 1 ? 2 : 1, &type);
    if (r == 0)
        r = hdf5_integer(hdf5, span, 2, &size);
    if (r == 0)
        r = hdf5_integer(hdf5, span, 1, &flags);
    if (r == 0)
        r = hdf5_skip(hdf5, span, head - (blocks->version == 1 ? 5 : 4));
    if (r < 0)
        return r;
    *ret_message = (struct message){type, flags, hdf5_span_of(span->at, size)};
    return hdf5_skip(hdf5, span, size);
}

/* Gives each message of a header to `use`; one that is damaged is a gap, and the next follows. */
static MUST_USE int walk_header(struct hdf5 *hdf5, uint64_t address, struct hdf5_header *header,
                                int (*use)(struct hdf5 *, struct hdf5_header *, const struct message *))
{
    CLEANUP_FREE struct blocks *blocks = calloc(1, sizeof *blocks);
    struct message message = {0};
    int r = blocks != NULL ? open_header(hdf5, address, blocks) : -ENOMEM;

    while (r == 0 && blocks->next < blocks->count) {
        r = next_message(hdf5, blocks, &message);
        if (r == 1) {
            blocks->next++;
            r = 0;
            continue;
        }
        if (r < 0)
            break;
        r = message.type == MESSAGE_CONTINUATION ? add_block(hdf5, blocks, message.body) : use(hdf5, header, &message);
        if (r < 0 && r != -EFBIG)
            r = hdf5_gap(hdf5, r, message.body.at);
    }
    return r;
}

int hdf5_read_header(struct hdf5 *hdf5, uint64_t address)
{
    struct hdf5_header header = {.address = address};
    int r = walk_header(hdf5, address, &header, read_message);

    if (hdf5->failed != 0)
        return hdf5->failed;
    if (r == -EFBIG)
        return r;
    if (r < 0 && (r = hdf5_gap(hdf5, r, address)) < 0)
        return r;
    return header.layout.end != 0 ? hdf5_read_dataset(hdf5, &header) : 0;
}

static MUST_USE int keep_type(struct hdf5 *hdf5, struct hdf5_header *header, const struct message *message)
{
    (void)hdf5;
    if (message->type == MESSAGE_TYPE && (message->flags & MESSAGE_IS_SHARED) == 0)
        header->type = message->body;
    return 0;
}

int hdf5_committed_type(struct hdf5 *hdf5, uint64_t address, struct hdf5_span *ret_type)
{
    struct hdf5_header header = {.address = address};
    struct blocks *blocks = calloc(1, sizeof *blocks);
    struct message message = {0};
    int r = blocks != NULL ? open_header(hdf5, address, blocks) : -ENOMEM;

    /* Its first block alone: continuations belong to the walk that visits it as an object. */
    while (r == 0 && header.type.end == 0) {
        r = next_message(hdf5, blocks, &message);
        if (r == 0)
            r = keep_type(hdf5, &header, &message);
    }
    free(blocks);
    if (r < 0)
        return r;
    if (header.type.end == 0)
        return hdf5_bad(hdf5, address, "a committed type has no datatype");
    *ret_type = header.type;
    return 0;
}
