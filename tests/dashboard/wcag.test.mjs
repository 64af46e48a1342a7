// Every page as everybody has to be able to use it: WCAG AA by axe-core in light and dark, and 360 pixels wide.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';

import {accessibility, go, launch, sideways, visit} from './browser.mjs';
import {start} from './mock.mjs';

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

test('every page: WCAG AA in light and dark, and 360 pixels wide', async () => {
    const {page, close} = await visit(browser, mock.url, {as: 'ada'});
    const a = mock.world.log.find((x) => x.result === 'refused' && x.stage === 'policy' && x.tee === 'sgx');
    const paths = ['/', '/attestations', `/attestations/${a.id}`, '/inventory', '/inventory?tab=platforms', '/inventory/ledger-3', '/policies', '/policies/TdxVm', '/policies/TdxVm?tab=versions', '/keys', '/keys?tab=releases', '/keys/key/ledger-data', '/references', '/references/r1', '/audit', '/try', '/try?tab=token', '/try?tab=clients', '/access', '/account'];

    for (const path of paths) {
        await page.setViewportSize({width: 1280, height: 900});
        await page.emulateMedia({colorScheme: 'light'});
        await go(page, mock.url, path);
        assert.deepEqual(await accessibility(page), [], `${path}, light`);
        await page.emulateMedia({colorScheme: 'dark'});
        assert.deepEqual(await accessibility(page, ['color-contrast']), [], `${path}, dark`);
        await page.setViewportSize({width: 360, height: 740});
        assert.deepEqual(await sideways(page), [], `${path}, 360 pixels`);
    }
    await page.getByRole('button', {name: 'Menu'}).click();
    await page.getByRole('link', {name: 'Attestations', exact: true}).click();
    await page.getByRole('heading', {level: 1, name: 'Attestations'}).waitFor();
    assert.equal(await page.getByRole('link', {name: 'Inventory'}).isVisible(), false, 'the menu closes');
    assert.deepEqual(await accessibility(page), [], 'a phone');
    await close();
});
