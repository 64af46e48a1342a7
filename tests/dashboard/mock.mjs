// A service that is none: it plays docs/console-api.md with data of its own, and serves the dashboard's files
// as src/console does. `node mock.mjs [PORT]` runs it to look at; the tests start it in their process.
import {createHash, randomBytes} from 'node:crypto';
import {readFileSync, existsSync, statSync} from 'node:fs';
import {createServer} from 'node:http';
import {extname, join, normalize} from 'node:path';
import {fileURLToPath} from 'node:url';

import {routes} from './mock_routes.mjs';
import {world} from './mock_data.mjs';

const types = {'.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.txt': 'text/plain; charset=utf-8'};

// These are the headers of docs/console-api.md, letter by letter: tests compare the page with it.
export const headers = {
    'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

export class Refusal extends Error {
    constructor(status, code, message, place = null) {
        super(message);
        Object.assign(this, {status, code, place});
    }
}

function file(dist, path, response) {
    const name = normalize(path.replace(/^\/dashboard\/?/, '')).replace(/^(\.\.(\/|$))+/, '');
    const wanted = join(dist, name);
    const there = name !== '.' && name !== '' && existsSync(wanted) && statSync(wanted).isFile();

    if (!there && name.startsWith('assets/')) {
        response.writeHead(404, headers).end();
        return;
    }
    const chosen = there ? wanted : join(dist, 'index.html');
    const bytes = readFileSync(chosen);
    response.writeHead(200, {
        ...headers,
        'content-type': types[extname(chosen)] ?? 'application/octet-stream',
        'cache-control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        etag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`,
    });
    response.end(bytes);
}

async function bodyOf(request) {
    const parts = [];
    for await (const part of request) {
        parts.push(part);
    }
    const text = Buffer.concat(parts).toString('utf8');
    try {
        request.text = text;
        return text === '' ? {} : JSON.parse(text);
    } catch {
        throw new Refusal(400, 'InvalidParameter', 'The body is not JSON.');
    }
}

const mayRead = ['admin', 'author', 'approver', 'auditor'];

function authorise(route, call) {
    const {roles} = route;
    if (roles === 'anyone') {
        return;
    }
    if (call.user === null) {
        throw new Refusal(401, 'Unauthenticated', 'Log in first.');
    }
    const wanted = {reader: mayRead, author: ['admin', 'author'], approver: ['approver'], auditor: ['admin', 'auditor'], admin: ['admin'], session: null}[roles];
    if (wanted !== null && !call.user.roles.some((r) => wanted.includes(r))) {
        throw new Refusal(403, 'Forbidden', `This needs the role ${wanted.join(' or ')}.`);
    }
    if (call.method !== 'GET' && call.request.headers['x-csrf-token'] !== call.session.csrf) {
        throw new Refusal(403, 'CsrfToken', 'The request has no valid x-csrf-token.');
    }
}

function sessionOf(state, request) {
    const cookie = /(?:^|; )__Host-casemate=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
    return cookie === undefined ? null : (state.sessions.get(cookie) ?? null);
}

async function api(state, request, response, url) {
    const path = url.pathname.slice('/api/v1/'.length);
    const session = sessionOf(state, request);
    const call = {
        state,
        request,
        response,
        method: request.method,
        query: url.searchParams,
        session,
        user: session === null ? null : (state.world.accounts.find((a) => a.name === session.name && a.enabled) ?? null),
        extra: {},
        status: 200,
    };
    const route = routes.find((r) => r.method === request.method && r.pattern.test(path));
    if (route === undefined) {
        throw new Refusal(404, 'NotFound', 'There is nothing here.');
    }
    authorise(route, call);
    call.params = Object.fromEntries(Object.entries(route.pattern.exec(path).groups ?? {}).map(([k, v]) => [k, decodeURIComponent(v)]));
    call.body = request.method === 'GET' ? null : await bodyOf(request);
    const answer = await route.serve(call);
    if (typeof answer === 'string') {
        response.writeHead(200, {'content-type': 'application/x-ndjson', 'content-disposition': 'attachment; filename="casemate-audit.jsonl"', ...call.extra}).end(answer);
        return;
    }
    const empty = answer === undefined;
    response.writeHead(empty ? 204 : call.status, {...(empty ? {} : {'content-type': 'application/json'}), 'cache-control': 'no-store', ...call.extra});
    response.end(empty ? undefined : JSON.stringify(answer));
}

/**
 * @param setup  nobody has an account yet: the code is "123-456"
 * @return {url, state, world, stop()} `state.fail` set to a status: every call of the API is refused with it;
 *   `state.gone`: none is answered
 */
export async function start({port = 0, dist = process.env.CASEMATE_DASHBOARD_DIST ?? fileURLToPath(new URL('../../dashboard/dist', import.meta.url)), setup = false, emulated = false, empty = false} = {}) {
    const state = {sessions: new Map(), setup, attempts: 0, fail: null, gone: false};
    const server = createServer((request, response) => {
        const url = new URL(request.url, state.url);
        const refuse = (error) => {
            const known = error instanceof Refusal ? error : new Refusal(500, 'Internal', String(error.stack ?? error));
            const place = known.place === null ? {} : {line: known.place.line, column: known.place.column};
            response.writeHead(known.status, {'content-type': 'application/json', 'x-ms-request-id': randomBytes(16).toString('hex'), ...(known.status === 429 ? {'retry-after': '30'} : {})});
            response.end(JSON.stringify({error: {code: known.code, message: known.message, ...place}}));
        };
        if (state.gone && url.pathname.startsWith('/api/v1/')) {
            request.socket.destroy();
        } else if (url.pathname.startsWith('/api/v1/')) {
            const run = state.fail === null || url.pathname.endsWith('/me') ? api(state, request, response, url) : Promise.reject(new Refusal(state.fail, 'Busy', 'The store cannot be reached.'));
            run.catch(refuse);
        } else if (url.pathname === '/') {
            response.writeHead(302, {location: '/dashboard/'}).end();
        } else if (url.pathname.startsWith('/dashboard')) {
            file(dist, url.pathname, response);
        } else {
            response.writeHead(404).end();
        }
    });
    await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
    state.url = `http://127.0.0.1:${server.address().port}`;
    state.world = world({now: Math.floor(Date.now() / 1000), url: 'https://attest.example.net:8443', emulated});
    if (empty) {
        Object.assign(state.world, {log: [], releases: [], keys: [], secrets: [], resources: [], references: [], audit: []});
        for (const policy of state.world.policies.values()) {
            policy.versions = [];
        }
    }
    if (setup) {
        state.world.accounts = [];
    }
    return {
        url: state.url,
        state,
        world: state.world,
        stop: () =>
            new Promise((resolve) => {
                server.close(resolve);
                server.closeAllConnections();
            }),
    };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const {url} = await start({port: Number(process.argv[2] ?? 0), emulated: process.argv.includes('--emulated')});
    console.log(`${url}/dashboard/ (ada, bob, carol, dan: a long enough password)`);
}
