// What pages are made for beside the usual: one's own password, a service that goes away, long names, long lists,
// and windows of every width.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {accessibility, go, launch, login, settled, sideways, visit} from './browser.mjs';
import {hex} from './mock_data.mjs';
import {start} from './mock.mjs';

let browser;

before(async () => {
    browser = await launch();
});
after(async () => browser.close());

const status = (code) => new RegExp(`status of ${code}`);

test('one’s own password: the old one, the new one twice, and the other sessions end', async () => {
    const mock = await start();
    const {page, close} = await visit(browser, mock.url, {as: 'dan', expected: [status(403), status(401)]});
    const another = await visit(browser, mock.url, {as: 'dan', expected: [status(401)]});
    const fill = async (old, next, again) => {
        await page.getByLabel('Password as it is').fill(old);
        await page.getByLabel('New password', {exact: true}).fill(next);
        await page.getByLabel('The new password again').fill(again);
        await page.getByRole('button', {name: 'Change the password'}).click();
    };

    await page.getByRole('link', {name: 'Your account: dan'}).click();
    await page.getByRole('heading', {level: 1, name: 'Your account'}).waitFor();
    assert.deepEqual(await accessibility(page), []);
    await fill('a long enough password', 'another good password', 'another god password');
    await page.getByText('The two passwords differ').waitFor();
    assert.equal(await page.getByLabel('The new password again').evaluate((e) => e === document.activeElement), true);
    await fill('not the old one', 'another good password', 'another good password');
    await page.getByText('The old password is wrong.').waitFor();
    assert.equal(await page.getByLabel('Password as it is').getAttribute('aria-invalid'), 'true');
    assert.equal(mock.world.accounts.find((a) => a.name === 'dan').password, 'a long enough password');
    await fill('a long enough password', 'another good password', 'another good password');
    await page.getByText('All your other sessions have ended').waitFor();
    assert.equal(await page.getByLabel('New password', {exact: true}).inputValue(), '', 'nothing stays in the form');
    assert.deepEqual(await accessibility(page), []);
    await go(another.page, mock.url, '/attestations').catch(() => undefined);
    await another.page.getByRole('heading', {name: 'Log in'}).waitFor();
    await page.getByRole('button', {name: 'Log out'}).click();
    await page.getByRole('heading', {name: 'Log in'}).waitFor();
    await page.getByLabel('Name').fill('dan');
    await page.getByLabel('Password').fill('a long enough password');
    await page.getByRole('button', {name: 'Log in'}).click();
    await page.getByText('The name or the password is wrong').waitFor();
    await login(page, 'dan', 'another good password');
    await another.close();
    await close();
    await mock.stop();
});

test('a service that goes away is said once, over what was there, and asked until it is back', async () => {
    const mock = await start();
    const {page, close} = await visit(browser, mock.url, {as: 'ada', path: '/attestations', expected: [/ERR_/]});
    const look = () => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));

    await page.locator('tbody tr').first().waitFor();
    mock.state.gone = true;
    await look();
    await page.getByRole('alert').getByText('The service does not answer').waitFor();
    assert.equal(await page.getByRole('alert').count(), 1);
    assert.ok((await page.locator('tbody tr').count()) > 10, 'what was there still is');
    assert.deepEqual(await accessibility(page), []);
    // a page that was not asked for before has nothing to show: it says so, too, and fills when the service is back
    await page.getByRole('link', {name: 'Inventory'}).click();
    await page.getByRole('main').getByText('The service does not answer.').waitFor();
    mock.state.gone = false;
    await look();
    await page.getByRole('table', {name: 'Workloads'}).waitFor();
    await page.getByRole('alert').waitFor({state: 'hidden'});
    await close();
    await mock.stop();
});

test('ten thousand rows: all can be come by, by time and page by page', async () => {
    const mock = await start();
    const at = Math.floor(Date.now() / 1000);
    const [one] = mock.world.log;
    mock.world.log = Array.from({length: 10000}, (_, i) => ({...one, id: hex(`row ${i}`, 16), time: at - i * 60, client: `client-${i}`}));
    const {page, close} = await visit(browser, mock.url, {as: 'dan', path: '/attestations'});
    const rows = () => page.locator('tbody tr').count();

    await page.getByText('The first 50 are shown').waitFor();
    for (let shown = 150; shown <= 1150; shown += 200) {
        await page.getByRole('button', {name: 'Show more'}).click();
        await page.waitForFunction((n) => document.querySelectorAll('tbody tr').length === n, shown);
    }
    assert.equal(new Set(await page.locator('tbody .row-link').evaluateAll((links) => links.map((l) => l.href))).size, await rows(), 'none twice');
    await page.getByText('not live').waitFor();
    // three days ago, between two o'clock and a quarter past
    const day = new Date((at - 3 * 86400) * 1000).toISOString().slice(0, 10);
    await page.getByLabel('Time').selectOption('between');
    await page.getByLabel('from', {exact: true}).fill(`${day}T14:00`);
    await page.getByLabel('to', {exact: true}).fill(`${day}T14:15`);
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length < 20);
    assert.ok((await rows()) >= 14, `${await rows()} rows`);
    assert.match(page.url(), /period=between&from=.*&to=/);
    await page.reload();
    await settled(page);
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length < 20);
    await page.getByLabel('Time').selectOption('hour');
    await page.waitForFunction(() => [50, 60, 61].includes(document.querySelectorAll('tbody tr').length));
    assert.doesNotMatch(page.url(), /from=/);
    await close();
    await mock.stop();
});

/** Names as long as they may be, and values longer than any line. */
function lengthen(world) {
    const name = 'a-name-that-some-script-has-made-without-thinking-of-those-who-read-it-'.repeat(2).slice(0, 100);
    const digest = hex('a measurement', 64);

    Object.assign(world.keys[0], {name});
    Object.assign(world.secrets[0], {name});
    Object.assign(world.resources[0], {path: `${name}/${name}/${name}`});
    Object.assign(world.references[0], {name, issuer: name});
    Object.assign(world.accounts[1], {name: 'a.person.of.the.longest.name.there.may.be.at.all@example.example'});
    for (const r of world.releases.slice(0, 4)) {
        Object.assign(r, {name, client: name, result: 'withheld', reason: `x-ms-sgx-mrenclave is ${digest}, not ${digest}, as the policy of ${name} wants`});
    }
    for (const a of world.log.slice(0, 6)) {
        Object.assign(a, {client: name, policy_type: name, reason: `line 12 did not permit: ${name} ${digest}`});
    }
    for (const r of world.audit.slice(-4)) {
        Object.assign(r, {object: name, actor: world.accounts[1].name, detail: {name, hash: digest}});
    }
    return name;
}

test('long names and values: no page is wider than its window, and words are whole', async () => {
    const mock = await start();
    const name = lengthen(mock.world);
    const {page, close} = await visit(browser, mock.url, {as: 'ada'});
    const paths = ['/', '/attestations', '/inventory', '/inventory?tab=platforms', '/policies', '/policies/TdxVm?tab=versions', '/keys', '/keys?tab=secrets', '/keys?tab=resources', '/keys?tab=releases', `/keys/key/${name}`, '/references', '/references/r1', '/audit', '/access', '/account'];

    for (const width of [390, 768, 1440]) {
        await page.setViewportSize({width, height: 900});
        for (const path of paths) {
            await go(page, mock.url, path);
            assert.deepEqual(await sideways(page), [], `${path}, ${width} pixels`);
        }
    }
    // a column is never narrower than its words, as long as those are words
    await page.setViewportSize({width: 768, height: 900});
    await go(page, mock.url, '/policies');
    const lines = await page.getByRole('link', {name: 'SgxEnclave'}).evaluate((e) => e.getClientRects().length);
    assert.equal(lines, 1, 'SgxEnclave is not broken');
    await close();
    await mock.stop();
});

test('lists fit their window, with or without the pages beside them', async () => {
    const mock = await start();
    const {page, close} = await visit(browser, mock.url, {as: 'ada'});
    const wide = () => page.evaluate(() => [...document.querySelectorAll('.table-frame')].filter((f) => f.scrollWidth > f.clientWidth + 1).map((f) => f.querySelector('table').getAttribute('aria-label')));

    for (const path of ['/', '/attestations', '/inventory', '/inventory?tab=platforms', '/policies', '/keys', '/keys?tab=releases', '/references']) {
        await go(page, mock.url, path);
        for (const width of [768, 1024, 1081, 1280]) {
            await page.setViewportSize({width, height: 900});
            assert.deepEqual(await wide(), [], `${path}, ${width} pixels`);
        }
    }
    await close();
    await mock.stop();
});

test('on a phone a row is a card: what it is, how it went beside that, and no line without a value', async () => {
    const mock = await start();
    const {page, close} = await visit(browser, mock.url, {as: 'ada', path: '/keys?tab=releases', width: 390});
    const card = page.locator('tbody tr').first();
    const title = await card.locator('.card-title').boundingBox();
    const state = await card.locator('.card-state').boundingBox();

    assert.ok(Math.abs(title.y - state.y) < 8 && state.x > title.x + 40, 'beside each other');
    await go(page, mock.url, '/policies');
    assert.equal(await page.locator('td:has(.none)').first().isVisible(), false);
    assert.deepEqual(await accessibility(page), []);
    await close();
    await mock.stop();
});
