// Debian's Chromium under Playwright, without what a test must not have: a display, a sandbox within a
// sandbox, and the network.
import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

// the packages are those of dashboard/package-lock.json
export const require = createRequire(new URL('../../dashboard/package.json', import.meta.url));
const {chromium} = require('playwright-core');

export const executable = process.env.CASEMATE_CHROMIUM ?? '/usr/bin/chromium';
export const there = existsSync(executable);

/** A browser with a profile of its own; stop() ends it and takes the profile away. */
export async function launch() {
    const profile = mkdtempSync(join(tmpdir(), 'casemate-chromium-'));
    const context = await chromium.launchPersistentContext(profile, {
        executablePath: executable,
        headless: true,
        ignoreHTTPSErrors: true,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
    });
    return {
        browser: context.browser(),
        context,
        async stop() {
            await context.close();
            rmSync(profile, {recursive: true, force: true, maxRetries: 5});
        },
    };
}
