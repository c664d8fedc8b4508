// SPDX-License-Identifier: Apache-2.0
// check_timestamp.js BUNDLE PUB.pem LEAF.pem CA.pem OTHER.tsr: the Sigstore project's verifier, told to ask for a timestamp, on our
// bundle with one, and on changed copies of it. OTHER.tsr: the same authority's timestamp of something else.
'use strict';
const { createPublicKey } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { X509Certificate } = require('@sigstore/core');
const { Verifier, toSignedEntity } = require('@sigstore/verify');

const [bundlePath, keyPath, leafPath, caPath, otherPath] = process.argv.slice(2);
const publicKey = createPublicKey(readFileSync(keyPath));
const text = readFileSync(bundlePath, 'utf8');
const certChain = [leafPath, caPath].map((path) => X509Certificate.parse(readFileSync(path, 'utf8')));
const always = { start: new Date(0), end: new Date('2090-01-01') };

// `authorities` are trusted; one timestamp of theirs is asked for.
function accepts(change, authorities, keyEnd) {
  const verifier = new Verifier(
    {
      certificateAuthorities: [],
      timestampAuthorities: authorities,
      tlogs: [],
      ctlogs: [],
      publicKey: () => ({ publicKey, validFor: (when) => keyEnd === undefined || when < keyEnd }),
    },
    { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 1 },
  );
  const json = JSON.parse(text);
  change(json);
  try {
    verifier.verify(toSignedEntity(bundleFromJSON(json)));
    return true;
  } catch {
    return false;
  }
}

function stamps(json) {
  return json.verificationMaterial.timestampVerificationData.rfc3161Timestamps;
}

function turned(base64, find, offset) {
  const bytes = Buffer.from(base64, 'base64');
  bytes[bytes.indexOf(find) + offset] ^= 1;
  return bytes.toString('base64');
}

const trusted = [{ certChain, validFor: always }];
const ended = [{ certChain, validFor: { start: new Date(0), end: new Date(86400000) } }];
const imprint = Buffer.from('0420', 'hex'); // OCTET STRING of 32 bytes
const year = Buffer.from('\x18\x0f20', 'latin1'); // GeneralizedTime 20...
const cases = [
  ['the timestamp as it is', true, () => {}, trusted],
  ['no timestamp', false, (b) => { delete b.verificationMaterial.timestampVerificationData; }, trusted],
  ['another time', false, (b) => { stamps(b)[0].signedTimestamp = turned(stamps(b)[0].signedTimestamp, year, 5); }, trusted],
  ['another imprint', false, (b) => { stamps(b)[0].signedTimestamp = turned(stamps(b)[0].signedTimestamp, imprint, 9); },
    trusted],
  ['a changed signature of the authority', false, (b) => {
    const bytes = Buffer.from(stamps(b)[0].signedTimestamp, 'base64');
    bytes[bytes.length - 3] ^= 1;
    stamps(b)[0].signedTimestamp = bytes.toString('base64');
  }, trusted],
  ['a timestamp of something else', false, (b) => { stamps(b)[0].signedTimestamp = readFileSync(otherPath).toString('base64'); },
    trusted],
  ['an authority that nobody trusts', false, () => {}, []],
  ['an authority whose time had ended', false, () => {}, ended],
  ['a key whose time had ended before the stamp', false, () => {}, trusted, new Date(86400000)],
];
let failures = 0;
for (const [name, expected, change, authorities, keyEnd] of cases) {
  const ok = accepts(change, authorities, keyEnd) === expected;
  failures += ok ? 0 : 1;
  console.log(`${ok ? 'ok  ' : 'FAIL'} @sigstore/verify ${expected ? 'accepts' : 'refuses'} ${name}`);
}
process.exit(failures === 0 ? 0 : 1);
