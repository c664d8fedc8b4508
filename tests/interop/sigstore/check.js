// SPDX-License-Identifier: Apache-2.0
// check.js BUNDLE PUB.pem: the Sigstore project's own verifier on our bundle, and on changed copies of it.
'use strict';
const { createPublicKey } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { Verifier, toSignedEntity } = require('@sigstore/verify');

const [bundlePath, keyPath] = process.argv.slice(2);
const publicKey = createPublicKey(readFileSync(keyPath));
const text = readFileSync(bundlePath, 'utf8');
const verifier = new Verifier(
  {
    certificateAuthorities: [],
    timestampAuthorities: [],
    tlogs: [],
    ctlogs: [],
    publicKey: () => ({ publicKey, validFor: () => true }),
  },
  { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 },
);

// Whether the bundle, changed by `change`, parses and verifies.
function accepts(change) {
  const json = JSON.parse(text);
  change(json);
  try {
    verifier.verify(toSignedEntity(bundleFromJSON(json)));
    return true;
  } catch {
    return false;
  }
}

function flip(base64, index) {
  const bytes = Buffer.from(base64, 'base64');
  bytes[index < 0 ? bytes.length + index : index] ^= 1;
  return bytes.toString('base64');
}

const cases = [
  ['the bundle as it is', true, () => {}],
  ['a changed payload', false, (b) => { b.dsseEnvelope.payload = flip(b.dsseEnvelope.payload, 30); }],
  ['a changed signature', false, (b) => {
    b.dsseEnvelope.signatures[0].sig = flip(b.dsseEnvelope.signatures[0].sig, -1);
  }],
  ['another payload type', false, (b) => { b.dsseEnvelope.payloadType = 'application/json'; }],
  ['two signatures', false, (b) => { b.dsseEnvelope.signatures.push(b.dsseEnvelope.signatures[0]); }],
  ['no signature', false, (b) => { b.dsseEnvelope.signatures = []; }],
];
let failures = 0;
for (const [name, expected, change] of cases) {
  const ok = accepts(change) === expected;
  failures += ok ? 0 : 1;
  console.log(`${ok ? 'ok  ' : 'FAIL'} @sigstore/verify ${expected ? 'accepts' : 'refuses'} ${name}`);
}
process.exit(failures === 0 ? 0 : 1);
