// The calls of docs/console-api.md, played over the data of mock_data.mjs.
import {randomBytes} from 'node:crypto';

import {active, apps, claimsOf, decide, evidenceOf, hex, labels, measurementOf, policyHash, types} from './mock_data.mjs';
import {Refusal} from './mock.mjs';
import {evaluate, parse, PolicyError, warnings} from './mock_policy.mjs';

const now = () => Math.floor(Date.now() / 1000);
const route = (method, path, roles, serve) => ({method, roles, serve, pattern: new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`)});
const must = (value, what = 'There is no such thing.') => {
    if (value === undefined) {
        throw new Refusal(404, 'NotFound', what);
    }
    return value;
};
const note = ({state, user}, action, object, detail = null) => {
    const seq = state.world.audit.length + 1;
    state.world.audit.push({seq, time: now(), actor: user?.name ?? '', action, object, detail, hash: hex(`audit ${seq}`)});
};

function page(call, all) {
    const limit = Number(call.query.get('limit') ?? 50);
    const from = Number(call.query.get('cursor') ?? 0);
    return {items: all.slice(from, from + limit), next: from + limit < all.length ? String(from + limit) : null};
}

function parsed(text) {
    try {
        return parse(text);
    } catch (error) {
        if (error instanceof PolicyError) {
            throw new Refusal(400, 'PolicySyntax', error.message, error.place);
        }
        throw error;
    }
}

/* ------------------------------------------------------------------ sessions */

function me(call) {
    const {state, session, user} = call;
    return {
        setup_needed: state.setup,
        user: user === null ? null : {name: user.name, roles: user.roles, expires_at: session.expires_at},
        csrf: user === null ? null : session.csrf,
        service: {version: '0.1.0', public_url: state.world.url, emulated: state.world.emulated},
    };
}

function begin(call, account) {
    const id = randomBytes(24).toString('base64url');
    call.session = {name: account.name, csrf: randomBytes(18).toString('base64url'), expires_at: now() + 43200};
    call.user = account;
    call.state.sessions.set(id, call.session);
    call.extra['set-cookie'] = `__Host-casemate=${id}; Path=/; Secure; HttpOnly; SameSite=Strict`;
    return me(call);
}

const sessions = [
    route('GET', 'me', 'anyone', me),
    route('POST', 'setup', 'anyone', (call) => {
        const {state, body} = call;
        if (!state.setup) {
            throw new Refusal(409, 'AlreadySetUp', 'There is an admin already.');
        }
        if (body.code !== '123-456') {
            throw new Refusal(403, 'SetupCode', 'This is not the code, or its 15 minutes are over: restart the service for another.');
        }
        if (body.password.length < 12) {
            throw new Refusal(400, 'WeakPassword', 'A password has at least 12 characters.');
        }
        const account = {name: body.name, roles: ['admin'], password: body.password, created_at: now(), last_login: now(), enabled: true};
        state.world.accounts.push(account);
        state.setup = false;
        return begin(call, account);
    }),
    route('POST', 'login', 'anyone', (call) => {
        const {state, body} = call;
        const account = state.world.accounts.find((a) => a.name === body.name && a.password === body.password && a.enabled);
        if (account === undefined) {
            if (++state.attempts > 20) {
                throw new Refusal(429, 'TooManyRequests', 'Too many attempts.');
            }
            throw new Refusal(401, 'LoginFailed', 'The name or the password is wrong.');
        }
        return begin(call, account);
    }),
    route('POST', 'password', 'session', (call) => {
        const {state, session, user, body} = call;
        if (body.new.length < 12) {
            throw new Refusal(400, 'WeakPassword', 'a password has 12 to 256 characters');
        }
        if (body.old !== user.password) {
            throw new Refusal(403, 'Forbidden', 'the old password is wrong');
        }
        user.password = body.new;
        for (const [id, other] of state.sessions) {
            if (other.name === user.name && other !== session) {
                state.sessions.delete(id);
            }
        }
    }),
    route('POST', 'logout', 'session', (call) => {
        for (const [id, session] of call.state.sessions) {
            if (session === call.session) {
                call.state.sessions.delete(id);
            }
        }
    }),
];

/* ------------------------------------------------------------------ overview */

const plain = ({app, ...rest}) => rest;
const percentile = (values, p) => (values.length === 0 ? null : values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))]);

function overview({state, query}) {
    const {world} = state;
    const minutes = Number(query.get('minutes') ?? 60);
    const step = minutes > 240 ? 600 : 60;
    const places = (minutes * 60) / step;
    const at = now();
    const start = Math.floor(at / step) * step - (places - 1) * step;
    const within = world.log.filter((a) => a.time >= start);
    const place = (a) => Math.min(places - 1, Math.floor((a.time - start) / step));
    const zeros = () => Array.from({length: places}, () => 0);
    const series = [...new Set(within.map((a) => a.tee))].toSorted().map((tee) => {
        const one = {tee, accepted: zeros(), refused: zeros()};
        for (const a of within.filter((x) => x.tee === tee)) {
            one[a.result][place(a)]++;
        }
        return one;
    });
    const took = Array.from({length: places}, () => []);
    for (const a of within) {
        took[place(a)].push(a.took_ms);
    }
    const reasons = new Map();
    for (const a of within.filter((x) => x.result === 'refused')) {
        const r = reasons.get(a.reason) ?? {reason: a.reason, stage: a.stage, count: 0, last_id: a.id, last_at: a.time};
        r.count++;
        reasons.set(a.reason, r);
    }
    const released = world.releases.filter((r) => r.time >= start);
    const all = within.map((a) => a.took_ms);
    const waiting = [...world.policies.values()].filter((p) => p.versions.some((v) => v.state === 'waiting'));
    const quiet = world.log.length === 0;
    const collateral = (kind, name, subject, next, state_, fetched = 3600) => ({kind, name, subject, fetched_at: state_ === 'missing' ? null : at - fetched, issued_at: at - 86400, next_update: next === null ? null : at + next * 86400 + 3600, state: state_, detail: ''});
    return {
        now: at,
        service: {
            version: '0.1.0',
            public_url: world.url,
            emulated: world.emulated,
            started_at: world.now - 11 * 86400,
            store: 'postgresql',
            ready: true,
            ready_why: '',
            evidence: {state: 'ok', tee: 'tdx', tcb_status: 'UpToDate', detail: 'a quote of this service, 40 minutes old'},
            signers: [
                {use: 'token', alg: 'RS256', kid: hex('kid', 16), created_at: world.now - 40 * 86400},
                {use: 'result', alg: 'ES256', kid: hex('kid2', 16), created_at: world.now - 40 * 86400},
                {use: 'release', alg: 'RS256', kid: hex('kid3', 16), created_at: world.now - 12 * 86400},
            ],
            tls: {not_after: at + 71 * 86400, ca_sha256: hex('ca')},
        },
        rate: {start, step_s: step, series, p50_ms: took.map((v) => percentile(v, 0.5)), p99_ms: took.map((v) => percentile(v, 0.99))},
        totals: {
            accepted: within.filter((a) => a.result === 'accepted').length,
            refused: within.filter((a) => a.result === 'refused').length,
            released: released.filter((r) => r.result === 'released').length,
            withheld: released.filter((r) => r.result === 'withheld').length,
            p50_ms: percentile(all, 0.5),
            p99_ms: percentile(all, 0.99),
        },
        reasons: [...reasons.values()].toSorted((a, b) => b.count - a.count).slice(0, 5),
        collateral: quiet
            ? []
            : [
                  collateral('crl', 'Intel PCK CRL (platform)', '', 3, 'expiring'),
                  collateral('tcb-info', 'SGX TCB info', '00906ed50000', 22, 'fresh'),
                  collateral('tcb-info', 'TDX TCB info', '50806f000000', 22, 'fresh'),
                  collateral('qe-identity', 'QE identity', '', 25, 'fresh'),
                  collateral('certificate', 'AMD VCEK', 'Milan', null, 'fresh', 7200),
              ],
        releases: world.releases.slice(0, 8),
        alerts: quiet
            ? []
            : [
                  {severity: 'warning', code: 'collateral.expiring', text: 'The CRL of Intel’s PCK platform CA has 3 days left, and its source does not answer.', page: 'overview', object: null, since: at - 7200},
                  ...waiting.map((p) => ({severity: 'info', code: 'policy.waiting', text: `A version of ${p.type} waits for a second person’s approval.`, page: 'policies', object: p.type, since: at - 17000})),
              ],
    };
}

const bundles = [
    route('GET', 'collateral/export', 'reader', () => '{"bundle":[]}'),
    route('POST', 'collateral/import', 'admin', ({body, request, state}) => {
        state.imported = request.text;
        if (!Array.isArray(body.bundle)) {
            throw new Refusal(400, 'EvidenceFormat', 'This is no collateral.');
        }
        return {taken: body.bundle.length};
    }),
];

/* -------------------------------------------------------------- attestations */

function search({state, query}) {
    const is = (name) => (a) => (query.get(name) ?? a[name]) === a[name];
    const q = (query.get('q') ?? '').toLowerCase();
    return state.world.log
        .filter(is('result'))
        .filter(is('tee'))
        .filter(is('client'))
        .filter(is('policy_type'))
        .filter((a) => (a.measurement ?? '').startsWith(query.get('measurement') ?? ''))
        .filter((a) => a.time >= Number(query.get('from') ?? 0) && a.time <= Number(query.get('to') ?? Infinity))
        .filter((a) => q === '' || a.reason.toLowerCase().includes(q) || a.client.toLowerCase().includes(q) || a.id.startsWith(q));
}

const appOf = (a) => apps.find((x) => x.key === a.app);

function explain(world, a) {
    const app = appOf(a);
    const broken = a.stage === 'evidence';
    const policy = world.policies.get(a.policy_type);
    const used = policy.versions.find((v) => v.version === a.policy_version) ?? policy.fallback;
    const outcome = broken ? null : evaluate(parse(used.text), claimsOf(app));
    return {evidence: evidenceOf(app, broken), policy: broken ? null : {type: a.policy_type, version: used.version, hash: used.hash, text: used.text}, outcome};
}

const textOf = (policy, body) => body.text ?? must([policy.fallback, ...policy.versions].find((v) => v.version === body.version), 'There is no such version.').text;

const log = [
    route('GET', 'overview', 'reader', overview),
    route('GET', 'attestations', 'reader', (call) => ({...page(call, search(call).map(plain)), tees: ['sgx', 'snp', 'tdx']})),
    route('GET', 'attestations/{id}', 'reader', ({state, params}) => {
        const a = must(state.world.log.find((x) => x.id === params.id), 'There is no attestation of this id.');
        const explained = explain(state.world, a);
        const ok = a.result === 'accepted';
        const claims = ok ? {iss: state.world.url, jti: a.id, iat: a.time, nbf: a.time, exp: a.time + 28800, ...Object.fromEntries(claimsOf(appOf(a)).map((c) => [c.type, c.value])), ...Object.fromEntries(explained.outcome.issued.map((c) => [c.type, c.value]))} : null;
        return {
            ...plain(a),
            ...explained,
            claims,
            format: a.tee === 'snp' ? 'azure-cvm' : 'dcap',
            evidence_size: a.tee === 'snp' ? 2600 : 4734,
            materials: a.tee === 'snp' ? [{kind: 'event-log', size: 30212}] : [],
            replayable: a.stage !== 'evidence',
        };
    }),
    route('POST', 'attestations/{id}/replay', 'reader', ({state, params, body}) => {
        const a = must(state.world.log.find((x) => x.id === params.id));
        const outcome = evaluate(parsed(textOf(must(state.world.policies.get(body.type)), body)), claimsOf(appOf(a)));
        const result = outcome.permitted ? 'accepted' : 'refused';
        return {result, changed: result !== a.result, reason: outcome.reason, outcome};
    }),
];

/* ----------------------------------------------------------------- inventory */

function workloads(world) {
    return apps
        .map((app) => {
            const m = measurementOf(app);
            const seen = world.log.filter((a) => a.measurement === m);
            const policy = active(world.policies.get(types[app.tee]));
            const lines = policy.text.split('\n');
            const line = lines.findIndex((l) => l.includes(m)) + 1;
            return {
                id: app.key,
                tee: app.tee,
                measurement: m,
                label: labels[app.tee],
                signer: app.signer,
                product_id: app.product,
                svn: app.svn,
                debug: false,
                emulated: world.emulated,
                first_seen: world.now - app.day * 86400,
                last_seen: seen[0]?.time ?? world.now,
                accepted: seen.filter((a) => a.result === 'accepted').length,
                refused: seen.filter((a) => a.result === 'refused').length,
                tcb_status: app.key === 'stale' ? 'OutOfDate' : 'UpToDate',
                advisories: app.key === 'stale' ? ['INTEL-SA-00615', 'INTEL-SA-00828'] : [],
                newest: app.key !== 'ledger-2',
                trusted_by: line > 0 ? [{type: types[app.tee], line}] : [],
                count: seen.length,
            };
        })
        .filter((w) => w.count > 0)
        .map(({count, ...w}) => w)
        .toSorted((a, b) => b.last_seen - a.last_seen);
}

function platforms(world) {
    const one = (id, tee, name, status, more = {}) => ({id, tee, name, value: hex(id, name === 'fmspc' ? 6 : 64), tcb_status: status, tcb_date: world.now - 200 * 86400, advisories: [], emulated: world.emulated, first_seen: world.now - 60 * 86400, last_seen: world.now - 40, count: 412, ...more});
    return world.log.length === 0
        ? []
        : [one('p1', 'tdx', 'fmspc', 'OutOfDate', {advisories: ['INTEL-SA-00615', 'INTEL-SA-00828'], count: 38}), one('p2', 'sgx', 'fmspc', 'UpToDate'), one('p3', 'tdx', 'fmspc', 'UpToDate'), one('p4', 'snp', 'chip id', null, {tcb_date: null})];
}

const inventory = [
    route('GET', 'inventory', 'reader', (call) => {
        const wanted = call.query.get('state');
        const rows = workloads(call.state.world).filter((w) => wanted === null || (wanted === 'trusted') === w.trusted_by.length > 0);
        return page(call, rows);
    }),
    route('GET', 'platforms', 'reader', (call) => page(call, platforms(call.state.world))),
    route('GET', 'inventory/{id}', 'reader', ({state, params}) => {
        const all = workloads(state.world);
        const w = must(all.find((x) => x.id === params.id));
        return {
            ...w,
            siblings: all.filter((x) => x.id !== w.id && x.signer !== null && x.signer === w.signer),
            recent: state.world.log.filter((a) => a.measurement === w.measurement).slice(0, 10).map(plain),
            platforms: platforms(state.world).filter((p) => p.tee === w.tee),
        };
    }),
    route('POST', 'inventory/{id}/trust', 'author', ({state, params, body}) => {
        const w = must(workloads(state.world).find((x) => x.id === params.id));
        const type = types[w.tee];
        const policy = active(state.world.policies.get(type));
        const claim = {sgx: 'x-ms-sgx-mrenclave', tdx: 'tdx_mrtd', snp: 'x-ms-sevsnpvm-launchmeasurement'}[w.tee];
        const lines = (body.fresh === true ? 'version=1.0;\nauthorizationrules\n{\n};\n' : policy.text).split('\n');
        const at = lines.findIndex((l) => l.trim() === '};');
        lines.splice(at, 0, `    [type=="${claim}", value=="${w.measurement}"] => permit();`);
        return {type, base: policy.version, text: lines.join('\n'), line: at + 1, note: `Line ${at + 1} is new: it permits ${w.label} ${w.measurement.slice(0, 12)}…, whatever else it is.`};
    }),
];

/* ------------------------------------------------------------------ policies */

const mode = (world) => ({approval: world.approval, signed: false});

function summary(policy) {
    const a = active(policy);
    const waiting = policy.versions.find((v) => v.state === 'waiting');
    return {
        type: policy.type,
        tees: policy.tees,
        version: a.version,
        hash: a.hash,
        state: a.version === 0 ? 'default' : 'set',
        author: a.author,
        time: a.time,
        signed: a.signed,
        lines: a.text.split('\n').length - 1,
        waiting: waiting === undefined ? null : {version: waiting.version, author: waiting.author, time: waiting.time},
    };
}

function put(call, policy, text, comment) {
    const {state, user} = call;
    const waiting = state.world.approval;
    const version = (policy.versions[0]?.version ?? 0) + 1;
    if (!waiting) {
        replace(policy);
    }
    policy.versions.unshift({version, state: waiting ? 'waiting' : 'active', author: user.name, time: now(), approver: null, decided_at: null, comment, hash: policyHash(text), signed: false, text});
    note(call, 'policy.set', policy.type, {version});
    return {outcome: waiting ? 'waiting' : 'active', version};
}

function replace(policy) {
    for (const v of policy.versions.filter((x) => x.state === 'active')) {
        v.state = 'replaced';
    }
}

const baseIs = (policy, base) => {
    const a = active(policy);
    if (a.version !== base) {
        throw new Refusal(409, 'Conflict', `Meanwhile version ${a.version} is in force: look at it first.`);
    }
};

function settle(state_) {
    return (call) => {
        const policy = must(call.state.world.policies.get(call.params.type));
        const v = must(policy.versions.find((x) => String(x.version) === call.params.version));
        if (v.state !== 'waiting') {
            throw new Refusal(409, 'Conflict', 'This version waits no more.');
        }
        if (v.author === call.user.name) {
            throw new Refusal(403, 'NotYourOwn', 'Another person than its author approves it.');
        }
        if (state_ === 'active') {
            replace(policy);
        }
        Object.assign(v, {state: state_, approver: call.user.name, decided_at: now()});
        note(call, state_ === 'active' ? 'policy.approve' : 'policy.reject', policy.type, {version: v.version});
        return {state: state_};
    };
}

const policies = [
    route('GET', 'policies', 'reader', ({state}) => ({items: [...state.world.policies.values()].map(summary), mode: mode(state.world), next: null})),
    route('GET', 'settings/policies', 'reader', ({state}) => ({...mode(state.world), waiting: state.world.mode_waiting ?? null, certificates: state.world.signers ?? 0})),
    route('POST', 'settings/policies/certificates', 'admin', (call) => {
        const {world} = call.state;
        if (!call.body.certificate.includes('BEGIN CERTIFICATE')) {
            throw new Refusal(400, 'InvalidParameter', 'not one certificate');
        }
        world.signers = 1;
        note(call, 'policy.certificate.add', 'hash', {});
        return {thumbprint: 'aa'.repeat(20)};
    }),
    route('PUT', 'settings/policies', 'admin', (call) => {
        const {world} = call.state;
        note(call, 'policy.mode', 'Mode', call.body);
        if (world.approval) {
            world.mode_waiting = {version: 1, author: call.user.name, time: now(), wish: call.body};
            return {outcome: 'waiting', version: 1};
        }
        world.approval = call.body.approval;
        return {outcome: 'active', version: 1};
    }),
    route('POST', 'policies/Mode/versions/{version}/(?<how>approve|reject)', 'approver', (call) => {
        const {world} = call.state;
        if (call.params.how === 'approve') {
            world.approval = must(world.mode_waiting).wish.approval;
        }
        world.mode_waiting = undefined;
        return {state: call.params.how === 'approve' ? 'active' : 'rejected'};
    }),
    route('GET', 'policies/{type}', 'reader', ({state, params}) => {
        const p = must(state.world.policies.get(params.type), 'There is no such type of policy.');
        return {type: p.type, tees: p.tees, mode: mode(state.world), active: active(p), versions: p.versions};
    }),
    route('POST', 'policies/{type}/check', 'reader', ({body}) => {
        try {
            const policy = parse(body.text);
            return {valid: true, error: null, warnings: warnings(policy), hash: policyHash(body.text), version: policy.version, rules: policy.rules.length};
        } catch (error) {
            return {valid: false, error: error.place, warnings: [], hash: null, version: null, rules: 0};
        }
    }),
    route('POST', 'policies/{type}/what-if', 'reader', ({state, params, body}) => {
        const policy = parsed(body.text);
        const recorded = state.world.log.filter((a) => a.policy_type === params.type).slice(0, body.count ?? 200);
        const kept = recorded.filter((a) => a.stage !== 'evidence');
        const changed = kept
            .map((a) => ({a, outcome: evaluate(policy, claimsOf(appOf(a)))}))
            .filter(({a, outcome}) => outcome.permitted !== (a.result === 'accepted'))
            .map(({a, outcome}) => ({id: a.id, time: a.time, tee: a.tee, client: a.client, measurement: a.measurement, before: a.result, after: outcome.permitted ? 'accepted' : 'refused', reason: outcome.reason, line: outcome.line}));
        const refused = changed.filter((c) => c.after === 'refused').length;
        return {checked: kept.length, skipped: recorded.length - kept.length, newly_accepted: changed.length - refused, newly_refused: refused, unchanged: kept.length - changed.length, oldest_at: kept.at(-1)?.time ?? null, items: changed.slice(0, 200)};
    }),
    route('PUT', 'policies/{type}', 'author', (call) => {
        const policy = must(call.state.world.policies.get(call.params.type));
        baseIs(policy, call.body.base);
        parsed(call.body.text);
        return put(call, policy, call.body.text, call.body.comment ?? '');
    }),
    route('POST', 'policies/{type}/versions/{version}/approve', 'approver', settle('active')),
    route('POST', 'policies/{type}/versions/{version}/reject', 'approver', settle('rejected')),
    route('POST', 'policies/{type}/versions/{version}/restore', 'author', (call) => {
        const policy = must(call.state.world.policies.get(call.params.type));
        baseIs(policy, call.body.base);
        return put(call, policy, textOf(policy, {version: Number(call.params.version)}), `version ${call.params.version} again`);
    }),
];

/* ---------------------------------------------------------------------- keys */

const counted = (world, kind, name) => {
    const own = world.releases.filter((r) => r.kind === kind && r.name === name);
    const out = own.filter((r) => r.result === 'released');
    return {released: out.length, withheld: own.length - out.length, last_release: out[0]?.time ?? null};
};
const keyRow = (world, kind, {history, ...k}) => ({...k, current: history[0].version, ...counted(world, kind, k.name)});
const keyDetail = (world, kind, k) => ({...keyRow(world, kind, k), release_policy: k.history[0].release_policy, history: k.history});
const key = ({state, params}) => must(state.world.keys.find((k) => k.name === params.name), 'There is no key of this name.');
const enable = (enabled) => (call) => {
    const k = key(call);
    k.enabled = enabled;
    k.history[0].enabled = enabled;
    note(call, enabled ? 'key.enable' : 'key.disable', k.name);
    return keyDetail(call.state.world, 'key', k);
};

const keys = [
    route('GET', 'keys', 'reader', (call) => page(call, call.state.world.keys.map((k) => keyRow(call.state.world, 'key', k)))),
    route('GET', 'keys/{name}', 'reader', (call) => keyDetail(call.state.world, 'key', key(call))),
    route('POST', 'keys/{name}/rotate', 'author', (call) => {
        const k = key(call);
        k.history.unshift({...k.history[0], version: randomBytes(16).toString('hex'), created_at: now(), released: 0});
        k.versions++;
        note(call, 'key.rotate', k.name);
        return keyDetail(call.state.world, 'key', k);
    }),
    route('POST', 'keys/{name}/enable', 'author', enable(true)),
    route('POST', 'keys/{name}/disable', 'author', enable(false)),
    route('GET', 'secrets', 'reader', (call) => page(call, call.state.world.secrets.map((s) => keyRow(call.state.world, 'secret', s)))),
    route('GET', 'secrets/{name}', 'reader', ({state, params}) => keyDetail(state.world, 'secret', must(state.world.secrets.find((s) => s.name === params.name)))),
    route('GET', 'resources', 'reader', (call) => page(call, call.state.world.resources.map((r) => ({...r, ...counted(call.state.world, 'resource', r.path)})))),
    route('GET', 'releases', 'reader', (call) => {
        const is = (name) => (r) => (call.query.get(name) ?? r[name]) === r[name];
        return page(call, call.state.world.releases.filter(is('kind')).filter(is('name')).filter(is('result')));
    }),
];

/* ------------------------------------------------- references, audit, try, access */

const refRow = ({entries, ...r}) => r;

const rest = [
    route('GET', 'references', 'reader', (call) => page(call, call.state.world.references.map(refRow))),
    route('GET', 'references/{id}', 'reader', ({state, params}) => must(state.world.references.find((r) => r.id === params.id))),
    route('POST', 'references', 'author', (call) => {
        const {state, body, user} = call;
        let entries;
        try {
            entries = JSON.parse(Buffer.from(body.content, 'base64').toString()).values;
        } catch {
            throw new Refusal(400, 'EvidenceFormat', 'This is neither a CoRIM nor reference values in JSON.');
        }
        const made = {id: randomBytes(8).toString('hex'), name: body.name, type: body.type ?? 'Cca', kind: 'json', tag_id: null, issuer: null, signed: false, added_at: now(), author: user.name, valid_from: null, valid_until: null, state: 'valid', values: entries.length, keys: 0, entries};
        state.world.references.unshift(made);
        note(call, 'reference.add', made.name, {values: entries.length});
        return made;
    }),
    route('DELETE', 'references/{id}', 'author', (call) => {
        const {world} = call.state;
        must(world.references.find((r) => r.id === call.params.id));
        world.references = world.references.filter((r) => r.id !== call.params.id);
        note(call, 'reference.remove', call.params.id);
    }),
    route('GET', 'audit', 'auditor', (call) => {
        const actor = call.query.get('actor');
        const action = call.query.get('action');
        const all = call.state.world.audit.filter((r) => (actor === null || r.actor === actor) && (action === null || r.action === action || r.action.startsWith(`${action}.`)));
        return page(call, all.toReversed());
    }),
    route('POST', 'audit/verify', 'auditor', ({state, body}) => {
        const all = state.world.audit;
        const wrong = all.find((r) => r.hash !== hex(`audit ${r.seq}`));
        const found = body.known === null ? null : all.some((r) => r.hash === body.known);
        const ok = wrong === undefined && found !== false;
        const message = wrong !== undefined ? `Record ${wrong.seq} does not fit the one before.` : found === false ? 'The chain holds, but the hash you kept is not in it: records were taken from its end, or it was written anew.' : 'Each record fits the one before, and the last is the head.';
        return {ok, records: wrong === undefined ? all.length : wrong.seq - 1, cut: 0, last: all.at(-1)?.hash ?? '', found, broken_at: wrong?.seq ?? null, message, time: now()};
    }),
    route('GET', 'audit/export', 'auditor', ({state}) => state.world.audit.map((r) => `${JSON.stringify(r)}\n`).join('')),
    route('POST', 'try/evidence', 'reader', ({state, body}) => {
        const bytes = Buffer.from(body.evidence, 'base64');
        // the mock's evidence is the name of one of its applications
        const app = apps.find((a) => bytes.toString().startsWith(a.key));
        if (app === undefined) {
            throw new Refusal(400, 'EvidenceFormat', `These ${bytes.length} bytes are no evidence that is known here.`);
        }
        const policy = state.world.policies.get(body.policy?.type ?? types[app.tee]);
        const a = decide(policy, app, now(), 1, bytes.toString().endsWith('!'));
        const explained = explain(state.world, {...a, policy_type: policy.type});
        return {format: 'dcap', description: `a quote of ${app.tee.toUpperCase()}`, result: a.result, stage: a.stage, reason: a.reason, tee: app.tee, emulated: state.world.emulated, ...explained};
    }),
    route('POST', 'try/token', 'reader', ({state, body}) => {
        const parts = body.token.split('.');
        try {
            const [header, payload] = parts.slice(0, 2).map((p) => JSON.parse(Buffer.from(p, 'base64url').toString()));
            const known = state.world.log.find((a) => a.id === payload.jti);
            return {header, payload, signature: header.alg === 'none' ? 'none' : parts[2] === 'c2lnbmVk' ? 'valid' : 'invalid', signer: 'token', kid: header.kid ?? null, state: payload.exp < now() ? 'expired' : 'current', attestation: known?.id ?? null};
        } catch {
            throw new Refusal(400, 'InvalidParameter', 'This is no token: three parts of base64url with dots between them.');
        }
    }),
    route('GET', 'accounts', 'admin', (call) => page(call, call.state.world.accounts.map(({password, ...a}) => a))),
    route('POST', 'accounts', 'admin', (call) => {
        const {name, roles, password} = call.body;
        if (call.state.world.accounts.some((a) => a.name === name)) {
            throw new Refusal(409, 'Conflict', 'There is an account of this name.');
        }
        const made = {name, roles, created_at: now(), last_login: null, enabled: true};
        call.state.world.accounts.push({...made, password});
        note(call, 'account.add', name, {roles});
        return made;
    }),
    route('PUT', 'accounts/{name}', 'admin', (call) => {
        const account = must(call.state.world.accounts.find((a) => a.name === call.params.name));
        Object.assign(account, call.body);
        note(call, 'account.change', account.name);
        const {password, ...shown} = account;
        return shown;
    }),
    route('GET', 'tokens', 'admin', (call) => page(call, call.state.world.tokens)),
    route('POST', 'tokens', 'admin', (call) => {
        const made = {id: randomBytes(8).toString('hex'), name: call.body.name, roles: call.body.roles, created_at: now(), author: call.user.name, expires_at: now() + call.body.days * 86400, last_used: null};
        call.state.world.tokens.push(made);
        note(call, 'token.make', made.name, {roles: made.roles});
        return {...made, token: `cmt_${randomBytes(24).toString('base64url')}`};
    }),
    route('DELETE', 'tokens/{id}', 'admin', (call) => {
        call.state.world.tokens = call.state.world.tokens.filter((t) => t.id !== call.params.id);
        note(call, 'token.revoke', call.params.id);
    }),
];

export const routes = [...sessions, ...bundles, ...log, ...inventory, ...policies, ...keys, ...rest];
