// SPDX-License-Identifier: Apache-2.0
// check.js WORK PUB.pem SIZE: the Sigstore project's own verifier on WORK/bundle.json, which has the entry of a ledger
// WORK/log of SIZE leaves, on changed copies of it, and with parts of WORK/wrong.json, another bundle of that ledger.
'use strict';
const { createHash, createPublicKey } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { bundleFromJSON } = require('@sigstore/bundle');
const { Verifier, toSignedEntity } = require('@sigstore/verify');

const [work, keyPath, treeSize] = process.argv.slice(2);
const publicKey = createPublicKey(readFileSync(keyPath));
const text = readFileSync(join(work, 'bundle.json'), 'utf8');
const wrong = JSON.parse(readFileSync(join(work, 'wrong.json'), 'utf8'));

// The log as a trusted root would list it, from its verifier key.
// Base64 may hold plus signs too, a name may not.
const [name, , ...encoded] = readFileSync(join(work, 'log/vkey'), 'utf8').trim().split('+');
const key = Buffer.from(encoded.join('+'), 'base64');
const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key.subarray(1)]);
const logID = createHash('sha256').update(name + '\n').update(key).digest();
const tlog = {
  logID,
  publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }),
  validFor: { start: new Date(0), end: new Date(8640000000000000) },
  baseURL: `https://${name}`,
};
const verifier = new Verifier(
  {
    certificateAuthorities: [],
    timestampAuthorities: [],
    tlogs: [tlog],
    ctlogs: [],
    publicKey: () => ({ publicKey, validFor: () => true }),
  },
  { tlogThreshold: 1, ctlogThreshold: 0, timestampThreshold: 0 },
);

// Whether the bundle, changed by `change`, parses and verifies.
function accepts(change) {
  const json = JSON.parse(text);
  change(json, json.verificationMaterial.tlogEntries[0]);
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

function flipSignature(envelope) {
  const line = envelope.trimEnd();
  const at = line.lastIndexOf(' ') + 1;
  return line.slice(0, at) + flip(line.slice(at), -1) + '\n';
}

const entry = JSON.parse(text).verificationMaterial.tlogEntries[0];
const size = Number(entry.inclusionProof.treeSize);
const cases = [
  ['a bundle with our entry', true, () => {}],
  ['a changed payload', false, (b) => { b.dsseEnvelope.payload = flip(b.dsseEnvelope.payload, 30); }],
  ['another payload type', false, (b) => { b.dsseEnvelope.payloadType = 'application/json'; }],
  ['a second signature', false, (b) => { b.dsseEnvelope.signatures.push(b.dsseEnvelope.signatures[0]); }],
  ['none of our entry', false, (b) => { b.verificationMaterial.tlogEntries = []; }],
  ["another leaf's entry", false, (b) => { b.verificationMaterial.tlogEntries = wrong.verificationMaterial.tlogEntries; }],
  ["another leaf's body", false, (b, e) => { e.canonicalizedBody = wrong.verificationMaterial.tlogEntries[0].canonicalizedBody; }],
  ['a changed hash of the proof', false, (b, e) => { e.inclusionProof.hashes[0] = flip(e.inclusionProof.hashes[0], 0); }],
  ['a shorter proof', false, (b, e) => { e.inclusionProof.hashes.pop(); }],
  ['another index', false, (b, e) => { e.inclusionProof.logIndex = String(Number(entry.logIndex) + 1); }],
  ['a changed checkpoint signature', false, (b, e) => {
    e.inclusionProof.checkpoint.envelope = flipSignature(e.inclusionProof.checkpoint.envelope);
  }],
  ['a changed checkpoint size', false, (b, e) => {
    e.inclusionProof.checkpoint.envelope = e.inclusionProof.checkpoint.envelope.replace(`\n${size}\n`, `\n${size + 1}\n`);
  }],
  ['another kind', false, (b, e) => { e.kindVersion.kind = 'hashedrekord'; }],
  ['a changed bundle signature', false, (b) => {
    b.dsseEnvelope.signatures[0].sig = flip(b.dsseEnvelope.signatures[0].sig, -1);
  }],
];
if (wrong.dsseEnvelope.payload !== JSON.parse(text).dsseEnvelope.payload) {
  cases.push(["another result's envelope", false, (b) => { b.dsseEnvelope = wrong.dsseEnvelope; }]);
}
let failures = 0;
if (entry.logId.keyId !== logID.toString('base64') || size !== Number(treeSize)) {
  console.log('FAIL the entry names another log or size');
  failures++;
}
for (const [what, expected, change] of cases) {
  const ok = accepts(change) === expected;
  failures += ok ? 0 : 1;
  console.log(`${ok ? 'ok  ' : 'FAIL'} @sigstore/verify ${expected ? 'accepts' : 'refuses'} ${what}`);
}
process.exit(failures === 0 ? 0 : 1);
