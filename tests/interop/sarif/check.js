// SPDX-License-Identifier: Apache-2.0
// check.js FINDINGS VALIDATION: the validator has read the findings and holds nothing against them but advice on style.
'use strict';
const fs = require('fs');

const read = (path) => JSON.parse(fs.readFileSync(path, 'utf8').replace(/^\uFEFF/, '')).runs[0];
const [findings, validation] = process.argv.slice(2).map(read);
// That artifacts are listed is on purpose: they are what was looked at, with digests.
const style = new Set(['SARIF2004']);
const complaints = (validation.results || []).filter((r) => r.level !== 'note' && !style.has(r.ruleId));

for (const r of complaints)
    console.error(`${r.level} ${r.ruleId}: ${JSON.stringify(r.message)}`);
if ((validation.invocations || []).some((i) => i.executionSuccessful === false)) {
    console.error('the validator did not come to its end');
    process.exit(1);
}
const levels = new Set(findings.results.map((r) => r.level));
if (!levels.has('error') || !levels.has('warning') || findings.invocations[0].toolExecutionNotifications.length === 0) {
    console.error('the findings have no error, no warning or no gap: nothing was tested');
    process.exit(1);
}
process.exit(complaints.length > 0 ? 1 : 0);
