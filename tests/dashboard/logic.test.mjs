// What the dashboard computes by itself: differences, colours, words, pasted bytes. No browser.
import assert from 'node:assert/strict';
import {createRequire} from 'node:module';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {fileURLToPath, pathToFileURL} from 'node:url';

import {sgx3, sgx4} from './mock_data.mjs';
import {evaluate, parse, PolicyError} from './mock_policy.mjs';

const root = fileURLToPath(new URL('../../dashboard/', import.meta.url));
const require = createRequire(join(root, 'package.json'));
const out = mkdtempSync(join(tmpdir(), 'casemate-logic-'));
const lib = {};

before(async () => {
    const {build} = await import(pathToFileURL(require.resolve('vite')).href);
    const names = ['base64', 'diff', 'format', 'highlight', 'release'];
    const input = Object.fromEntries(names.map((n) => [n, join(root, `src/lib/${n}.ts`)]));

    await build({root, configFile: false, logLevel: 'warn', publicDir: false, build: {outDir: out, lib: {entry: input, formats: ['es']}}});
    for (const name of names) {
        lib[name] = await import(pathToFileURL(join(out, `${name}.js`)).href);
    }
});
after(() => rmSync(out, {recursive: true, force: true}));

test('a difference gives both texts back, and is as short as can be', () => {
    const {diffLines} = lib.diff;
    const text = (lines, not) => lines.filter((l) => l.kind !== not).map((l) => l.text);
    let state = 42;
    const next = (n) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % n;

    for (let round = 0; round < 300; round++) {
        const a = Array.from({length: next(9)}, () => 'abc'[next(3)]);
        const b = Array.from({length: next(9)}, () => 'abc'[next(3)]);
        const lines = diffLines(a.join('\n'), b.join('\n'));
        assert.deepEqual(text(lines, 'added'), a);
        assert.deepEqual(text(lines, 'removed'), b);
        assert.deepEqual(lines.filter((l) => l.before !== null).map((l) => l.before), a.map((_, i) => i + 1));
        assert.deepEqual(lines.filter((l) => l.after !== null).map((l) => l.after), b.map((_, i) => i + 1));
        // longest common subsequence, computed another way
        const memo = new Map();
        const common = (i, j) => {
            const key = i * 100 + j;
            if (i === a.length || j === b.length) {
                return 0;
            }
            if (!memo.has(key)) {
                memo.set(key, a[i] === b[j] ? common(i + 1, j + 1) + 1 : Math.max(common(i + 1, j), common(i, j + 1)));
            }
            return memo.get(key);
        };
        assert.equal(lines.filter((l) => l.kind === 'same').length, common(0, 0));
    }
});

test('only what is near a change is shown; the rest is counted', () => {
    const {diffLines, hunks} = lib.diff;
    const before_ = Array.from({length: 40}, (_, i) => `line ${i}`);
    const parts = hunks(diffLines(before_.join('\n'), before_.with(20, 'changed').join('\n')));

    assert.deepEqual(parts.map((p) => p.hidden ?? p.lines.length), [17, 8, 16]);
    assert.deepEqual(hunks(diffLines('a\nb', 'a\nb')), [{hidden: 2}]);
});

test('colours change nothing of a text', () => {
    const {policyLines, jsonPieces} = lib.highlight;
    const join_ = (lines) => lines.map((pieces) => pieces.map((p) => p.text).join('')).join('\n');

    for (const text of [sgx3, sgx4, 'version=1.0;\n"open \\" string\n // c\n\u{1f600}\t$x', '', '"\\', '\0']) {
        assert.equal(join_(policyLines(text)), text);
        assert.equal(jsonPieces(text).map((p) => p.text).join(''), text.replaceAll('\n', '\n'));
    }
    const kinds = Object.fromEntries(policyLines('[type=="x", value>=3] => permit(); // why')[0].map((p) => [p.text, p.kind]));
    assert.deepEqual([kinds.type, kinds['"x"'], kinds['3'], kinds.permit, kinds['// why']], ['name', 'string', 'number', 'action', 'comment']);
    assert.deepEqual(jsonPieces('{"a" : "b"}').filter((p) => p.text.startsWith('"')).map((p) => p.kind), ['name', 'string']);
});

test('what is pasted is hexadecimal, base64 of either alphabet, or nothing', () => {
    const {pastedBytes} = lib.base64;

    assert.deepEqual(pastedBytes('0x00 FF\n10'), {base64: 'AP8Q', bytes: 3, form: 'hex'});
    assert.deepEqual(pastedBytes('-_-_'), {base64: '+/+/', bytes: 3, form: 'base64'});
    assert.deepEqual(pastedBytes('-----BEGIN X-----\nzg==\n-----END X-----'), {base64: 'zg==', bytes: 1, form: 'base64'});
    assert.deepEqual(pastedBytes('zgA'), {base64: 'zgA=', bytes: 2, form: 'base64'});
    for (const text of ['', '   ', 'z', 'a b!', '===', 'zzzzz']) {
        assert.equal(pastedBytes(text), null, text);
    }
});

test('a release policy in words', () => {
    const {releaseWords} = lib.release;
    const policy = {
        version: '1.0.0',
        anyOf: [
            {authority: 'https://a', allOf: [{claim: 'x', equals: 'y'}, {anyOf: [{claim: 'n', greaterOrEquals: 3}, {claim: 'm', exists: false}]}]},
            {authority: 'https://b', anyOf: [{claim: 'old', condition: 'notEquals', value: true}]},
        ],
    };

    assert.deepEqual(
        releaseWords(policy).map((s) => `${' '.repeat(s.depth)}${s.text}`),
        ['To whoever has a token of https://a in which', ' all of:', '  x is y', '  at least one of:', '   n is at least 3', '   m is not there', 'Or to whoever has a token of https://b in which', ' old is there and is not true'],
    );
    assert.deepEqual(releaseWords({}), []);
    assert.deepEqual(releaseWords({anyOf: [7, null]}), []);
});

test('times, numbers and hashes', () => {
    const {ago, bytes, daysLeft, duration, localTime, shortHash, shortSentence, utcBeside, utcTime} = lib.format;
    const at = Date.UTC(2026, 6, 2, 14, 3, 20) / 1000;

    assert.equal(utcTime(at), '2026-07-02 14:03:20 UTC');
    assert.equal(localTime(at, 'Europe/Berlin'), '2026-07-02 16:03:20');
    assert.equal(utcBeside(at, 'Europe/Berlin'), '14:03:20 UTC');
    assert.equal(utcBeside(at + 9 * 3600, 'Europe/Berlin'), '2026-07-02 23:03:20 UTC');
    assert.equal(localTime(Date.UTC(2026, 0, 1) / 1000, 'UTC'), '2026-01-01 00:00:00');
    assert.deepEqual([ago(at - 90, at), ago(at + 3 * 86400, at), ago(at, at)], ['1 minute ago', 'in 3 days', 'just now']);
    assert.deepEqual([daysLeft(at - 1, at), daysLeft(at + 86400, at)], [-1, 1]);
    assert.deepEqual([duration(null), duration(1.94), duration(240.2), duration(1234)], ['–', '1.9 ms', '240 ms', '1.2 s']);
    assert.deepEqual([bytes(812), bytes(4734), bytes(3 << 20)], ['812 B', '4.6 KiB', '3.0 MiB']);
    assert.equal(shortHash('ab'.repeat(32)), 'abababab…abab');
    assert.equal(shortSentence(`is "${'0f'.repeat(16)}", not deadbeef`), 'is "0f0f0f0f…0f0f", not deadbeef');
});

test('the mock’s own evaluator refuses what it cannot read, at its place', () => {
    const place = (text) => {
        try {
            parse(text);
        } catch (error) {
            assert.ok(error instanceof PolicyError);
            return [error.place.line, error.place.column];
        }
        return null;
    };

    assert.equal(place(sgx4), null);
    assert.deepEqual(place(''), [1, 1]);
    assert.deepEqual(place('version=9;'), [1, 9]);
    assert.deepEqual(place('version=1.0;\nauthorizationrules\n{\n    [type=="x] => permit();\n};'), [4, 12]);
    assert.deepEqual(place('version=1.0;\nauthorizationrules\n{\n    => allow();\n};'), [4, 8]);
    const claims = [{type: 'x-ms-sgx-is-debuggable', value: true, issuer: 'AttestationService'}];
    const outcome = evaluate(parse(sgx4), claims);
    assert.deepEqual([outcome.permitted, outcome.line], [false, 5]);
});
