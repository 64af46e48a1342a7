// Debian's Chromium under Playwright, and a page that notices what must not happen: errors on the console,
// exceptions, and violations of the content security policy.
import assert from 'node:assert/strict';
import {existsSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

// the packages are those of dashboard/package-lock.json
const require = createRequire(new URL('../../dashboard/package.json', import.meta.url));
const {chromium} = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const executable = process.env.CASEMATE_CHROMIUM ?? '/usr/bin/chromium';
export const there = existsSync(executable);

/** Without what a test must not have: a display, a sandbox within a sandbox, the network. */
export function launch() {
    return chromium.launch({
        executablePath: executable,
        headless: true,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
    });
}

// the cookie of a log-in
async function session(url, name) {
    const answer = await fetch(`${url}/api/v1/login`, {method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify({name, password: 'a long enough password'})});
    const [, cookie, value] = /^([^=]+)=([^;]+)/.exec(answer.headers.get('set-cookie'));

    return {name: cookie, value, url: url.replace('http:', 'https:'), secure: true, httpOnly: true, sameSite: 'Strict'};
}

/**
 * A page with cookies and storage of its own.
 * @param as  who is logged in already; undefined: nobody
 * @return {page, wrong, close()} wrong: what must not have happened; close() fails if there is any
 */
export async function visit(browser, url, {as, path = '/', width = 1280, height = 900, colorScheme = 'light', expected = []} = {}) {
    const context = await browser.newContext({viewport: {width, height}, colorScheme, ignoreHTTPSErrors: true, permissions: ['clipboard-read', 'clipboard-write'], locale: 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce'});
    const page = await context.newPage();
    const wrong = [];
    const note = (text) => {
        if (!expected.some((pattern) => pattern.test(text))) {
            wrong.push(text);
        }
    };

    page.setDefaultTimeout(20000);
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && note(`console: ${message.text()}`));
    page.on('pageerror', (error) => note(`exception: ${error.message}`));
    page.on('request', (request) => new URL(request.url()).origin !== new URL(url).origin && note(`a request to ${request.url()}`));
    await page.exposeFunction('cmViolated', (text) => note(`content security policy: ${text}`));
    await page.addInitScript(() => {
        window.addEventListener('securitypolicyviolation', (e) => window.cmViolated(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
    });
    if (as !== undefined) {
        await context.addCookies([await session(url, as)]);
    }
    await page.goto(`${url}/dashboard${path}`);
    await settled(page);
    return {
        page,
        wrong,
        async close() {
            await context.close();
            assert.deepEqual(wrong, []);
        },
    };
}

export async function login(page, name, password = 'a long enough password') {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', {name: 'Log in'}).click();
    await page.getByRole('heading', {level: 1, name: 'Overview'}).waitFor();
}

/** Go to a page by its address, as from a link that somebody sent. */
export async function go(page, url, path) {
    await page.goto(`${url}/dashboard${path}`);
    await settled(page);
}

/** Until nothing says that it is loading any more. */
export async function settled(page) {
    await page.locator('h1').first().waitFor();
    await page.waitForFunction(() => document.querySelector('.loading') === null);
}

/** What axe-core finds against WCAG 2.2 AA and good practice, a line each. */
export async function accessibility(page, only) {
    const loaded = await page.evaluate(() => typeof window.axe === 'object');

    if (!loaded) {
        await page.evaluate(axe);
    }
    return page.evaluate(async (rules) => {
        const options = rules === undefined ? {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']} : {runOnly: {type: 'rule', values: rules}};
        const {violations} = await window.axe.run(document, {...options, resultTypes: ['violations']});
        return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}: ${n.any.concat(n.all, n.none).map((c) => c.message).join('; ')}`));
    }, only);
}

/** What is wider than the window, on a page that must not scroll sideways. */
export function sideways(page) {
    return page.evaluate(() => {
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width) {
            return [];
        }
        return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 1).map((e) => `${e.tagName}.${e.className}`).slice(0, 5);
    });
}
