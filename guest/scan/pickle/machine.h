/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pickle virtual machine: executes a pickle's opcodes, protocols 0 to 5, on stand-ins instead of objects.
 *
 * Theory of operation. It follows CPython's _pickle.c (function load and those that it calls), not pickletools: the
 * same stack with the same fence under the topmost mark, the same memo (MEMOIZE stores at the number of entries), the
 * same readings of numbers and strings, and the same place where a malformed stream ends. Nothing is imported or
 * called: a global is a name, the result of a call is a word that remembers what was called with what. What a pickle
 * asks for is told to the client by events, in the order in which a loader would do it.
 *
 * Loaders differ, and the machine goes on where any of the known ones does, unless it is told to be strict: the
 * Python implementation (joblib loads with it) takes a frame that is longer than the data and arguments that are no
 * tuple; an `encoding` other than ASCII (torch) takes strings that are not ASCII. Loads from a file drop what is left
 * of a frame when an opcode's argument crosses its end, loads from bytes do not: a client runs the machine both ways
 * where that was seen (frame_conflict).
 *
 * Memory is bounded: the machine reserves it from the scan, and forgets where there is no more (result.forgot).
 */
#ifndef LAZARET_GUEST_SCAN_PICKLE_MACHINE_H
#define LAZARET_GUEST_SCAN_PICKLE_MACHINE_H

#include "guest/scan/pickle/value.h"
#include "guest/scan/scan.h"

#include <stddef.h>

#define PICKLE_NAME_MAX   1024u /* bytes of a global's module and of its name; longer ones are cut */
#define PICKLE_KEPT_MAX   64u   /* values of a container that the machine remembers: the first ones */
#define PICKLE_RECENT_MAX 8u    /* opcodes whose offsets are remembered */

struct pickle_machine;

/* How a global came to its name. */
enum pickle_how {
    PICKLE_BY_GLOBAL,   /* GLOBAL: two lines of text */
    PICKLE_BY_INST,     /* INST: the same, and called at once */
    PICKLE_BY_CONSTANT, /* STACK_GLOBAL of two strings of the pickle */
    PICKLE_BY_VALUE,    /* STACK_GLOBAL of at least one that is computed: module or name are empty then */
};

/* What is done to a callable, or to an object. */
enum pickle_call {
    PICKLE_CALL_REDUCE,
    PICKLE_CALL_INST,
    PICKLE_CALL_OBJ,
    PICKLE_CALL_NEWOBJ,
    PICKLE_CALL_NEWOBJ_EX,
    PICKLE_CALL_COUNT
};

enum pickle_change {
    PICKLE_CHANGE_BUILD,   /* __setstate__, or attributes are set */
    PICKLE_CHANGE_SETITEM, /* SETITEM and SETITEMS on what is no dict */
    PICKLE_CHANGE_APPEND,  /* APPEND and APPENDS on what is no list */
    PICKLE_CHANGE_ADD,     /* ADDITEMS on what is no set */
};

/* What a client wants to remember of a global, for as long as the run. */
struct pickle_note {
    bool made;
    uint8_t class;
    const char *reason;
};

struct pickle_global {
    enum pickle_how how;
    unsigned protocol; /* of the pickle so far: below 3, Python 2 names are mapped; from 4 on, dots are followed */
    const char *module, *name; /* not terminated */
    size_t module_size, name_size;
    uint64_t offset;          /* of the opcode */
    struct pickle_note *note; /* NULL where there are too many names to keep one for each */
};

struct pickle_call_event {
    enum pickle_call how;
    pickle_value callable, arguments, keywords; /* keywords: PICKLE_ABSENT but for NEWOBJ_EX */
    uint32_t count;                             /* of arguments; UINT32_MAX where it is not known */
    uint64_t offset;
};

struct pickle_change_event {
    enum pickle_change how;
    pickle_value target;
    pickle_value state; /* BUILD: the state; else the last key and value or item */
    uint64_t count;     /* of values */
    uint64_t offset;
};

/* Deviations that no pickler writes, and over which loaders disagree. */
enum pickle_oddity {
    PICKLE_ODD_FRAME,      /* an argument crosses the end of a frame */
    PICKLE_ODD_FRAME_JOIN, /* so do the bytes of a large object, or an argument begins there: read all the same */
    PICKLE_ODD_FRAME_END,  /* a frame is longer than the data */
    PICKLE_ODD_ENCODING,   /* a STRING or BINSTRING that is not ASCII */
    PICKLE_ODD_NUMBER,     /* a number that C reads and Python does not, or the reverse */
    PICKLE_ODD_ARGUMENTS,  /* arguments that are no tuple */
    PICKLE_ODD_EXPANSION,  /* a container that stands for more than 10^12 values */
    PICKLE_ODD_COUNT
};

/*
 * All may be NULL. One that returns other than 0 ends the run, which returns the same. Values are good as long as the
 * event; their contents are read by the calls below. `ret_mark` comes with what the machine would give.
 */
struct pickle_events {
    void *argument;
    int (*global)(void *argument, struct pickle_machine *machine, const struct pickle_global *global,
                  unsigned *ret_mark, struct error *err);
    int (*call)(void *argument, struct pickle_machine *machine, const struct pickle_call_event *call,
                unsigned *ret_mark, struct error *err);
    int (*change)(void *argument, struct pickle_machine *machine, const struct pickle_change_event *change,
                  struct error *err);
    /*
     * After every BUILD of an opaque value: the target with its state. Bytes that the loader itself reads from the
     * stream here, arrays of joblib, are skipped by setting *ret_skip.
     */
    int (*built)(void *argument, struct pickle_machine *machine, pickle_value target, uint64_t offset,
                 uint64_t *ret_skip, struct error *err);
    /* A str, bytes or bytearray of at least options.text_min bytes. */
    int (*text)(void *argument, struct pickle_machine *machine, pickle_value text, uint64_t size, uint64_t offset,
                struct error *err);
    int (*persistent)(void *argument, struct pickle_machine *machine, pickle_value id, uint64_t offset,
                      unsigned *ret_mark, struct error *err);
    int (*extension)(void *argument, struct pickle_machine *machine, uint32_t code, uint64_t offset, unsigned *ret_mark,
                     struct error *err);
    int (*odd)(void *argument, struct pickle_machine *machine, enum pickle_oddity oddity, uint64_t offset,
               struct error *err);
};

struct pickle_options {
    struct scan *scan;    /* whose memory is used; NULL: SCAN_MEMORY_MAX of its own */
    bool strict;          /* exactly as _pickle.c with encoding ASCII, where results of calls are ordinary objects */
    bool file_load;       /* the rest of a frame is dropped where an argument crosses its end */
    uint64_t text_min;    /* smallest text that is an event; 0: none is */
    uint64_t opcodes_max; /* 0: no limit */
};

enum pickle_end {
    PICKLE_END_STOP,      /* a whole pickle */
    PICKLE_END_DATA,      /* the data end before */
    PICKLE_END_MALFORMED, /* a loader raises here */
    PICKLE_END_SOURCE,    /* the bytes can't be had: result.code */
    PICKLE_END_LIMIT,     /* options.opcodes_max */
};

struct pickle_result {
    enum pickle_end end;
    uint64_t offset;       /* STOP: just behind it; else the offset of the opcode that could not be executed */
    uint64_t consumed;     /* bytes read until then */
    uint64_t opcodes;      /* executed */
    uint64_t skipped;      /* bytes that events.built skipped */
    const char *cause;     /* MALFORMED, DATA: what is wrong, for people */
    int code;              /* SOURCE: as source_view */
    bool frame_conflict;   /* an argument crosses the end of a frame */
    bool forgot;           /* there was not enough memory for all values */
    uint64_t value_offset; /* first opcode whose outcome depends on values, not types; UINT64_MAX: none */
    pickle_value value;    /* STOP: what is returned */
};

/*
 * Executes the pickle at `offset` of a source. 0 with the result whatever the bytes are; else what an event returned,
 * or -ENOMEM for less memory than the machine needs at all.
 */
MUST_USE int pickle_run(struct source *source, uint64_t offset, const struct pickle_options *options,
                        const struct pickle_events *events, struct pickle_result *ret_result, struct error *err);

/* --- for events: what values are -------------------------------------------------------------------- */

/* The mark of a value and of what it is known to hold. */
unsigned pickle_mark_of(struct pickle_machine *machine, pickle_value value);
/* A global's names, not terminated; false for other kinds, and for globals that could not be kept. */
bool pickle_global_of(struct pickle_machine *machine, pickle_value value, struct pickle_global *ret_global);
/* A result's callable, arguments and, after BUILD, state (PICKLE_ABSENT before); false where forgotten. */
bool pickle_result_of(struct pickle_machine *machine, pickle_value value, pickle_value *ret_callable,
                      pickle_value *ret_arguments, pickle_value *ret_state);
/* The id that a loader's hook was asked for; PICKLE_ABSENT where forgotten, or for other kinds. */
pickle_value pickle_persistent_of(struct pickle_machine *machine, pickle_value value);
/* Items of a container: how many there are in all (a dict has two a pair, key first), and how many are kept. */
bool pickle_items_of(struct pickle_machine *machine, pickle_value value, uint64_t *ret_count, uint32_t *ret_kept);
/* An item that is kept, else PICKLE_ABSENT. */
pickle_value pickle_item_of(struct pickle_machine *machine, pickle_value value, uint32_t index);
/* The value for a text key of a dict, among the items kept; PICKLE_ABSENT where there is none. */
pickle_value pickle_lookup(struct pickle_machine *machine, pickle_value dict, const char *key);
/* An int's value; false where it is another kind or does not fit 48 bits. */
bool pickle_int_of(pickle_value value, int64_t *ret_value);
/*
 * A text's first bytes: UTF-8 of a str, raw ones of bytes; at most `size`, *ret_size is how many were written.
 * *ret_whole (may be NULL): whether that is all. -EINVAL for other kinds; a source's error.
 */
MUST_USE int pickle_text_of(struct pickle_machine *machine, pickle_value value, void *ret_bytes, size_t size,
                            size_t *ret_size, bool *ret_whole, struct error *err);
/* Where a text's bytes lie in the source, if they lie there as they are (no escapes); for large ones. */
bool pickle_text_range(struct pickle_machine *machine, pickle_value value, uint64_t *ret_offset, uint64_t *ret_size);
/* Offsets of the opcodes executed last, oldest first, the current one last; at most PICKLE_RECENT_MAX. */
unsigned pickle_recent(const struct pickle_machine *machine, uint64_t ret_offsets[PICKLE_RECENT_MAX]);
struct source *pickle_source(struct pickle_machine *machine);
unsigned pickle_protocol(const struct pickle_machine *machine);

#endif
