// The dashboard over the service itself (casemate serve --dev) with evidence of the emulated platform: what a
// person goes through from the set-up code to a key that is released to whom it should be.
import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {constants, createDecipheriv, createHash, generateKeyPairSync, privateDecrypt} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {request} from 'node:https';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {after, before, test} from 'node:test';

import {accessibility, go, launch, login, settled, visit} from './browser.mjs';

const folder = mkdtempSync(join(tmpdir(), 'casemate-dashboard-'));
const environment = {...process.env, CASEMATE_STATE_DIR: join(folder, 'platform'), CASEMATE_EMU_QUIET: '1'};
const password = 'a long enough password';
let service;
let ended;
let url;
let browser;
let quote;

/** Ask the service as a program does. */
function call(method, path, body, token) {
    const ca = readFileSync(join(folder, 'service/ca.pem'));
    const bearer = token === undefined ? {} : {authorization: `Bearer ${token}`};
    return new Promise((resolve, reject) => {
        const text = body === undefined ? '' : JSON.stringify(body);
        const sent = request(`${url}${path}`, {method, ca, headers: {'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...bearer}}, (answer) => {
            const parts = [];
            answer.on('data', (part) => parts.push(part));
            answer.on('end', () => {
                const all = Buffer.concat(parts).toString();
                resolve({status: answer.statusCode, headers: answer.headers, body: all === '' ? null : JSON.parse(all)});
            });
        });
        sent.on('error', reject);
        sent.end(text);
    });
}

const attest = (bytes) => call('POST', '/attest/SgxEnclave?api-version=2022-08-01', {quote: bytes.toString('base64url')});
const admin = () => readFileSync(join(folder, 'service/dev-token'), 'utf8').trim();

before(async () => {
    execFileSync(process.env.CASEMATE_QUOTE_FILE, [join(folder, 'quote')], {env: environment});
    quote = readFileSync(join(folder, 'quote'));
    service = spawn(process.env.CASEMATE_SERVICE, ['serve', '--dev', '--listen', '127.0.0.1:0', '--state', join(folder, 'service')], {env: environment, stdio: ['ignore', 'pipe', 'ignore']});
    ended = new Promise((resolve) => service.on('exit', resolve));
    for await (const line of createInterface({input: service.stdout})) {
        url ??= /dashboard\s+(https:\/\/[^/\s]+)/.exec(line)?.[1];
        if (line.startsWith('NODE_EXTRA_CA_CERTS')) {
            break;
        }
    }
    assert.ok(url, 'the service says where its dashboard is');
    browser = await launch();
});
after(async () => {
    await browser?.close();
    service?.kill('SIGTERM');
    await ended;
    rmSync(folder, {recursive: true, force: true, maxRetries: 5});
});

test('the files come as they must', async () => {
    const page = readFileSync(new URL('../../docs/console-api.md', import.meta.url), 'utf8');
    const block = /Headers of each of these:\s+```\n([^`]+)```/.exec(page)[1].trim().split('\n');
    const ca = readFileSync(join(folder, 'service/ca.pem'));
    const head = (path, headers = {}) => new Promise((resolve, reject) => request(`${url}${path}`, {ca, headers}, (r) => resolve(r.resume())).on('error', reject).end());
    const index = await head('/dashboard/');

    for (const line of block) {
        const [name, ...value] = line.split(': ');
        assert.equal(index.headers[name], value.join(': '));
    }
    assert.equal((await head('/dashboard/', {'if-none-match': index.headers.etag})).statusCode, 304);
    assert.equal((await head('/dashboard/policies/SgxEnclave')).headers.etag, index.headers.etag);
    assert.equal((await head('/dashboard/assets/no-such-file.js')).statusCode, 404);
    assert.equal((await head('/')).headers.location, '/dashboard/');
    assert.equal((await head('/dashboard/licences.txt')).headers['content-type'], 'text/plain; charset=utf-8');
});

test('set-up, an accepted and a refused attestation, and why', async () => {
    const {page, close} = await visit(browser, url, {expected: [/status of 403/, /status of 400/]});

    await page.getByText('EMULATED.').waitFor();
    await page.getByLabel('Set-up code').fill('not-the-code');
    await page.getByLabel('Your name').fill('ada');
    await page.getByLabel('Password', {exact: true}).fill(password);
    await page.getByLabel('The password again').fill(password);
    await page.getByRole('button', {name: 'Make the first admin'}).click();
    await page.locator('.field-error').waitFor();
    await page.getByLabel('Set-up code').fill(readFileSync(join(folder, 'service/setup-code'), 'utf8').trim());
    await page.getByRole('button', {name: 'Make the first admin'}).click();
    await page.getByRole('heading', {name: 'First steps'}).waitFor();

    const accepted = await attest(quote);
    assert.equal(accepted.status, 200, JSON.stringify(accepted.body));
    await page.getByRole('link', {name: 'Attestations', exact: true}).click();
    await page.getByRole('row', {name: /accepted.*SGX/}).getByRole('link').click();
    await page.getByText('Accepted', {exact: true}).waitFor();
    await page.locator('.code-row.decided.ok').first().waitFor();
    await page.getByText('emulated evidence').waitFor();
    await page.getByRole('group', {name: 'The token’s claims'}).getByText('e1'.repeat(32)).first().waitFor();
    assert.ok((await page.locator('.checks li').count()) > 5);
    assert.deepEqual(await accessibility(page), []);

    // a policy with a mistake, then one that this enclave does not satisfy
    await page.getByRole('link', {name: 'Policies', exact: true}).click();
    await page.getByRole('link', {name: 'SgxEnclave'}).click();
    const strict = 'version=1.0;\nauthorizationrules\n{\n    [type=="x-ms-sgx-svn", value>=9]\n    && [type=="casemate.emulated", value==true]\n    => permit();\n};\n';
    const editor = page.getByLabel('Policy for SgxEnclave');
    await editor.fill(strict.replace('permit()', 'permitt()'));
    await page.locator('.editor-row.error .editor-number', {hasText: /^6$/}).waitFor();
    assert.match(await page.locator('.editor-list .error').textContent(), /Error, line 6, column \d+: /);
    await editor.fill(strict);
    await page.getByRole('button', {name: 'What if'}).click();
    await page.locator('.tile.bad', {hasText: 'Newly refused'}).getByText('1', {exact: true}).waitFor();
    await page.getByRole('button', {name: 'Put in force…'}).click();
    await page.getByRole('dialog').locator('.code-row.added', {hasText: 'value>=9'}).waitFor();
    await page.getByRole('dialog').getByLabel('Comment').fill('releases from 9 on');
    await page.getByRole('dialog').getByRole('button', {name: 'Put in force'}).click();
    await page.getByText('In force: version 1').waitFor();

    const refused = await attest(quote);
    assert.equal(refused.status, 400);
    assert.equal(refused.body.error.code, 'PolicyEvaluationError');
    await page.getByRole('link', {name: 'Attestations', exact: true}).click();
    await page.getByRole('row', {name: /refused/}).getByRole('link').click();
    await page.getByText('Refused by the policy').waitFor();
    await page.locator('.code-row.decided.bad', {hasText: 'x-ms-sgx-svn = 3'}).waitFor();
    await page.getByText('No token was issued').waitFor();
    await page.getByRole('combobox', {name: 'Version'}).selectOption('0');
    await page.getByRole('button', {name: 'Ask it'}).click();
    await page.getByText('differs from what was decided').waitFor();
    // evidence that somebody has changed is not genuine
    const broken = Buffer.from(quote);
    broken[200] ^= 1;
    assert.notEqual((await attest(broken)).status, 200);
    await go(page, url, '/attestations?result=refused');
    await page.getByRole('row', {name: /signature/}).getByRole('link').click();
    await page.getByText('Refused: the evidence is not genuine').waitFor();
    await page.locator('.checks li.fail').first().waitFor();
    await go(page, url, '/');
    await page.getByRole('img', {name: /^Attestations a minute/}).waitFor();
    assert.equal(await page.locator('.tile', {hasText: 'Refused'}).locator('b').textContent(), '2');
    assert.equal(await page.locator('.reasons li').count(), 2);
    assert.deepEqual(await accessibility(page), []);
    await close();
});

test('trusting a measurement, from the inventory to a second person’s approval', async () => {
    const {page, close} = await visit(browser, url);

    await login(page, 'ada');
    await page.getByRole('link', {name: 'Access'}).click();
    for (const [name, role] of [['bob', 'author'], ['carol', 'approver']]) {
        await page.getByRole('button', {name: 'Add an account'}).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('Name').fill(name);
        await dialog.getByLabel('Password').fill(password);
        await dialog.getByRole('checkbox', {name: new RegExp(`^${role}`)}).check();
        await dialog.getByRole('button', {name: 'Save'}).click();
        await page.getByRole('cell', {name, exact: true}).waitFor();
    }
    await page.getByRole('link', {name: 'Policies', exact: true}).click();
    await page.getByLabel('A second person approves').check();
    await page.getByRole('button', {name: 'Save'}).click();
    await page.getByRole('button', {name: 'Save'}).waitFor({state: 'hidden'});
    await page.getByRole('button', {name: 'Log out'}).click();

    await login(page, 'bob');
    await page.getByRole('link', {name: 'Inventory'}).click();
    await page.getByRole('row', {name: /e1e1e1e1/}).getByRole('link').click();
    await page.getByText('No policy names this measurement').waitFor();
    await page.getByRole('button', {name: 'Trust this measurement…'}).click();
    await page.waitForURL(/policies\/SgxEnclave/);
    await page.getByRole('button', {name: 'What if'}).click();
    await page.locator('.tile.warn', {hasText: 'Newly accepted'}).waitFor();
    await page.getByRole('button', {name: 'Propose…'}).click();
    await page.getByRole('dialog').getByRole('button', {name: 'Propose'}).click();
    await page.getByRole('heading', {name: 'Version 2 waits for approval'}).waitFor();
    assert.equal(await page.getByRole('button', {name: 'Approve'}).isDisabled(), true);
    assert.equal((await attest(quote)).status, 400, 'not in force yet');
    await page.getByRole('button', {name: 'Log out'}).click();

    await login(page, 'carol');
    await go(page, url, '/policies/SgxEnclave?tab=versions');
    await page.locator('.code-row.added', {hasText: 'e1'.repeat(32)}).first().waitFor();
    await page.getByRole('button', {name: 'Approve'}).click();
    await page.getByText('waits for approval').waitFor({state: 'hidden'});
    assert.equal((await attest(quote)).status, 200, 'in force');
    await close();
});

test('evidence and tokens that are pasted', async () => {
    const {page, close} = await visit(browser, url, {expected: [/status of 400/]});

    await login(page, 'ada');
    await page.getByRole('link', {name: 'Try it'}).click();
    const field = page.getByLabel('Quote, report or attestation document');
    await field.fill(quote.toString('hex'));
    await page.getByRole('button', {name: 'Decode and verify'}).click();
    await page.getByText('Accepted', {exact: true}).waitFor();
    await page.getByText('quote.signature').first().waitFor();
    await field.fill(Buffer.alloc(600, 7).toString('base64'));
    await page.getByRole('button', {name: 'Decode and verify'}).click();
    await page.getByRole('alert').waitFor();
    await page.getByRole('link', {name: 'Token'}).click();
    const {token} = (await attest(quote)).body;
    await page.getByLabel('Attestation token, result, or released key').fill(token);
    await page.getByRole('button', {name: 'Look into it'}).click();
    await page.getByText('a key of this service signed it').waitFor();
    await page.getByRole('link', {name: 'the one behind it'}).click();
    await page.getByText('Accepted', {exact: true}).waitFor();
    await page.goBack();
    await settled(page);
    const [head, body, signature] = token.split('.');
    const forged = `${head}.${Buffer.from(Buffer.from(body, 'base64url').toString().replace('e1e1', 'e2e2')).toString('base64url')}.${signature}`;
    await page.getByLabel('Attestation token, result, or released key').fill(forged);
    await page.getByRole('button', {name: 'Look into it'}).click();
    await page.getByText('Do not believe what it says').waitFor();
    await close();
});

test('the audit log is whole, and has who did what', async () => {
    const {page, close} = await visit(browser, url);

    await login(page, 'ada');
    await page.getByRole('link', {name: 'Audit', exact: true}).click();
    await page.getByRole('cell', {name: 'carol', exact: true}).first().waitFor();
    await page.getByRole('cell', {name: 'policy.approve'}).first().waitFor();
    await page.getByRole('button', {name: 'Verify the chain'}).click();
    await page.getByText(/^All \d+ records are in order/).waitFor();
    await page.getByLabel('A hash you kept elsewhere').fill('ab'.repeat(32));
    await page.getByRole('button', {name: 'Verify the chain'}).click();
    await page.locator('.verdict.bad').waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', {name: 'Export as JSON lines'}).click()]);
    const lines = readFileSync(await download.path(), 'utf8').trim().split('\n').map((l) => JSON.parse(l));
    assert.deepEqual(lines.map((l) => l.seq), lines.map((_, i) => i + 1));
    assert.doesNotMatch(JSON.stringify(lines), new RegExp(password));
    await close();
});

test('keys: who may have them, and never what they are', async () => {
    const k = Buffer.from('this is the key itself, 32 bytes').toString('base64url');
    const policy = {version: '1.0.0', anyOf: [{authority: url, allOf: [{claim: 'x-ms-sgx-mrenclave', equals: 'e1'.repeat(32)}]}]};
    const made = await call('PUT', '/keys/ledger?api-version=7.4', {key: {kty: 'oct-HSM', k, key_ops: ['encrypt', 'decrypt']}, attributes: {exportable: true}, release_policy: {data: Buffer.from(JSON.stringify(policy)).toString('base64url')}}, admin());
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const secret = await call('PUT', '/secrets/api?api-version=7.4', {value: 'a secret that nobody sees', contentType: 'text/plain'}, admin());
    assert.equal(secret.status, 200, JSON.stringify(secret.body));
    const answers = [];
    const {page, close} = await visit(browser, url);
    page.on('response', async (r) => r.url().includes('/api/v1/') && answers.push(await r.text().catch(() => '')));

    await login(page, 'ada');
    await page.getByRole('link', {name: 'Keys and secrets'}).click();
    await page.getByRole('link', {name: 'ledger'}).click();
    await page.getByText(`To whoever has a token of ${url} in which`).waitFor();
    await page.getByText(`x-ms-sgx-mrenclave is ${'e1'.repeat(32)}`).waitFor();
    await page.getByRole('button', {name: 'Disable…'}).click();
    await page.getByRole('dialog').getByRole('button', {name: 'Disable'}).click();
    await page.getByText('disabled', {exact: true}).first().waitFor();
    for (const path of ['/keys', '/keys?tab=secrets', '/keys?tab=releases', '/keys/secret/api', '/']) {
        await go(page, url, path);
        answers.push(await page.content());
    }
    for (const hidden of [k, 'this is the key itself', 'a secret that nobody sees', Buffer.from('this is the key itself, 32 bytes').toString('hex')]) {
        assert.equal(answers.some((a) => a.includes(hidden)), false, 'never sent, never shown');
    }
    await close();
});

/** An enclave that wants a key: its RSA key is in what the quote binds. @return its token and how it opens what it gets */
async function enclave(nonce) {
    const {publicKey, privateKey} = generateKeyPairSync('rsa', {modulusLength: 2048});
    const jwk = {...publicKey.export({format: 'jwk'}), kid: `enclave-${nonce}`, key_ops: ['encrypt']};
    const runtime = Buffer.from(JSON.stringify({keys: [jwk]}));
    const file = join(folder, `quote-${nonce}`);

    execFileSync(process.env.CASEMATE_QUOTE_FILE, [file, createHash('sha256').update(runtime).digest('hex')], {env: environment});
    const answer = await call('POST', '/attest/SgxEnclave?api-version=2022-08-01', {quote: readFileSync(file).toString('base64url'), runtimeData: {data: runtime.toString('base64url'), dataType: 'JSON'}});
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return {
        token: answer.body.token,
        open(value) { // RSA_AES_KEY_WRAP_256: an AES key by RSA-OAEP, and the key by that (RFC 5649)
            const {response} = JSON.parse(Buffer.from(value.split('.')[1], 'base64url'));
            const wrapped = Buffer.from(JSON.parse(Buffer.from(response.key.key.key_hsm, 'base64url')).ciphertext, 'base64url');
            const aes = privateDecrypt({key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256'}, wrapped.subarray(0, 256));
            const decipher = createDecipheriv('id-aes256-wrap-pad', aes, Buffer.from('a65959a6', 'hex'));
            return Buffer.concat([decipher.update(wrapped.subarray(256)), decipher.final()]);
        },
    };
}

test('a key is released to the enclave of its policy, withheld from another, and both are seen', async () => {
    const secret = Buffer.from('the key of the vault, 32 bytes..');
    const policy = (mrenclave) => Buffer.from(JSON.stringify({version: '1.0.0', anyOf: [{authority: url, allOf: [{claim: 'x-ms-sgx-mrenclave', equals: mrenclave}]}]})).toString('base64url');
    const make = (name, mrenclave) => call('PUT', `/keys/${name}?api-version=7.4`, {key: {kty: 'oct-HSM', k: secret.toString('base64url'), key_ops: ['encrypt', 'decrypt']}, attributes: {exportable: true}, release_policy: {data: policy(mrenclave)}}, admin());
    const {page, close} = await visit(browser, url);
    const seen = [];
    page.on('response', async (r) => r.url().includes('/api/v1/') && seen.push(await r.text().catch(() => '')));

    assert.equal((await make('vault-key', 'e1'.repeat(32))).status, 200);
    assert.equal((await make('other-key', '77'.repeat(32))).status, 200);
    await login(page, 'ada');
    await go(page, url, '/keys/key/vault-key');
    await page.getByText('Nothing was asked for yet').waitFor();
    const {token, open} = await enclave('n-1');
    const released = await call('POST', '/keys/vault-key/release?api-version=7.4', {target: token, nonce: 'n-1', enc: 'RSA_AES_KEY_WRAP_256'}, admin());
    assert.equal(released.status, 200, JSON.stringify(released.body));
    const opened = open(released.body.value);
    assert.ok(opened.includes(secret), 'the enclave has the key');
    const withheld = await call('POST', '/keys/other-key/release?api-version=7.4', {target: token, nonce: 'n-2', enc: 'RSA_AES_KEY_WRAP_256'}, admin());
    assert.equal(withheld.status, 403);

    // the page of the key sees it come by itself; the list has both, the refused one with the rule that was not met
    await page.getByRole('row', {name: /released/}).waitFor();
    await page.getByRole('row', {name: /released/}).getByText('RSA_AES_KEY_WRAP_256').waitFor();
    await page.getByRole('row', {name: /released/}).getByRole('link', {name: 'attestation'}).click();
    await page.getByText('Accepted', {exact: true}).waitFor();
    await page.getByRole('link', {name: 'Keys and secrets'}).click();
    await page.getByRole('row', {name: /^vault-key/}).locator('td[data-name="Released"]').getByText('1', {exact: true}).waitFor();
    await page.getByRole('navigation', {name: 'Keys and secrets'}).getByRole('link', {name: 'Releases'}).click();
    await page.getByRole('row', {name: /vault-key.*released/}).waitFor();
    const refusal = page.getByRole('row', {name: /other-key.*withheld/});
    await refusal.getByText('x-ms-sgx-mrenclave').waitFor();
    assert.match(await refusal.textContent(), /e1e1/, 'what the enclave is');
    assert.deepEqual(await accessibility(page), []);
    await page.getByLabel('Result').selectOption('withheld');
    await page.getByRole('row', {name: /vault-key/}).waitFor({state: 'detached'});
    await page.getByLabel('Time').selectOption('hour');
    await refusal.waitFor();
    await go(page, url, '/');
    await page.locator('.tile', {hasText: 'Keys released'}).getByText('1', {exact: true}).waitFor();
    await go(page, url, '/audit?action=key');
    await page.getByRole('row', {name: /key\.release.*vault-key/}).waitFor();
    for (const form of [secret.toString(), secret.toString('base64url').slice(0, 40), secret.toString('hex')]) {
        assert.equal(seen.some((text) => text.includes(form)), false, 'no page was sent the key');
    }
    await close();
});

test('one’s own password, at the service itself', async () => {
    const {page, close} = await visit(browser, url, {expected: [/status of 403/, /status of 401/, /status of 400/]});
    const other = await visit(browser, url, {expected: [/status of 401/]});
    const change = async (old, next) => {
        await page.getByLabel('Password as it is').fill(old);
        await page.getByLabel('New password', {exact: true}).fill(next);
        await page.getByLabel('The new password again').fill(next);
        await page.getByRole('button', {name: 'Change the password'}).click();
    };

    await login(page, 'bob');
    await login(other.page, 'bob');
    await page.getByRole('link', {name: 'Your account: bob'}).click();
    await change('not what it is at all', 'a password of another kind');
    await page.getByText('The old password is wrong.').waitFor();
    await change(password, 'a password of another kind');
    await page.getByText('All your other sessions have ended').waitFor();
    await go(other.page, url, '/policies');
    await other.page.getByRole('heading', {name: 'Log in'}).waitFor();
    await go(page, url, '/policies');
    await page.getByRole('button', {name: 'Log out'}).click();
    await login(page, 'bob', 'a password of another kind');
    await page.getByRole('button', {name: 'Log out'}).click();
    await login(page, 'ada');
    await go(page, url, '/audit?actor=bob');
    await page.getByRole('cell', {name: 'account.password'}).waitFor();
    await other.close();
    await close();
});

test('reference values hold evidence to what they say, until they are removed', async () => {
    const {page, close} = await visit(browser, url);
    const values = (digest) => Buffer.from(JSON.stringify({measurements: [{label: 'mrenclave', alg: 'sha-256', values: [digest]}]}));

    await login(page, 'ada'); // while a second person approves policies, an admin's word: they change who is trusted
    await page.getByRole('link', {name: 'Reference values'}).click();
    await page.getByLabel('evidence of').selectOption('SgxEnclave');
    await page.locator('#reference-file').setInputFiles({name: 'others.json', mimeType: 'application/json', buffer: values('11'.repeat(32))});
    await page.getByRole('heading', {name: 'others.json'}).waitFor();
    await page.getByRole('cell', {name: 'mrenclave'}).first().waitFor();
    assert.notEqual((await attest(quote)).status, 200);
    await page.getByRole('button', {name: 'Remove…'}).click();
    await page.getByRole('dialog').getByRole('button', {name: 'Remove'}).click();
    await page.getByText('No reference values yet').waitFor();
    assert.equal((await attest(quote)).status, 200);
    await close();
});

test('every page opens without an error', async () => {
    const {page, close} = await visit(browser, url);

    await login(page, 'ada');
    for (const path of ['/', '/?minutes=1440', '/attestations', '/inventory', '/inventory?tab=platforms', '/policies', '/policies/Tpm', '/policies/TdxVm?tab=versions', '/keys', '/keys?tab=releases', '/keys?tab=resources', '/references', '/audit', '/try', '/access']) {
        await go(page, url, path);
        assert.equal(await page.locator('.notice.bad').count(), 0, `${path}: ${await page.locator('main').textContent()}`);
    }
    await close();
});
