/* SPDX-License-Identifier: Apache-2.0 */
/* Knowing program source by the beginnings of its lines. */
#include "guest/scan/code_source.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define CODE_SHARE 4u /* one line of so many is a statement, in source */
#define CODE_LINES 2u /* statements at least */

static bool begins(const struct code_line *line, const char *word)
{
    size_t size = strlen(word);

    return line->size >= size && memcmp(line->text, word, size) == 0;
}

static bool ends(const struct code_line *line, char c)
{
    return line->size > 0 && line->text[line->size - 1] == c;
}

static bool has(const struct code_line *line, const char *text)
{
    return memmem(line->text, line->size, text, strlen(text)) != NULL;
}

/* "import a.b as c": words and dots only. */
static bool is_import(const struct code_line *line)
{
    if (!begins(line, "import ") || line->size < 8)
        return false;
    for (size_t i = 7; i < line->size && line->text[i] != ';'; i++)
        if (!isalnum((unsigned char)line->text[i]) && memchr("._, *{}\"'/", line->text[i], 11) == NULL)
            return false;
    return !has(line, ". ") && !ends(line, '.');
}

/* A statement that stands at the beginning of a line in source, and hardly ever in text. */
static bool is_statement(const struct code_line *line)
{
    return is_import(line) || (begins(line, "from ") && has(line, " import ")) ||
           (begins(line, "def ") && has(line, "(") && ends(line, ':')) ||
           (begins(line, "async def ") && ends(line, ':')) || (begins(line, "class ") && ends(line, ':')) ||
           (begins(line, "@") && !has(line, " ") && !has(line, "@ ")) || begins(line, "if __name__ ==") ||
           (begins(line, "exec(") && ends(line, ')')) || (begins(line, "eval(") && ends(line, ')')) ||
           (begins(line, "const ") && has(line, " = ")) || (begins(line, "var ") && has(line, " = ")) ||
           (begins(line, "let ") && has(line, " = ")) || begins(line, "function ") || begins(line, "#include <") ||
           begins(line, "using System") || begins(line, "package main") || begins(line, "public class ") ||
           begins(line, "require(") || (begins(line, "local ") && has(line, " = ")) ||
           (begins(line, "$") && has(line, " = ")) || begins(line, "Invoke-") || begins(line, "powershell ") ||
           begins(line, "IEX") || begins(line, "curl ") || begins(line, "wget ") || begins(line, "sudo ") ||
           begins(line, "rm -") || begins(line, "__import__(") || begins(line, "os.system(") ||
           begins(line, "subprocess.") || begins(line, "library(") || begins(line, "os.execute(") ||
           begins(line, "export ") || begins(line, "<script") || begins(line, "bash -") || begins(line, "nc -") ||
           (begins(line, "Set ") && has(line, "CreateObject(")) || begins(line, "Dim ");
}

/* The next line without the blanks around it; false at the end. */
bool code_line_next(const char **text, size_t *size, struct code_line *ret_line)
{
    const char *end;
    size_t length;

    if (*size == 0)
        return false;
    end = memchr(*text, '\n', *size);
    length = end != NULL ? (size_t)(end - *text) : *size;
    *ret_line = (struct code_line){.text = *text, .size = length};
    while (ret_line->size > 0 && isspace((unsigned char)ret_line->text[ret_line->size - 1]))
        ret_line->size--;
    length += end != NULL;
    *text += length;
    *size -= length;
    return true;
}

/* Whether enough of the lines are statements; pages mark what they show by fences, and headings by "# ". */
bool code_source_is(const void *bytes, size_t size)
{
    const char *text = bytes;
    uint64_t lines = 0, statements = 0;
    bool fenced = false;
    struct code_line line;

    while (code_line_next(&text, &size, &line)) {
        if (begins(&line, "```") || begins(&line, "~~~"))
            fenced = !fenced;
        if (fenced || line.size == 0 || line.text[0] == '#' || line.text[0] == ' ' || line.text[0] == '\t')
            continue;
        lines++;
        statements += is_statement(&line);
    }
    return statements > 0 && statements * CODE_SHARE >= lines && (statements >= CODE_LINES || statements * 2 >= lines);
}
