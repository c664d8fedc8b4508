/* SPDX-License-Identifier: Apache-2.0 */
/* Templates that leave their text, and those of ordinary models. */
#include "guest/scan/jinja.h"
#include "unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct jinja judge(const char *text)
{
    struct jinja jinja;

    jinja_judge(text, strlen(text), &jinja);
    for (unsigned i = 0; i < JINJA_TRAIT_COUNT; i++)
        if (jinja.traits[i].found)
            CU_ASSERT_TRUE_FATAL(jinja.traits[i].offset < strlen(text) && jinja.traits[i].what != NULL);
    return jinja;
}

static bool is_dangerous(const struct jinja *jinja)
{
    return jinja->traits[JINJA_INTERNALS].found || jinja->traits[JINJA_COMPUTED].found ||
           jinja->traits[JINJA_CALL].found;
}

static void test_escapes_are_found(void)
{
    static const char *const texts[] = {
        "{{ ''.__class__ }}",
        "{{ x . __class__ }}",
        "{{ x['__class__'] }}",
        "{{ x[\"__cl\" \"ass__\"] }}",
        "{{ x['__cl'+'ass__'] }}",
        "{{ x['__cl' ~ 'ass__'] }}",
        "{{ x[['__cl','ass__']|join] }}",
        "{{ x['%s%s'|format('__cl','ass__')] }}",
        "{{ x['__ssalc__'|reverse] }}",
        "{{ x['__ssalc__'[::-1]] }}",
        "{{ x['__CLASS__'|lower] }}",
        "{{ x['\\x5f\\x5fclass\\x5f\\x5f'] }}",
        "{{ x['\\u005f\\137class__'] }}",
        "{{ x|attr('__class__') }}",
        "{{ x|attr(y) }}",
        "{{ x | attr ( '_' * 2 ~ y ) }}",
        "{{ x|attr(request.args.a) }}",
        "{% set a='__cl' %}{% set b='ass__' %}{{ x[a~b] }}",
        "{{ '{0.__class__}'.format(x) }}",
        "{{ messages|map(attribute='__class__')|list }}",
        "{{ dict(__class__=1)|join }}",
        "{{ x[dict(__cl=1, ass__=2)|join] }}",
        "{{ x['%c%cclass%c%c'|format(95, 95, 95, 95)] }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{% for c in [].__class__.__base__.__subclasses__() %}{% endfor %}",
        "{% if x.__reduce_ex__ %}{% endif %}",
        "{# nothing #}{{ self.__dict__ }}",
        "{% raw %}{{ a }}{% endraw %}{{ a.__class__ }}",
        "{%- set y = x.gi_frame -%}",
        "{{ os.system('id') }}",
        "{{ eval('1') }}",
        "{{ open('/etc/hosts').read() }}",
        "{{ 'it''s' }}{{ a.__class__ }}",
        "a '{{' \" {{ a.__class__ }}",
        "{{ {'a': 1}.__class__ }}",
        "{{ $x }} {{ a.__class__ }}",
        "{{{'a':{'b':1}}.__class__}}",
    };

    for (size_t i = 0; i < HARNESS_COUNT(texts); i++) {
        struct jinja jinja = judge(texts[i]);

        CU_ASSERT_TRUE(is_dangerous(&jinja));
        if (!is_dangerous(&jinja))
            fprintf(stderr, "missed: %s\n", texts[i]);
    }
}

static void test_oddities_are_found(void)
{
    static const struct {
        const char *text;
        enum jinja_trait trait;
    } cases[] = {
        {"{% include 'x.html' %}", JINJA_INCLUDE},
        {"{%- import 'a' as a %}", JINJA_INCLUDE},
        {"{% extends base %}", JINJA_INCLUDE},
        {"{{ x|attr('name') }}", JINJA_ODD},
        {"{{ '__glo' }}", JINJA_ODD},
        {"{{ x._module }}", JINJA_ODD},
        {"{{ url_for('a') }}", JINJA_ODD},
        {"{{ 'a' * 100000000 }}", JINJA_BOMB},
        {"{{ 'a' * 10**9 }}", JINJA_BOMB},
        {"{% for i in range(999999999) %}{% endfor %}", JINJA_BOMB},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct jinja jinja = judge(cases[i].text);

        CU_ASSERT_TRUE(jinja.traits[cases[i].trait].found);
        CU_ASSERT_FALSE(is_dangerous(&jinja));
    }
}

/* Written after what chat templates of known models do; none is one of theirs. */
static void test_ordinary_templates(void)
{
    static const char *const texts[] = {
        "no block at all, __class__ or not",
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}",
        "{%- set ns = namespace(found=false, system='') -%}{%- if not loop.last %}{%- set ns.found = true %}{%- endif "
        "%}",
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% endif %}",
        "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif "
        "%}",
        "{%- for tool in tools %}{{- tool | tojson(indent=4) }}{%- endfor %}{{ strftime_now('%d %b %Y') }}",
        "{%- set content = message.content.split('</think>')[-1].lstrip('\\n') %}",
        "{%- for k, v in tool.parameters.properties.items() %}{{ k ~ ': ' ~ v.type }}{%- endfor %}",
        "{%- macro render(x, depth=0) %}{{ x|trim|replace('a', 'b')|upper }}{%- endmacro %}{{ render(1) }}",
        "{% set _ = ns.parts.append(message.content) %}{{ ns.parts | join('') }}",
        "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list | last }}",
        "{% generation %}{{ message.content }}{% endgeneration %}{%- if tools is defined and tools is not none %}",
        "{# the __class__ of a comment #}{% raw %}{{ a.__class__ }}{% endraw %}",
        "{%- if message.tool_calls is iterable and message.tool_calls|length > 1000000 %}{% endif %}",
        "{{ '[TOOL_CALLS] [' + '{\"name\": \"' + t.function.name + '\", \"id\": \"' + t.id + '\"}' }}",
        "{{ 'You can run code: import os; os.listdir()' }}",
        "a block that Jinja refuses: {{ a.__class__",
        "another: {{ $x.__class__ }} {{ `a`.__class__ }} {{ 'a.__class__ }}",
        "{{{1 a fold of an editor's: os.system() }}}",
        "body { color: red } .a:hover {{ x }} {{ .System }} {{#if x}} {{/if}}",
    };

    for (size_t i = 0; i < HARNESS_COUNT(texts); i++) {
        struct jinja jinja = judge(texts[i]);

        for (unsigned k = 0; k < JINJA_TRAIT_COUNT; k++) {
            CU_ASSERT_FALSE(jinja.traits[k].found);
            if (jinja.traits[k].found)
                fprintf(stderr, "%s: %s\n", jinja.traits[k].what, texts[i]);
        }
    }
}

static void test_place_and_blocks(void)
{
    struct jinja jinja = judge("ab{{ c }}{% d %}{{ e.__class__ }}");

    CU_ASSERT_EQUAL(jinja.blocks, 3);
    CU_ASSERT_EQUAL(jinja.traits[JINJA_INTERNALS].offset, 21);
    CU_ASSERT_TRUE(jinja_has_blocks("a{{", 3));
    CU_ASSERT_FALSE(jinja_has_blocks("a{", 2));
    CU_ASSERT_FALSE(jinja_has_blocks("{#{# {a} #}", 11));
}

/* Every cut of a template that uses everything ends. */
static void test_cut_templates(void)
{
    const char *text =
        "{%- raw %}{{{%endraw%}{# #}{{ x|attr('\\x5f\\u005f' ~ \"\\1\\12\\123\") }}{% if 1e9*'a' %}{{ a.b }}";
    struct jinja jinja;

    for (size_t size = 0; size <= strlen(text); size++) {
        char *copy = malloc(size + 1);

        CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
        memcpy(copy, text, size);
        jinja_judge(copy, size, &jinja);
        CU_ASSERT_TRUE(jinja.blocks <= 5);
        free(copy);
    }
}

/* Blocks that open and never close are not followed for ever. */
static void test_open_blocks(void)
{
    const size_t size = 1 << 20;
    char *text = malloc(size);
    struct jinja jinja;

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (size_t i = 0; i < size; i++)
        text[i] = "{{ a.b "[i % 7];
    jinja_judge(text, size, &jinja);
    CU_ASSERT_TRUE(jinja.traits[JINJA_ODD].found);
    free(text);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"ways out are found", test_escapes_are_found},  {"oddities are found", test_oddities_are_found},
        {"ordinary templates", test_ordinary_templates}, {"place and blocks", test_place_and_blocks},
        {"cut templates", test_cut_templates},           {"open blocks", test_open_blocks},
    };

    return harness_run("jinja", tests, HARNESS_COUNT(tests));
}
