/* SPDX-License-Identifier: Apache-2.0 */
/* Leaving the zeros out of a kernel's file. */
#include "host/vm/kernel_compact.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/io.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define KERNEL_SIZE_MAX ((uint64_t)512 << 20)
#define SEGMENT_MAX     32u
#define PIECE_MAX       256u
#define PAGE_SIZE       ((uint64_t)4096)
#define ZEROS_WORTH     ((uint64_t)65536) /* a shorter run saves less than its header is trouble */

struct segment {
    uint32_t type, flags;
    uint64_t offset, virtual_address, physical_address, file_size, memory_size, alignment;
};

struct kernel {
    uint8_t *data; /* the file, mapped */
    size_t size;
    uint8_t head[sizeof(Elf64_Ehdr)];
    struct segment segments[SEGMENT_MAX];
    unsigned segment_count;
    struct segment pieces[PIECE_MAX]; /* `offset` is still that of the old file */
    unsigned piece_count;
};

static void kernel_unmap(struct kernel *kernel)
{
    if (kernel->data != NULL)
        (void)munmap(kernel->data, kernel->size);
}

/* ---- what there is --------------------------------------------------------------------------------- */

static int read_segment(struct cursor *cursor, struct segment *segment)
{
    uint64_t *const fields[] = {&segment->offset,    &segment->virtual_address, &segment->physical_address,
                                &segment->file_size, &segment->memory_size,     &segment->alignment};
    int r = cursor_read_u32le(cursor, &segment->type);

    if (r == 0)
        r = cursor_read_u32le(cursor, &segment->flags);
    for (size_t i = 0; r == 0 && i < sizeof fields / sizeof fields[0]; i++)
        r = cursor_read_u64le(cursor, fields[i]);
    return r;
}

static bool is_sound(const struct kernel *kernel, const struct segment *segment)
{
    return segment->offset <= kernel->size && segment->file_size <= kernel->size - segment->offset &&
           segment->memory_size >= segment->file_size && segment->memory_size <= KERNEL_SIZE_MAX;
}

/* The header's and the segments' fields: System V ABI, "ELF Header", "Program Header". */
static int read_headers(struct kernel *kernel)
{
    struct cursor cursor = cursor_over(kernel->data, kernel->size);
    uint64_t table = 0;
    uint16_t entry_size = 0, count = 0;
    int r = cursor_copy(&cursor, kernel->head, sizeof kernel->head);

    if (r == 0)
        r = cursor_seek(&cursor, offsetof(Elf64_Ehdr, e_phoff));
    if (r == 0)
        r = cursor_read_u64le(&cursor, &table);
    if (r == 0)
        r = cursor_seek(&cursor, offsetof(Elf64_Ehdr, e_phentsize));
    if (r == 0)
        r = cursor_read_u16le(&cursor, &entry_size);
    if (r == 0)
        r = cursor_read_u16le(&cursor, &count);
    if (r == 0 && (entry_size != sizeof(Elf64_Phdr) || count == 0 || count > SEGMENT_MAX || table > kernel->size ||
                   kernel->head[EI_CLASS] != ELFCLASS64 || kernel->head[EI_DATA] != ELFDATA2LSB))
        r = -EBADMSG;
    if (r == 0)
        r = cursor_seek(&cursor, (size_t)table);
    for (unsigned i = 0; r == 0 && i < count; i++) {
        struct segment *segment = &kernel->segments[kernel->segment_count++];

        r = read_segment(&cursor, segment);
        if (r == 0 && !is_sound(kernel, segment))
            r = -EBADMSG;
    }
    return r;
}

/* ---- what is worth keeping --------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *data, uint64_t size)
{
    return size == 0 || (data[0] == 0 && memcmp(data, data + 1, (size_t)size - 1) == 0);
}

static int add_piece(struct kernel *kernel, const struct segment *segment, uint64_t file_size, uint64_t memory_size,
                     uint64_t from)
{
    struct segment *piece = &kernel->pieces[kernel->piece_count];

    if (kernel->piece_count == PIECE_MAX)
        return -E2BIG;
    kernel->piece_count++;
    *piece = *segment;
    piece->offset += from;
    piece->virtual_address += from;
    piece->physical_address += from;
    piece->file_size = file_size;
    piece->memory_size = memory_size;
    return 0;
}

static uint64_t block_at(const struct segment *segment, uint64_t at)
{
    return segment->file_size - at < PAGE_SIZE ? segment->file_size - at : PAGE_SIZE;
}

/* How far from `at` zeros, or what is none, go on, in blocks. */
static uint64_t run_end(const struct kernel *kernel, const struct segment *segment, uint64_t at, bool zeros)
{
    while (at < segment->file_size && is_zero(kernel->data + segment->offset + at, block_at(segment, at)) == zeros)
        at += block_at(segment, at);
    return at;
}

/* Where the piece that begins there ends, and where the next one begins, or the segment has no more. */
static uint64_t piece_end(const struct kernel *kernel, const struct segment *segment, uint64_t begin,
                          uint64_t *ret_next)
{
    uint64_t end = run_end(kernel, segment, begin, false), next;

    for (;;) {
        next = run_end(kernel, segment, end, true);
        if (next == segment->file_size || next - end >= ZEROS_WORTH)
            break;
        end = run_end(kernel, segment, next, false);
    }
    *ret_next = next;
    /* Zeros from the start: no loader is asked to take a piece of no bytes. */
    return end > begin ? end : begin + block_at(segment, begin);
}

/* A piece begins where the segment does, and after each run of zeros; its memory reaches to the next. */
static int cut_segment(struct kernel *kernel, const struct segment *segment)
{
    uint64_t begin = 0, end, next;
    int r = 0;

    if (segment->type != PT_LOAD || segment->file_size == 0)
        return add_piece(kernel, segment, segment->file_size, segment->memory_size, 0);
    for (; r == 0 && begin < segment->file_size; begin = next) {
        end = piece_end(kernel, segment, begin, &next);
        r = add_piece(kernel, segment, end - begin, (next < segment->file_size ? next : segment->memory_size) - begin,
                      begin);
    }
    return r;
}

/* ---- the new file ------------------------------------------------------------------------------------ */

static int append_piece_header(struct buffer *head, const struct segment *piece, uint64_t offset)
{
    const uint64_t fields[] = {
        offset,           piece->virtual_address, piece->physical_address,
        piece->file_size, piece->memory_size,     piece->type == PT_LOAD ? PAGE_SIZE : piece->alignment};
    int r = buffer_append_u32le(head, piece->type);

    if (r == 0)
        r = buffer_append_u32le(head, piece->flags);
    for (size_t i = 0; r == 0 && i < sizeof fields / sizeof fields[0]; i++)
        r = buffer_append_u64le(head, fields[i]);
    return r;
}

/* Each piece begins on a page, as its memory does. */
static uint64_t round_up(uint64_t size)
{
    return (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

/* The old header, with the table behind it and no sections. */
static int make_head(const struct kernel *kernel, struct buffer *head)
{
    uint64_t offset = round_up(sizeof(Elf64_Ehdr) + kernel->piece_count * sizeof(Elf64_Phdr));
    Elf64_Ehdr header;
    int r;

    memcpy(&header, kernel->head, sizeof header);
    header.e_phoff = sizeof header;
    header.e_phnum = (Elf64_Half)kernel->piece_count;
    header.e_shoff = 0;
    header.e_shnum = header.e_shstrndx = 0;
    r = buffer_append(head, &header, sizeof header);
    for (unsigned i = 0; r == 0 && i < kernel->piece_count; i++) {
        r = append_piece_header(head, &kernel->pieces[i], offset);
        offset += round_up(kernel->pieces[i].file_size);
    }
    return r;
}

/* Data, and zeros up to the next page. */
static int write_padded(int fd, const void *data, uint64_t size)
{
    static const uint8_t zeros[PAGE_SIZE];
    int r = io_write_full(fd, data, (size_t)size, IO_NO_DEADLINE);

    return r == 0 ? io_write_full(fd, zeros, (size_t)(round_up(size) - size), IO_NO_DEADLINE) : r;
}

static int write_kernel(const struct kernel *kernel, int fd)
{
    CLEANUP_BUFFER struct buffer head = buffer_with_limit(sizeof(Elf64_Ehdr) + (size_t)PIECE_MAX * sizeof(Elf64_Phdr));
    int r = make_head(kernel, &head);

    if (r == 0)
        r = write_padded(fd, head.data, head.size);
    for (unsigned i = 0; r == 0 && i < kernel->piece_count; i++)
        r = write_padded(fd, kernel->data + kernel->pieces[i].offset, kernel->pieces[i].file_size);
    return r == 0 && fchmod(fd, 0444) < 0 ? -errno : r;
}

static int replace_file(const struct kernel *kernel, int folder_fd, const char *name)
{
    static const char temporary[] = ".compact";
    CLEANUP_FD int fd = openat(folder_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int r = fd < 0 ? -errno : write_kernel(kernel, fd);

    if (r == 0 && renameat(folder_fd, temporary, folder_fd, name) < 0)
        r = -errno;
    if (r < 0 && fd >= 0)
        (void)unlinkat(folder_fd, temporary, 0);
    return r;
}

static int map_kernel(struct kernel *kernel, int folder_fd, const char *name)
{
    CLEANUP_FD int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    void *data;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || status.st_size == 0 || (uint64_t)status.st_size > KERNEL_SIZE_MAX)
        return -EFBIG;
    data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return -errno;
    kernel->data = data;
    kernel->size = (size_t)status.st_size;
    return 0;
}

int kernel_compact(int folder_fd, const char *name, struct error *err)
{
    CLEANUP(kernel_unmap) struct kernel kernel = {.data = NULL};
    int r = map_kernel(&kernel, folder_fd, name);

    if (r == 0 && (kernel.size < SELFMAG || memcmp(kernel.data, ELFMAG, SELFMAG) != 0))
        return 0;
    if (r == 0)
        r = read_headers(&kernel);
    for (unsigned i = 0; r == 0 && i < kernel.segment_count; i++)
        r = cut_segment(&kernel, &kernel.segments[i]);
    if (r == 0)
        r = replace_file(&kernel, folder_fd, name);
    return r < 0 ? error_set(err, ERROR_BAD_INPUT, r, "%s: the kernel can't be laid out anew: %s", name, strerror(-r))
                 : 0;
}
