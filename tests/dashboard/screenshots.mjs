// The pictures of docs/dashboard.md, over the mock: node tests/dashboard/screenshots.mjs docs/images
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';

import {launch, visit} from './browser.mjs';
import {sgx4} from './mock_data.mjs';
import {start} from './mock.mjs';

const folder = process.argv[2];
if (folder === undefined) {
    console.error('usage: screenshots.mjs FOLDER');
    process.exit(2);
}
mkdirSync(folder, {recursive: true});
const mock = await start();
const browser = await launch();
const refused = mock.world.log.find((a) => a.app === 'ledger-2' && a.stage === 'policy');

async function picture(name, options, prepare = async () => undefined, from = mock) {
    const {page, close} = await visit(browser, from.url, {width: 1200, height: 760, ...options});
    await prepare(page);
    await page.waitForTimeout(400); // fonts and charts are there
    await page.screenshot({path: join(folder, `${name}.png`)});
    await close();
}

await picture('dashboard-overview', {as: 'ada'});
await picture('dashboard-refused', {as: 'ada', path: `/attestations/${refused.id}`}, (page) => page.evaluate(() => window.scrollTo(0, 0)));
await picture('dashboard-policy', {as: 'bob', path: '/policies/SgxEnclave', colorScheme: 'dark', height: 900}, async (page) => {
    await page.getByLabel('Policy for SgxEnclave').fill(sgx4.replace('value>=3', 'value>=2'));
    await page.getByRole('button', {name: 'What if'}).click();
    await page.locator('.tile', {hasText: 'Newly accepted'}).waitFor();
});
await picture('dashboard-releases', {as: 'ada', path: '/keys/key/ledger-data', height: 700});
await picture('dashboard-phone', {as: 'ada', path: `/attestations/${refused.id}`, width: 360, height: 760, colorScheme: 'dark'});
const fresh = await start({empty: true});
await picture('dashboard-start', {as: 'ada', height: 640}, undefined, fresh);
await fresh.stop();
await browser.close();
await mock.stop();
