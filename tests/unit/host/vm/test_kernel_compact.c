/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel's file without its zeros: the same memory, the same notes, the same file each time; wrong headers refused.
 */
#include "host/vm/kernel_compact.h"

#include "unit/harness.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE   ((size_t)1 << 20)
#define MEMORY_SIZE ((size_t)2 << 20)
#define NOTE_AT     0x2010u

static uint8_t file[FILE_SIZE], again[FILE_SIZE + 4096], memory[MEMORY_SIZE], memory_again[MEMORY_SIZE];
static char folder[] = "/tmp/kernel-compact-XXXXXX";
static int folder_fd = -1;
static struct error err;

static int enter(void)
{
    folder_fd = mkdtemp(folder) == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder_fd < 0;
}

static int leave(void)
{
    (void)unlinkat(folder_fd, "vmlinux", 0);
    (void)close(folder_fd);
    return rmdir(folder);
}

static Elf64_Phdr *segment(unsigned index)
{
    return (Elf64_Phdr *)(void *)(file + sizeof(Elf64_Ehdr)) + index;
}

/* Two loaded segments with zeros of all kinds, one without a byte in the file, and a note within the first. */
static void make_kernel(void)
{
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)file;

    memset(file, 0, sizeof file);
    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS64;
    header->e_ident[EI_DATA] = ELFDATA2LSB;
    header->e_type = ET_EXEC;
    header->e_machine = EM_X86_64;
    header->e_entry = 0x100000;
    header->e_phoff = sizeof *header;
    header->e_phentsize = sizeof(Elf64_Phdr);
    header->e_phnum = 4;
    header->e_shoff = 0x1234;
    header->e_shnum = 7;
    *segment(0) = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0x2000, 0x100000, 0x100000, 0x60000, 0x60000, 0x200000};
    *segment(1) = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0x70000, 0x180000, 0x180000, 0x51234, 0x60000, 0x200000};
    *segment(2) = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0x70000, 0x1f0000, 0x1f0000, 0, 0x1000, 0x1000};
    *segment(3) = (Elf64_Phdr){PT_NOTE, PF_R, NOTE_AT, 0x100010, 0x100010, 24, 24, 4};
    memset(file + 0x2000, 0x11, 0x3000);           /* then zeros of 0x8000, not worth it */
    memset(file + 0x2000 + 0xb001, 0x22, 0x10);    /* then zeros up to 0x40000 */
    memset(file + 0x2000 + 0x40fff, 0x33, 0x2000); /* then zeros to its end */
    memcpy(file + NOTE_AT, "the note of this kernel!", 24);
    file[0x70000 + 0x51233] = 0x44; /* zeros from its start */
}

static void save_kernel(size_t size)
{
    int fd;

    (void)unlinkat(folder_fd, "vmlinux", 0);
    fd = openat(folder_fd, "vmlinux", O_WRONLY | O_CREAT | O_EXCL, 0444);
    CU_ASSERT_EQUAL(write(fd, file, size), (ssize_t)size);
    (void)close(fd);
}

static size_t read_kernel(void)
{
    int fd = openat(folder_fd, "vmlinux", O_RDONLY);
    ssize_t size = read(fd, again, sizeof again);
    struct stat status;

    CU_ASSERT(fstat(fd, &status) == 0 && (status.st_mode & 07777) == 0444);
    (void)close(fd);
    CU_ASSERT_FATAL(size > 0);
    return (size_t)size;
}

/* What a loader makes of it: bytes, then zeros, over memory that was full of something else. Returns the note. */
static const uint8_t *load(const uint8_t *data, size_t size, uint8_t *into, unsigned *ret_loads)
{
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)data;
    const Elf64_Phdr *entry = (const Elf64_Phdr *)(const void *)(data + header->e_phoff);
    const uint8_t *note = NULL;

    *ret_loads = 0;
    memset(into, 0xcc, MEMORY_SIZE);
    for (unsigned i = 0; i < header->e_phnum; i++, entry++) {
        CU_ASSERT_FATAL(entry->p_offset + entry->p_filesz <= size && entry->p_paddr + entry->p_memsz <= MEMORY_SIZE);
        if (entry->p_type == PT_NOTE)
            note = data + entry->p_offset;
        if (entry->p_type != PT_LOAD)
            continue;
        ++*ret_loads;
        CU_ASSERT(entry->p_align == 0 || entry->p_offset % 4096 == entry->p_paddr % 4096);
        CU_ASSERT(entry->p_memsz >= entry->p_filesz);
        CU_ASSERT_EQUAL(entry->p_vaddr, entry->p_paddr);
        memcpy(into + entry->p_paddr, data + entry->p_offset, entry->p_filesz);
        memset(into + entry->p_paddr + entry->p_filesz, 0, entry->p_memsz - entry->p_filesz);
    }
    return note;
}

static void test_same_memory(void)
{
    static uint8_t third[sizeof again];
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)again;
    const uint8_t *note;
    unsigned loads;
    size_t size;

    make_kernel();
    save_kernel(sizeof file);
    CU_ASSERT_EQUAL(kernel_compact(folder_fd, "vmlinux", &err), 0);
    size = read_kernel();
    /* head, 0xb011 and 0x2000 bytes of data over 12 and 3 pages, a page of zeros, the last page, the note's */
    CU_ASSERT_EQUAL(size, (1 + 12 + 3 + 1 + 1 + 1) * 4096u);
    (void)load(file, sizeof file, memory, &loads);
    CU_ASSERT_EQUAL(loads, 3);
    note = load(again, size, memory_again, &loads);
    CU_ASSERT_EQUAL(loads, 5);
    CU_ASSERT_EQUAL(memcmp(memory, memory_again, MEMORY_SIZE), 0);
    CU_ASSERT(note != NULL && memcmp(note, "the note of this kernel!", 24) == 0);
    CU_ASSERT_EQUAL(header->e_entry, 0x100000);
    CU_ASSERT(header->e_shoff == 0 && header->e_shnum == 0);
    /* Once more: nothing is left to leave out. */
    memcpy(third, again, size);
    CU_ASSERT_EQUAL(kernel_compact(folder_fd, "vmlinux", &err), 0);
    CU_ASSERT_EQUAL(read_kernel(), size);
    CU_ASSERT_EQUAL(memcmp(third, again, size), 0);
}

static bool refuses(void)
{
    save_kernel(sizeof file);
    err.kind = ERROR_NONE;
    return kernel_compact(folder_fd, "vmlinux", &err) < 0 && err.kind == ERROR_BAD_INPUT;
}

static void test_wrong_headers(void)
{
    const uint64_t wrong[] = {FILE_SIZE + 1, UINT64_MAX, UINT64_MAX - 0x2000};
    unsigned refused = 0;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        for (unsigned field = 0; field < 3; field++) {
            make_kernel();
            *(field == 0   ? &segment(1)->p_offset
              : field == 1 ? &segment(1)->p_filesz
                           : &((Elf64_Ehdr *)(void *)file)->e_phoff) = wrong[i];
            refused += refuses();
        }
    make_kernel();
    segment(0)->p_memsz = segment(0)->p_filesz - 1;
    refused += refuses();
    make_kernel();
    ((Elf64_Ehdr *)(void *)file)->e_phnum = 33;
    refused += refuses();
    make_kernel();
    file[EI_CLASS] = ELFCLASS32;
    refused += refuses();
    CU_ASSERT_EQUAL(refused, 12);
    /* Cut anywhere in its headers: refused, and left as it was. */
    make_kernel();
    for (size_t size = SELFMAG; size < sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr); size++) {
        save_kernel(size);
        CU_ASSERT(kernel_compact(folder_fd, "vmlinux", &err) < 0 && err.kind == ERROR_BAD_INPUT);
        CU_ASSERT(read_kernel() == size && memcmp(again, file, size) == 0);
    }
}

static void test_no_kernel(void)
{
    make_kernel();
    file[0] = 'K';
    save_kernel(1000);
    CU_ASSERT_EQUAL(kernel_compact(folder_fd, "vmlinux", &err), 0);
    CU_ASSERT(read_kernel() == 1000 && memcmp(again, file, 1000) == 0);
    CU_ASSERT(kernel_compact(folder_fd, "nothing", &err) < 0);
    CU_ASSERT(symlinkat("vmlinux", folder_fd, "link") == 0 && kernel_compact(folder_fd, "link", &err) < 0);
    (void)unlinkat(folder_fd, "link", 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the same memory, notes and file each time", test_same_memory},
        {"wrong headers are refused", test_wrong_headers},
        {"what is no kernel is left alone", test_no_kernel},
    };
    int r = enter();

    if (r == 0)
        r = harness_run("host vm kernel compact", tests, HARNESS_COUNT(tests));
    return leave() == 0 ? r : 1;
}
