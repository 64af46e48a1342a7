import {defineConfig} from 'vite';

// `npx vite` shows the pages while they are written, over a service that runs
const service = process.env.CASEMATE_URL ?? 'https://localhost:8443';

// One static bundle below /dashboard/, with nothing that a strict content security policy forbids: no inline
// script or style, no data: address, no eval.
export default defineConfig({
    base: '/dashboard/',
    build: {
        target: 'es2022',
        assetsInlineLimit: 0,
        modulePreload: {polyfill: false},
        reportCompressedSize: false,
    },
    // the service takes changes from its own pages only: these are from it, as far as it sees
    server: {proxy: {'/api': {target: service, secure: false, changeOrigin: true, headers: {origin: service}}}},
});
