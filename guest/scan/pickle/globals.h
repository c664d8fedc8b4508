/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a pickle's globals: which are harmless, to do what with, and which are attacks by themselves.
 *
 * Theory of operation. A global is an exact pair of module and name. The tables (globals_*.c) list pairs in groups,
 * each with the reason why its members are what the group says. What no table lists is unknown: then it depends on
 * what the pickle does with it, which is the machine's to decide. Before it is looked up, a pair is put into the form
 * of today's Python and packages: Python 2's names (CPython's Lib/_compat_pickle.py), packages that have moved.
 *
 * A name with dots is what protocol 4 looks up attribute by attribute: it is dangerous where any step leads through a
 * module, through Python's machinery ("__class__"), or to a pair that is dangerous by itself. It is never allowed
 * unless a table has it as it stands.
 */
#ifndef LAZARET_GUEST_SCAN_PICKLE_GLOBALS_H
#define LAZARET_GUEST_SCAN_PICKLE_GLOBALS_H

#include <stdbool.h>
#include <stddef.h>

enum global_class {
    /* No table has it. */
    GLOBAL_UNKNOWN,
    /* To name it is enough: nothing but an attack, or a thing that runs code, opens, connects, imports, stands here. */
    GLOBAL_DANGEROUS,
    /* A class: harmless to name, to make without __init__ (NEWOBJ), to BUILD and to fill. Its __init__ is not vouched
     * for: to call it (REDUCE, INST, OBJ) is what calling an unknown class is. */
    GLOBAL_ALLOWED_CLASS,
    /* Harmless too when called with any arguments that are harmless themselves; so are values that can't be called. */
    GLOBAL_ALLOWED_CALL,
    /* Harmless to call, and makes an object of a class that is among its arguments, as NEWOBJ does: those globals among
     * its arguments count as made by NEWOBJ (copyreg._reconstructor, numpy's _reconstruct). */
    GLOBAL_ALLOWED_REBUILD,
    /* Calls, now or later, what its arguments hold: every global among them counts as called. */
    GLOBAL_ALLOWED_APPLY,
    /* The same, and the first argument is what it calls: where that is neither a global nor made from one, it is not
     * known, hence dangerous (functools.partial). */
    GLOBAL_ALLOWED_PARTIAL,
    /* Harmless with one argument, whose type it gives; with more it makes a class, which is dangerous (type). */
    GLOBAL_ALLOWED_TYPE,
    /* getattr(object, name): what it gives is the global object + "." + name, see global_judge_attribute. */
    GLOBAL_ALLOWED_GETATTR,
    /* Text to bytes or back by a named codec; what comes out is as trustworthy as what went in. */
    GLOBAL_ALLOWED_ENCODE,
    /* Unpickles its argument: bytes that are to be scanned as a pickle, or a loader of one; other arguments are not
     * known, hence dangerous (torch.storage._load_from_bytes). */
    GLOBAL_ALLOWED_LOADS,
    /* Gives the global that its two arguments, module and name, say: to be judged as that; dangerous where they are no
     * constants (numpy.core._ufunc_reconstruct). */
    GLOBAL_ALLOWED_IMPORT,
    GLOBAL_CLASS_COUNT
};

#define GLOBAL_NAME_MAX 512u /* bytes of a module or name that is looked up; a longer one is no real one: dangerous */
#define GLOBAL_DOTS_MAX 12u  /* dots in one; likewise */

/*
 * What is known of a pair; the bytes need not end in a NUL. *ret_reason (may be NULL) is set to a sentence that lives
 * as long as the program. Never fails.
 */
enum global_class global_judge(const char *module, size_t module_size, const char *name, size_t name_size,
                               const char **ret_reason);

/* The same for the attribute of a global, as getattr, or a dotted name, gives it. */
enum global_class global_judge_attribute(const char *module, size_t module_size, const char *name, size_t name_size,
                                         const char *attribute, size_t attribute_size, const char **ret_reason);

/*
 * Whether an unknown name is spelt as classes are ("HubStrategy", "_Loss"): to call it is likely to make an object;
 * else it is likely a function. Of a dotted name, the last part decides.
 */
bool global_is_class_name(const char *name, size_t name_size);

const char *global_class_name(enum global_class class); /* "unknown", "dangerous", "allowed to call", ... */

#endif
