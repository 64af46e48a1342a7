import {defineConfig} from 'vite';

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
    server: {proxy: {'/api': {target: process.env.CASEMATE_URL ?? 'https://127.0.0.1:8443', secure: false}}},
});
