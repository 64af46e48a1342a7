// Every page against the mock service (mock.mjs): what a person sees and does, by what is on the page.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {accessibility, go, launch, login, settled, visit} from './browser.mjs';
import {sgx4} from './mock_data.mjs';
import {headers, start} from './mock.mjs';

let browser;
let mock;

before(async () => {
    browser = await launch();
    mock = await start();
});
after(async () => {
    await browser.close();
    await mock.stop();
});

const refused = (fits) => mock.world.log.find((a) => a.result === 'refused' && a.stage === 'policy' && fits(a));
const status = (code) => new RegExp(`status of ${code}`);

test('set-up makes the first admin with the code alone', async () => {
    const fresh = await start({setup: true, empty: true});
    const {page, close} = await visit(browser, fresh.url, {expected: [status(403), status(400)]});
    const fill = async (code, password, again = password) => {
        await page.getByLabel('Set-up code').fill(code);
        await page.getByLabel('Your name').fill('ada');
        await page.getByLabel('Password', {exact: true}).fill(password);
        await page.getByLabel('The password again').fill(again);
        await page.getByRole('button', {name: 'Make the first admin'}).click();
    };

    await page.getByRole('heading', {name: 'Set up'}).waitFor();
    assert.deepEqual(await accessibility(page), []);
    await fill('000-000', 'a long enough password');
    await page.getByText('This is not the code').waitFor();
    await fill('123-456', 'a long enough password', 'another long password');
    await page.getByText('The two passwords differ').waitFor();
    assert.equal(fresh.state.setup, true);
    await fill('123-456', 'a long enough password');
    await page.getByRole('heading', {name: 'First steps'}).waitFor();
    assert.equal(fresh.world.accounts[0].name, 'ada');
    await close();
    await fresh.stop();
});

test('log-in: a wrong password says so, the right one opens, logging out ends the session', async () => {
    const {page, close} = await visit(browser, mock.url, {expected: [status(401)]});

    assert.deepEqual(await accessibility(page), []);
    await page.getByLabel('Name').fill('ada');
    await page.getByLabel('Password').fill('a wrong one, certainly');
    await page.getByRole('button', {name: 'Log in'}).click();
    await page.getByRole('alert').getByText('The name or the password is wrong').waitFor();
    assert.equal(await page.getByLabel('Password').inputValue(), '');
    assert.equal(await page.getByLabel('Password').evaluate((e) => e === document.activeElement), true);
    await login(page, 'ada');
    const sessions = mock.state.sessions.size;
    await page.getByRole('button', {name: 'Log out'}).click();
    await page.getByRole('heading', {name: 'Log in'}).waitFor();
    assert.equal(mock.state.sessions.size, sessions - 1);
    // a session that the service has ended leads back here, whatever page it was
    await login(page, 'ada');
    mock.state.sessions.clear();
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await page.getByRole('heading', {name: 'Log in'}).waitFor();
    await close();
});

test('overview: numbers, charts that can be read, and new attestations without reloading', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'ada'});

    const tile = (name) => page.locator('.tile', {hasText: name}).locator('b');
    const before_ = Number(await tile('Accepted').textContent());
    const expected = mock.world.log.filter((a) => a.result === 'accepted' && a.time > Date.now() / 1000 - 3540).length;
    assert.ok(Math.abs(before_ - expected) <= 8, `${before_} are shown, ${expected} there`);
    await page.getByText('The CRL of Intel’s PCK platform CA has 3 days left').waitFor();
    const chart = page.getByRole('img', {name: /^Attestations a minute\. Accepted: now \d+/});
    await chart.waitFor();
    assert.ok(await chart.locator('canvas').evaluate((c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v !== 0)), 'something is drawn');
    await page.getByRole('button', {name: 'As a table'}).first().click();
    assert.equal(await page.getByRole('region', {name: 'Attestations a minute, as a table'}).getByRole('row').count(), 61);
    // a hundred more: a few may leave the hour meanwhile
    const like = mock.world.log.find((x) => x.result === 'accepted');
    mock.world.log.unshift(...Array.from({length: 100}, (_, i) => ({...like, id: i.toString(16).padStart(64, 'a'), time: Math.floor(Date.now() / 1000)})));
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange'))); // as when the page is shown again
    await page.waitForFunction((n) => Number(document.querySelector('.tile b').textContent) >= n, before_ + 80);
    mock.world.log.splice(0, 100);
    await page.getByRole('link', {name: /quote\.signature|no rule permits/}).first().click();
    await page.getByText(/^Refused/).first().waitFor();
    await close();
});

test('a refused attestation names the rule and the claim that decided', async () => {
    const a = refused((x) => x.app === 'ledger-2');
    const {page, close} = await visit(browser, mock.url, {as: 'dan', path: `/attestations/${a.id}`});

    await page.getByText('Refused by the policy').waitFor();
    await page.locator('.verdict-reason', {hasText: 'x-ms-sgx-svn is 2'}).waitFor();
    const decided = page.locator('.code-row.decided.bad').last();
    assert.match(await decided.textContent(), /deciding rule.*=> permit.*did not fire.*not met: \[type=="x-ms-sgx-svn", value>=3\].*nearest claim: x-ms-sgx-svn = 2/s);
    assert.equal(await page.locator('.code-row.idle', {hasText: 'deny'}).count(), 1, 'the rule that would deny did not decide');
    await page.getByText('genuine', {exact: true}).waitFor();
    await page.getByText('No token was issued').waitFor();
    // what version 3 would have said
    await page.getByRole('combobox', {name: 'Version'}).selectOption('3');
    await page.getByRole('button', {name: 'Ask it'}).click();
    await page.getByText('differs from what was decided').waitFor();
    await close();
});

test('evidence that is not genuine shows the check that failed, and no policy was asked', async () => {
    const a = mock.world.log.find((x) => x.stage === 'evidence');
    const {page, close} = await visit(browser, mock.url, {as: 'dan', path: `/attestations/${a.id}`});

    await page.getByText('Refused: the evidence is not genuine').waitFor();
    await page.getByText('No policy was asked').waitFor();
    const failed = page.locator('.checks li.fail');
    assert.match(await failed.textContent(), /fail.*quote\.signature.*the attestation key did not sign these bytes/s);
    await page.getByText('not genuine', {exact: true}).first().waitFor();
    await close();
});

test('an accepted attestation shows what matched, the evidence tree and the token', async () => {
    const a = mock.world.log.find((x) => x.result === 'accepted' && x.tee === 'snp');
    const {page, close} = await visit(browser, mock.url, {as: 'dan', path: `/attestations/${a.id}`});

    await page.getByText('Accepted', {exact: true}).waitFor();
    await page.locator('.code-row.decided.ok', {hasText: 'fired, and decided'}).waitFor();
    assert.equal(await page.locator('.tree > .part').count(), 2);
    await page.locator('summary', {hasText: 'vtpm'}).click();
    await page.getByText('cpu vouches for it: SHA-256 of the runtime data').waitFor();
    await page.locator('.authority.self', {hasText: 'self asserted'}).waitFor();
    await page.getByRole('group', {name: 'The token’s claims'}).getByText(a.id).waitFor();
    await page.getByRole('button', {name: 'Copy the measurement'}).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), a.measurement);
    await close();
});

test('the log is searched, and the address says by what', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'dan'});

    await page.getByRole('link', {name: 'Attestations', exact: true}).click();
    await page.getByLabel('Result').selectOption('refused');
    await page.getByLabel('TEE').selectOption('tdx');
    await page.getByLabel('Reason, client or id').fill('joiner-old');
    await page.waitForURL(/result=refused&tee=tdx&q=joiner-old/);
    await page.waitForFunction(() => [...document.querySelectorAll('tbody tr')].every((r) => r.textContent.includes('joiner-old')) && document.querySelectorAll('tbody tr').length > 3);
    await page.reload();
    await settled(page);
    assert.equal(await page.getByLabel('Reason, client or id').inputValue(), 'joiner-old');
    assert.equal(await page.getByLabel('TEE').inputValue(), 'tdx');
    await page.getByLabel('Reason, client or id').fill('nobody was ever called this');
    await page.getByText('Nothing fits').waitFor();
    await page.getByRole('link', {name: 'Show all'}).click();
    await page.getByRole('button', {name: 'Show more'}).click();
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 150);
    await page.getByText('not live').waitFor();
    await page.goBack();
    await close();
});

test('a policy with a mistake is marked at its line and cannot be proposed', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'bob', path: '/policies/SgxEnclave'});

    const editor = page.getByLabel('Policy for SgxEnclave');
    await editor.fill(sgx4.replace('=> permit();', '=> permitt();'));
    await page.locator('.editor-row.error .editor-number', {hasText: /^9$/}).waitFor();
    const message = page.locator('.editor-list .error');
    assert.match(await message.textContent(), /Error, line 9, column 8: permit, deny, add, issue or issueproperty is expected/);
    assert.equal(await editor.getAttribute('aria-invalid'), 'true');
    assert.equal(await page.getByRole('button', {name: 'Propose…'}).isDisabled(), true);
    assert.equal(await page.getByRole('button', {name: 'What if'}).isDisabled(), true);
    await page.getByRole('button', {name: 'Go there'}).click();
    const at = await editor.evaluate((e) => [e.value.slice(e.selectionStart).slice(0, 7), document.activeElement === e]);
    assert.deepEqual(at, ['permitt', true]);
    assert.deepEqual(await accessibility(page), []);
    // colours and text stay on top of each other
    const [under, over] = await page.evaluate(() => {
        const area = document.querySelector('.editor textarea');
        const row = document.querySelectorAll('.editor-row')[8];
        return [row.getBoundingClientRect().top, area.getBoundingClientRect().top + 8 + 8 * 20 - area.scrollTop];
    });
    assert.ok(Math.abs(under - over) < 1.5, `line 9 is drawn at ${under}, typed at ${over}`);
    await close();
});

test('what a draft would have decided is shown before it is in force; another person approves it', async () => {
    const draft = sgx4.replace('value>=3', 'value>=2').replace('release 3', 'release 2');
    const {page, close} = await visit(browser, mock.url, {as: 'bob', expected: [status(403)], path: '/policies/SgxEnclave'});

    await page.getByLabel('Policy for SgxEnclave').fill(draft);
    await page.getByRole('button', {name: 'What if'}).click();
    const newly = page.locator('.tile', {hasText: 'Newly accepted'}).locator('b');
    await newly.waitFor();
    const expected = mock.world.log.filter((a) => a.policy_type === 'SgxEnclave').slice(0, 500).filter((a) => a.app === 'ledger-2' && a.stage === 'policy').length;
    assert.equal(Number(await newly.textContent()), expected);
    assert.equal(await page.locator('.tile', {hasText: 'Newly refused'}).locator('b').textContent(), '0');
    assert.equal(await page.getByRole('table', {name: 'What would change'}).getByRole('row').count(), Math.min(expected, 200) + 1);
    // a draft survives looking something up
    await page.getByRole('link', {name: 'Inventory'}).click();
    await settled(page);
    await page.getByRole('link', {name: /^Policies/}).click();
    await page.getByRole('link', {name: 'SgxEnclave'}).click();
    assert.equal(await page.getByLabel('Policy for SgxEnclave').inputValue(), draft);
    await page.getByRole('button', {name: 'Propose…'}).click();
    const dialog = page.getByRole('dialog', {name: 'Propose this policy'});
    await dialog.locator('.code-row.removed', {hasText: 'value>=3'}).waitFor();
    await dialog.getByText('You have not asked what it would have decided').waitFor();
    await dialog.getByLabel('Comment').fill('release 2 is back');
    await dialog.getByRole('button', {name: 'Propose'}).click();
    await page.getByRole('heading', {name: 'Version 5 waits for approval'}).waitFor();
    assert.equal(await page.getByRole('button', {name: 'Approve'}).isDisabled(), true, 'nobody approves his own');
    const versions = mock.world.policies.get('SgxEnclave').versions;
    assert.equal(versions.find((v) => v.state === 'active').version, 4, 'nothing is in force yet');
    await close();

    const second = await visit(browser, mock.url, {as: 'carol', path: '/policies/SgxEnclave?tab=versions'});

    await second.page.getByText('release 2 is back').first().waitFor();
    await second.page.getByRole('button', {name: 'What if'}).click();
    await second.page.getByText('Newly accepted').waitFor();
    await second.page.getByRole('button', {name: 'Approve'}).click();
    await second.page.getByRole('cell', {name: 'active'}).waitFor();
    await second.page.waitForFunction(() => !document.body.textContent.includes('waits for approval'));
    assert.equal(versions.find((v) => v.state === 'active').version, 5);
    // comparing two versions, by address
    await go(second.page, mock.url, '/policies/SgxEnclave?tab=versions&from=4&to=5');
    await second.page.getByRole('group', {name: 'From version 4 to version 5'}).locator('.added', {hasText: 'value>=2'}).waitFor();
    await second.close();
});

test('a change made meanwhile is not overwritten', async () => {
    const policy = mock.world.policies.get('SevSnpVm');
    const {page, close} = await visit(browser, mock.url, {as: 'bob', expected: [status(409)], path: '/policies/SevSnpVm'});

    await page.getByLabel('Policy for SevSnpVm').fill(`${policy.versions[0].text}// mine\n`);
    await page.getByText(/^correct, 1 rule/).waitFor();
    policy.versions.unshift({...policy.versions[0], version: 2, author: 'eve'});
    policy.versions[1].state = 'replaced';
    await page.getByRole('button', {name: 'Propose…'}).click();
    await page.getByRole('dialog').getByRole('button', {name: 'Propose'}).click();
    await page.getByRole('alert').getByText('Meanwhile version 2 is in force').waitFor();
    assert.equal(policy.versions.length, 2);
    await close();
});

test('an emptied editor is the way back to the default', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'ada', path: '/policies/SgxEnclave'});

    await page.getByLabel('Policy for SgxEnclave').fill('');
    await page.getByText('empty: back to the default').waitFor();
    await page.getByRole('button', {name: /^(Propose|Put in force)…/}).click();
    await page.getByText('Empty: the type goes back to its default.').waitFor();
    await close();
});

test('to trust a measurement is to look at a draft first', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'bob'});

    await page.getByRole('link', {name: 'Inventory'}).click();
    await page.getByLabel('Trust').selectOption('untrusted');
    await page.waitForURL(/state=untrusted/);
    await go(page, mock.url, '/inventory/stale');
    await page.getByText('No policy names this measurement').waitFor();
    await page.getByText('INTEL-SA-00828').first().waitFor();
    await page.getByRole('button', {name: 'Trust this measurement…'}).click();
    await page.waitForURL(/policies\/TdxVm/);
    await page.getByText(/^Line \d+ is new: it permits mrtd/).waitFor();
    await page.locator('.editor-row.new').waitFor();
    await page.getByRole('button', {name: 'What if'}).click();
    await page.locator('.tile', {hasText: 'Newly accepted'}).waitFor();
    assert.equal(mock.world.policies.get('TdxVm').versions.length, 2, 'nothing was set');
    await close();
});

test('asking for fewer people takes two people', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'ada', path: '/policies'});

    await page.getByLabel('A second person approves').uncheck();
    await page.getByRole('button', {name: 'Save'}).click();
    await page.getByText('A change of these by ada').waitFor();
    assert.equal(await page.getByRole('button', {name: 'Approve'}).count(), 0, 'not by who asked');
    assert.equal(mock.world.approval, true);
    await close();
    const second = await visit(browser, mock.url, {as: 'carol', path: '/policies'});
    assert.equal(await second.page.getByLabel('A second person approves').isDisabled(), true);
    await second.page.getByRole('button', {name: 'Reject'}).click();
    await second.page.getByText('A change of these by ada').waitFor({state: 'hidden'});
    assert.equal(mock.world.approval, true);
    await second.close();
});

test('the first certificate to sign policies is registered where the box is', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'ada', path: '/policies', expected: [status(400)]});

    await page.getByText('No certificate is registered').click();
    await page.getByLabel('The first one').fill('no certificate');
    await page.getByRole('button', {name: 'Register'}).click();
    await page.getByText('not one certificate').waitFor();
    await page.getByLabel('The first one').fill('-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----');
    await page.getByRole('button', {name: 'Register'}).click();
    await page.getByText('No certificate is registered').waitFor({state: 'hidden'});
    assert.equal(mock.world.signers, 1);
    await close();
});

test('keys: policies in words, releases, and never what they are', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'bob'});

    // what a careless server might send is not shown either
    Object.assign(mock.world.keys[0], {key: {k: 'cmF3IGtleQ', d: 'PRIVATEEXPONENT'}, value: 'SECRETVALUE'});
    Object.assign(mock.world.secrets[0], {value: 'SECRETVALUE'});
    await page.getByRole('link', {name: 'Keys and secrets'}).click();
    await page.getByRole('cell', {name: 'immutable'}).first().waitFor();
    await page.getByRole('link', {name: 'ledger-data'}).click();
    await page.getByText('To whoever has a token of https://attest.example.net:8443 in which').waitFor();
    await page.getByText('x-ms-sgx-svn is at least 3').waitFor();
    await page.getByText('The key itself is never shown').waitFor();
    await page.getByText('withheld').first().waitFor();
    const seen = [await page.content()];
    await page.getByRole('button', {name: 'Disable…'}).click();
    await page.getByRole('dialog').getByRole('button', {name: 'Disable'}).click();
    await page.getByText('disabled', {exact: true}).first().waitFor();
    assert.equal(mock.world.keys[0].enabled, false);
    await page.getByRole('button', {name: 'Rotate…'}).click();
    await page.getByRole('dialog').getByRole('button', {name: 'Rotate'}).click();
    await page.getByText('4 versions').waitFor();
    for (const path of ['/keys', '/keys?tab=secrets', '/keys?tab=resources', '/keys?tab=releases', '/keys/secret/settlement-api']) {
        await go(page, mock.url, path);
        seen.push(await page.content());
    }
    assert.doesNotMatch(seen.join(), /SECRETVALUE|PRIVATEEXPONENT|cmF3IGtleQ/);
    await close();
});

test('audit: the chain is verified, a break and a cut are said, the log is exported', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'carol'});
    const {audit} = mock.world;

    await page.getByRole('link', {name: 'Audit', exact: true}).click();
    await page.getByRole('button', {name: 'Verify the chain'}).click();
    await page.getByText(`All ${audit.length} records are in order`).waitFor();
    await page.getByText('"authority":"https://a.example"').first().waitFor(); // a policy within stays readable
    await page.getByLabel('A hash you kept elsewhere').fill('ab'.repeat(32));
    await page.getByRole('button', {name: 'Verify the chain'}).click();
    await page.getByText('The hash is not in the chain').waitFor();
    await page.getByText('the hash you kept is not in it').first().waitFor();
    const kept = audit[3].hash;
    audit[3].hash = 'cd'.repeat(32);
    await page.getByRole('button', {name: 'Verify the chain'}).click();
    await page.getByText('Record 4 does not fit the one before').first().waitFor();
    audit[3].hash = kept;
    await page.getByLabel('What').selectOption('policy');
    await page.waitForFunction(() => [...document.querySelectorAll('tbody tr')].every((r) => r.textContent.includes('policy.')));
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', {name: 'Export as JSON lines'}).click()]);
    assert.equal(download.suggestedFilename(), 'casemate-audit.jsonl');
    await close();
});

test('pasted evidence is decoded and decided about; nonsense and forged tokens are called that', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'dan', expected: [status(400)]});
    const jws = (alg, payload, signature) => `${[{alg, typ: 'JWT', kid: 'k1'}, payload].map((p) => Buffer.from(JSON.stringify(p)).toString('base64url')).join('.')}.${signature}`;

    await page.getByRole('link', {name: 'Try it'}).click();
    const field = page.getByLabel('Quote, report or attestation document');
    const send = page.getByRole('button', {name: 'Decode and verify'});
    await field.fill('what is this?');
    await page.getByText('This is neither base64 nor hexadecimal').waitFor();
    assert.equal(await send.isDisabled(), true);
    await field.fill(Buffer.from('no evidence at all').toString('hex'));
    await page.getByText('18 B as hex').waitFor();
    await send.click();
    await page.getByRole('alert').getByText('no evidence that is known here').waitFor();
    await field.fill(Buffer.from('trainer').toString('base64'));
    await send.click();
    await page.getByText('Accepted', {exact: true}).waitFor();
    await page.locator('.code-row.decided.ok').waitFor();
    await field.fill(Buffer.from('patched').toString('base64'));
    await send.click();
    await page.getByText('Refused by the policy').waitFor();
    const before_ = mock.world.log.length;
    await page.getByRole('combobox', {name: 'Policy'}).selectOption('Nitro');
    await send.click();
    await page.getByText(/line 4 denies/).first().waitFor();
    assert.equal(mock.world.log.length, before_, 'nothing is recorded');

    await page.getByRole('link', {name: 'Token'}).click();
    const token = page.getByLabel('Attestation token, result, or released key');
    const known = mock.world.log[0];
    await token.fill(jws('RS256', {jti: known.id, exp: 4000000000}, 'c2lnbmVk'));
    await page.getByRole('button', {name: 'Look into it'}).click();
    await page.getByText('a key of this service signed it').waitFor();
    await page.getByRole('link', {name: 'the one behind it'}).waitFor();
    await token.fill(jws('none', {exp: 1}, ''));
    await page.getByRole('button', {name: 'Look into it'}).click();
    await page.getByText('unsecured: nobody signed it').waitFor();
    await page.getByText('expired', {exact: true}).waitFor();
    await page.getByText('Do not believe what it says').waitFor();
    await page.getByRole('link', {name: 'Clients'}).click();
    await page.getByText('/attest/SgxEnclave?api-version=').waitFor();
    await close();
});

test('collateral is taken from a file, if it is that', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'ada', expected: [status(400)]});
    const file = (text) => page.locator('#collateral-file').setInputFiles({name: 'c.json', mimeType: 'application/json', buffer: Buffer.from(text)});

    await file('not JSON');
    await page.getByText('c.json is not JSON.').waitFor();
    await file('{"other": 1}');
    await page.getByText('This is no collateral.').waitFor();
    await file('{"bundle":  [1, 2.0]}');
    await page.getByRole('status').getByText('2 parts taken.').waitFor();
    assert.equal(mock.state.imported, '{"bundle":  [1, 2.0]}', 'byte for byte: it is signed');
    await close();
});

test('reference values are added, shown and removed', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'bob'});

    await page.getByRole('link', {name: 'Reference values'}).click();
    await page.getByText('expired').waitFor();
    const content = JSON.stringify({values: [{environment: 'lab', label: 'bl2', alg: 'sha-256', value: 'ab'.repeat(32), svn: 1}]});
    await page.locator('#reference-file').setInputFiles({name: 'lab.json', mimeType: 'application/json', buffer: Buffer.from(content)});
    await page.getByRole('heading', {name: 'lab.json'}).waitFor();
    await page.getByRole('cell', {name: 'lab', exact: true}).waitFor();
    await page.getByRole('button', {name: 'Remove…'}).click();
    await page.getByRole('dialog', {name: 'Remove lab.json'}).getByRole('button', {name: 'Remove'}).click();
    await page.getByRole('heading', {name: 'Reference values'}).waitFor();
    await settled(page);
    assert.equal(await page.getByText('lab.json').count(), 0);
    await close();
});

test('who may not do something is not offered it', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'bob'});

    assert.deepEqual(await page.getByRole('navigation', {name: 'Pages'}).getByRole('link').allTextContents().then((all) => all.map((t) => t.replace(/\d.*/, ''))), ['Overview', 'Attestations', 'Inventory', 'Policies', 'Keys and secrets', 'Reference values', 'Try it']);
    await close();
    const auditor = await visit(browser, mock.url, {as: 'dan', path: '/policies/SgxEnclave'});

    assert.equal(await auditor.page.getByRole('button', {name: 'Propose…'}).count(), 0);
    assert.equal(await auditor.page.getByLabel('Policy for SgxEnclave').getAttribute('readonly'), '');
    await go(auditor.page, mock.url, '/keys/key/ledger-data');
    assert.equal(await auditor.page.getByRole('button', {name: 'Rotate…'}).count(), 0);
    await auditor.close();
});

test('an admin adds an account and a token, which is shown once', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'ada'});

    await page.getByRole('link', {name: 'Access'}).click();
    await page.getByRole('button', {name: 'Add an account'}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('erin');
    await dialog.getByLabel('Password').fill('a long enough password');
    await dialog.getByLabel('approver').check();
    await dialog.getByRole('button', {name: 'Save'}).click();
    await page.getByRole('cell', {name: 'erin', exact: true}).waitFor();
    await page.getByRole('button', {name: 'Make a token'}).click();
    await dialog.getByLabel('Name').fill('nightly');
    await dialog.getByRole('button', {name: 'Make it'}).click();
    const text = await dialog.locator('.snippet').textContent();
    assert.match(text, /^cmt_/);
    await dialog.getByRole('button', {name: 'Close'}).click();
    assert.equal((await page.content()).includes(text), false);
    await page.getByRole('button', {name: 'Revoke nightly'}).click();
    await page.waitForFunction(() => !document.body.textContent.includes('nightly'));
    await close();
});

test('what an attester says is text, whatever it looks like', async () => {
    const attack = '<img src=x onerror="document.title=1"><script>document.title=1</script>';
    const a = mock.world.log.find((x) => x.stage === 'evidence');
    const kept = {...a};
    Object.assign(a, {client: attack, reason: `${attack} javascript:alert(1)`});
    const {page, close} = await visit(browser, mock.url, {as: 'dan', path: `/attestations/${a.id}`});

    await page.getByText(attack).first().waitFor();
    await go(page, mock.url, `/attestations?q=${encodeURIComponent(attack)}`);
    await page.getByText(attack).first().waitFor();
    assert.equal(await page.locator('main img, main script').count(), 0);
    assert.notEqual(await page.title(), '1');
    Object.assign(a, kept);
    await close();
});

test('a service that fails is said, and tried again', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'ada', expected: [status(503), status(404)]});

    mock.state.fail = 503;
    await go(page, mock.url, '/inventory');
    await page.getByRole('alert').getByText('The store cannot be reached').waitFor();
    await page.getByText(/^Request [0-9a-f]{32} in the service’s log/).waitFor();
    mock.state.fail = null;
    await page.getByRole('button', {name: 'Try again'}).click();
    await page.getByRole('table', {name: 'Workloads'}).waitFor();
    await go(page, mock.url, '/attestations/nothing-of-this-name');
    await page.getByText('There is no attestation of this id').waitFor();
    await page.goto(`${mock.url}/dashboard/no/such/page`);
    await page.getByText('There is no such page').waitFor();
    await close();
});

test('by keyboard alone: skip link, navigation, a dialog that gives the focus back', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'bob'});
    const focused = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.id);

    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    await page.getByRole('link', {name: 'Attestations', exact: true}).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', {level: 1, name: 'Attestations'}).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main', 'a new page is read from its beginning');
    assert.equal(await page.title(), 'Attestations · Casemate');
    await page.locator('tbody .row-link').first().focus();
    await page.keyboard.press('Enter');
    await page.getByText('What was asked').waitFor();
    await go(page, mock.url, '/keys/key/model-weights');
    await page.getByRole('button', {name: 'Rotate…'}).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', {name: 'Rotate model-weights'}).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({state: 'hidden'});
    assert.equal(await focused(), 'Rotate…');
    // Tab leaves the editor: nobody is caught in it
    await go(page, mock.url, '/policies/Nitro');
    await page.getByLabel('Policy for Nitro').focus();
    await page.keyboard.press('Tab');
    assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'TEXTAREA');
    await close();
});

test('emulated evidence is called that on every page, also before the log-in', async () => {
    const emulated = await start({emulated: true, empty: true});
    const {page, close} = await visit(browser, emulated.url);

    await page.getByText('EMULATED.').waitFor();
    await login(page, 'ada');
    // with nothing in it, each page says what would be there and how it comes there
    const teaches = {'/': 'nothing has attested here yet', '/attestations': 'No attestation yet', '/inventory': 'Nothing has attested yet', '/inventory?tab=platforms': 'No platform yet', '/keys': 'No key yet', '/keys?tab=secrets': 'No secret yet', '/keys?tab=resources': 'No resource yet', '/keys?tab=releases': 'Nothing was asked for yet', '/references': 'No reference values yet', '/audit': 'Nothing yet', '/policies/Tpm?tab=versions': 'Nobody has set this policy yet'};
    for (const [path, text] of Object.entries(teaches)) {
        await go(page, emulated.url, path);
        await page.getByText('EMULATED.').waitFor();
        await page.getByText(text).waitFor();
    }
    await close();
    await emulated.stop();
});

test('light and dark: as the system says, or as wished, and kept', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'ada', colorScheme: 'dark'});
    const scheme = () => page.evaluate(() => document.documentElement.dataset.scheme);

    assert.equal(await scheme(), 'dark');
    await page.emulateMedia({colorScheme: 'light'});
    await page.waitForFunction(() => document.documentElement.dataset.scheme === 'light');
    await page.getByRole('button', {name: 'Dark colours'}).click();
    assert.equal(await scheme(), 'dark');
    await page.reload();
    await settled(page);
    assert.equal(await scheme(), 'dark');
    await close();
});

test('the policy of the page is the one that is written down', async () => {
    const response = await fetch(`${mock.url}/dashboard/`);
    const {readFileSync} = await import('node:fs');
    const page = readFileSync(new URL('../../docs/console-api.md', import.meta.url), 'utf8');

    for (const [name, value] of Object.entries(headers)) {
        assert.equal(response.headers.get(name), value);
        assert.ok(page.includes(`${name}: ${value}`), `docs/console-api.md has ${name}`);
    }
    const html = await response.text();
    assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/);
});
