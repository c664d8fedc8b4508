// SPDX-License-Identifier: Apache-2.0
// check.js CHROMIUM SHOTS FILE.html...: reports in a browser, at three widths, light and dark, and for print: nothing is
// fetched, nothing overflows, no text covers another, the page says nothing to the console, and axe-core finds no violation.
'use strict';
const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const [program, shots, ...files] = process.argv.slice(2);
const views = [[360, 'light'], [768, 'light'], [1280, 'dark']];
const paperWidth = 688; // CSS pixels between the margins of A4 upright
const shown = new Set(['rewritten', 'hostile']); // whose pictures are kept
let failures = 0;

function complain(where, what) {
    console.error(`${where}: ${what}`);
    failures++;
}

// Runs in the page: boxes of text, and what sticks out or is covered.
function layout() {
    const faults = [];
    const wide = document.documentElement.scrollWidth;
    if (wide > window.innerWidth)
        faults.push(`the page is ${wide} wide in a window of ${window.innerWidth}`);

    const clipOf = (element) => { // what of an element its scrolling boxes show
        let clip = { left: 0, right: window.innerWidth, top: -Infinity, bottom: Infinity };
        for (let box = element.parentElement; box; box = box.parentElement) {
            if (getComputedStyle(box).overflowX === 'visible')
                continue;
            const r = box.getBoundingClientRect();
            clip = { left: Math.max(clip.left, r.left), right: Math.min(clip.right, r.right),
                     top: Math.max(clip.top, r.top), bottom: Math.min(clip.bottom, r.bottom) };
        }
        return clip;
    };
    const texts = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        const element = node.parentElement;
        if (node.data.trim() === '' || element.closest('title, desc, .unseen, .skip, details:not([open]) > :not(summary)'))
            continue;
        const clip = clipOf(element);
        const scrolls = element.closest('.scroll, pre');
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const r of range.getClientRects()) {
            if (r.width < 1 || r.height < 1)
                continue;
            if (!scrolls && (r.right > window.innerWidth + 1 || r.left < -1))
                faults.push(`text sticks out: "${node.data.slice(0, 40)}"`);
            const box = { left: Math.max(r.left, clip.left), right: Math.min(r.right, clip.right),
                          top: Math.max(r.top, clip.top), bottom: Math.min(r.bottom, clip.bottom), node };
            if (box.right - box.left > 1 && box.bottom - box.top > 1)
                texts.push(box);
        }
    }
    for (const frame of document.querySelectorAll('figure > svg')) { // labels stay within their drawing
        const f = frame.getBoundingClientRect();
        for (const label of frame.querySelectorAll('text')) {
            const r = label.getBoundingClientRect();
            if (r.left < f.left - 1 || r.right > f.right + 1 || r.top < f.top - 1 || r.bottom > f.bottom + 1)
                faults.push(`a label leaves its drawing: "${label.textContent}"`);
        }
    }
    texts.sort((a, b) => a.top - b.top);
    for (let i = 0; i < texts.length; i++)
        for (let j = i + 1; j < texts.length && texts[j].top < texts[i].bottom - 3; j++) {
            const [a, b] = [texts[i], texts[j]];
            if (a.node !== b.node && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
                Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
                faults.push(`"${a.node.data.slice(0, 30)}" covers "${b.node.data.slice(0, 30)}"`);
        }
    return { faults: faults.slice(0, 10), texts: texts.length };
}

async function look(page, where) {
    const { faults, texts } = await page.evaluate(layout);
    for (const fault of faults)
        complain(where, fault);
    if (texts < 20)
        complain(where, `only ${texts} pieces of text are seen`);
}

async function judge(page, where) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate('axe.run({ resultTypes: ["violations"] })');
    for (const v of violations)
        complain(where, `${v.impact} ${v.id}: ${v.nodes.length} times, first ${v.nodes[0].target}: ${v.nodes[0].failureSummary}`);
}

async function check(browser, file) {
    const name = path.basename(file, '.html');
    const context = await browser.newContext();
    const page = await context.newPage();
    const url = 'file://' + path.resolve(file);
    page.on('console', (message) => complain(name, `console: ${message.text()}`));
    page.on('pageerror', (error) => complain(name, `error: ${error.message}`));
    page.on('dialog', (dialog) => { complain(name, `dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on('request', (request) => {
        if (request.url() !== url && !request.url().startsWith('data:image/png;base64,'))
            complain(name, `asks for ${request.url()}`);
    });
    await page.goto(url);
    await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
    for (const [width, colorScheme] of views) {
        const where = `${name}, ${width} ${colorScheme}`;
        await page.emulateMedia({ colorScheme, media: 'screen' });
        await page.setViewportSize({ width, height: 900 });
        await look(page, where);
        if (width !== 768)
            await judge(page, where);
        if (shown.has(name))
            await page.screenshot({ path: path.join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    }
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    await page.setViewportSize({ width: paperWidth, height: 900 });
    await look(page, `${name}, print`);
    if (shown.has(name))
        await page.pdf({ path: path.join(shots, `${name}.pdf`), format: 'A4', preferCSSPageSize: true });
    if (await page.evaluate('document.scripts.length + document.querySelectorAll("[src]:not(img), link, iframe, object, embed").length') !== 0)
        complain(name, 'the page has a script, or something of elsewhere');
    await context.close();
}

(async () => {
    const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] });
    fs.mkdirSync(shots, { recursive: true });
    for (const file of files)
        await check(browser, file);
    await browser.close();
    console.log(`${files.length} reports looked at, ${failures} complaints`);
    process.exit(failures > 0 ? 1 : 0);
})().catch((error) => { console.error(error); process.exit(1); });
