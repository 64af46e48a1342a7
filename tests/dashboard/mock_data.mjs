// What the mock service holds: made here from a seed, so two runs see the same. Nothing of it is real.
import {createHash} from 'node:crypto';

import {evaluate, parse} from './mock_policy.mjs';

export const hex = (text, bytes = 32) => {
    let out = '';
    for (let i = 0; out.length < 2 * bytes; i++) {
        out += createHash('sha256').update(`${text}/${i}`).digest('hex');
    }
    return out.slice(0, 2 * bytes);
};

export function random(seed) {
    let state = seed >>> 0;
    return () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
    };
}

export const policyHash = (text) => createHash('sha256').update(Buffer.from(text).toString('base64url')).digest('base64url');

const bankSigner = hex('bank signer');
export const apps = [
    {key: 'ledger-3', tee: 'sgx', signer: bankSigner, product: 7, svn: 3, weight: 34, client: 'ledger-prod', day: 9},
    {key: 'ledger-2', tee: 'sgx', signer: bankSigner, product: 7, svn: 2, weight: 3, client: 'ledger-branch', day: 60},
    {key: 'patched', tee: 'sgx', signer: hex('nobody'), product: 7, svn: 3, weight: 2, client: '203.0.113.40', day: 1},
    {key: 'joiner', tee: 'tdx', signer: null, product: null, svn: null, weight: 12, client: 'joiner', day: 30},
    {key: 'trainer', tee: 'snp', signer: hex('trainer', 48), product: null, svn: 4, weight: 8, client: 'trainer-eu', day: 21},
    {key: 'stale', tee: 'tdx', signer: null, product: null, svn: null, weight: 2, client: 'joiner-old', day: 90},
];
export const labels = {sgx: 'mrenclave', tdx: 'mrtd', snp: 'measurement'};
export const types = {sgx: 'SgxEnclave', tdx: 'TdxVm', snp: 'SevSnpVm'};
export const measurementOf = (app) => hex(`app ${app.key}`, app.tee === 'sgx' ? 32 : 48);

export const sgx4 = `version=1.0;
// The ledger, from release 3 on.
authorizationrules
{
    [type=="x-ms-sgx-is-debuggable", value==true] => deny();
    [type=="x-ms-sgx-mrsigner", value=="${bankSigner}"]
    && [type=="x-ms-sgx-product-id", value==7]
    && [type=="x-ms-sgx-svn", value>=3]
    => permit();
};
issuancerules
{
    c:[type=="x-ms-sgx-mrsigner"] => issue(type="signer", value=c.value);
    c:[type=="x-ms-sgx-svn"] => issue(type="security-version", value=c.value);
};
`;
export const sgx3 = sgx4.replace('release 3', 'release 2').replace('value>=3', 'value>=2');
const tdx1 = `version=1.2;
authorizationrules
{
    [type=="tdx_mrtd", value=="${hex('app joiner', 48)}"]
    && [type=="tcb_status", value=="UpToDate"]
    => permit();
};
`;
const tdx2 = tdx1.replace('    && [type=="tcb_status", value=="UpToDate"]\n', '');
const snp1 = `version=1.0;
authorizationrules
{
    [type=="x-ms-sevsnpvm-launchmeasurement", value=="${hex('app trainer', 48)}"] => permit();
};
`;
const standard = `version=1.0;
authorizationrules
{
    => permit();
};
`;
const closed = `version=1.0;
authorizationrules
{
    => deny();
};
`;

/** Claims as a policy sees them. */
export function claimsOf(app) {
    const own = {
        sgx: [
            ['x-ms-attestation-type', 'sgx'],
            ['x-ms-sgx-is-debuggable', false],
            ['x-ms-sgx-mrenclave', measurementOf(app)],
            ['x-ms-sgx-mrsigner', app.signer],
            ['x-ms-sgx-product-id', app.product],
            ['x-ms-sgx-svn', app.svn],
        ],
        tdx: [
            ['x-ms-attestation-type', 'tdxvm'],
            ['tdx_mrtd', measurementOf(app)],
        ],
        snp: [
            ['x-ms-attestation-type', 'sevsnpvm'],
            ['x-ms-sevsnpvm-launchmeasurement', measurementOf(app)],
            ['x-ms-sevsnpvm-guestsvn', app.svn],
        ],
    }[app.tee];
    return [...own, ['tcb_status', app.key === 'stale' ? 'OutOfDate' : 'UpToDate']].map(([type, value]) => ({type, value, issuer: 'AttestationService'}));
}

const claim = (name, value, authority = 'hardware-signed', more = {}) => ({name, value, authority, ...more});
const check = (name, result = 'pass', detail = '', required = true) => ({name, result, required, ...(detail === '' ? {} : {detail}), ...(result === 'fail' ? {reason: 'the signature does not verify'} : {})});

/** Evidence as cm_evidence_json() shows it. */
export function evidenceOf(app, broken) {
    const m = measurementOf(app);
    const measured = {alg: app.tee === 'sgx' ? 'sha-256' : 'sha-384', role: 'launch', label: labels[app.tee]};
    const cpu = {
        name: 'cpu',
        genuine: !broken,
        claims: [
            claim('tee', app.tee),
            claim('measurements', m, 'hardware-signed', measured),
            ...(app.signer === null ? [] : [claim('measurements', app.signer, 'hardware-signed', {...measured, label: 'mrsigner', role: 'signer'})]),
            claim('report_data', hex(`nonce ${app.key}`, 64)),
            claim('dbgstat', 'disabled'),
            claim('tcb_status', app.key === 'stale' ? 'OutOfDate' : 'UpToDate', 'endorser'),
            claim('tcb_date', 1770768000, 'endorser'),
            claim('advisory_id', 'INTEL-SA-00615', 'endorser'),
            claim('signer_root', hex('root'), 'endorser'),
        ],
        checks: [
            check('quote.format'),
            check('quote.signature', broken ? 'fail' : 'pass', broken ? 'the attestation key did not sign these bytes' : ''),
            check('chain.root', 'pass', 'the root is Intel’s'),
            check('chain.validity'),
            check('crl.freshness', 'pass', 'the list was issued 2 days ago'),
            check('crl.revoked'),
            check('tcb.status', 'pass', app.key === 'stale' ? 'OutOfDate, since 2026-02-11' : 'UpToDate'),
            check('qe.identity'),
            check('report_data.binding', broken ? 'not-checked' : 'pass'),
            check('debug', 'pass', '', false),
            check('pce.svn', 'not-applicable', '', false),
        ],
    };
    const vtpm = {
        name: 'vtpm',
        genuine: !broken,
        claims: [claim('tpm.secure_boot', true, 'key-bound'), claim('tpm.pcr_digest', hex('pcrs'), 'key-bound'), claim('vm.name', 'trainer-eu-3', 'self-asserted')],
        checks: [check('tpm.signature'), check('tpm.nonce'), check('event_log.replay', 'pass', '64 events replay to the quoted PCRs')],
    };
    const two = app.tee === 'snp';
    return {
        submods: two ? [cpu, vtpm] : [cpu],
        bindings: two ? [{name: 'SHA-256 of the runtime data in report_data', from: 'cpu', to: 'vtpm', result: broken ? 'fail' : 'pass'}] : [],
        floors: {[`${app.tee}.tcb_evaluation`]: 17},
    };
}

function version(n, state, author, text, now, days, more = {}) {
    return {
        version: n,
        state,
        author,
        time: now - days * 86400,
        approver: state === 'waiting' ? null : 'carol',
        decided_at: state === 'waiting' ? null : now - days * 86400 + 900,
        comment: '',
        hash: policyHash(text),
        signed: false,
        text,
        ...more,
    };
}

function policies(now) {
    const tees = {
        SgxEnclave: ['sgx'],
        OpenEnclave: ['sgx'],
        SevSnpVm: ['snp'],
        TdxVm: ['tdx'],
        AzureGuest: ['snp', 'tpm'],
        Tpm: ['tpm'],
        Nitro: ['nitro'],
        Gce: ['tpm'],
        GcpToken: ['tpm'],
        Cca: ['cca'],
        Psa: ['psa'],
        OpTee: ['optee'],
        Nvidia: ['nvidia'],
        'Kbs-Resource': [],
    };
    const own = {
        SgxEnclave: [
            version(4, 'active', 'bob', sgx4, now, 8, {comment: 'release 2 has the rounding bug'}),
            version(3, 'replaced', 'bob', sgx3, now, 40, {comment: 'releases from 2 on'}),
            version(2, 'rejected', 'bob', standard, now, 44, {comment: 'everything, for the load test'}),
            version(1, 'replaced', 'ada', sgx3.replace('>=2', '>=1'), now, 90),
        ],
        TdxVm: [version(2, 'waiting', 'bob', tdx2, now, 0.2, {comment: 'the fleet is patched next week'}), version(1, 'active', 'ada', tdx1, now, 30)],
        SevSnpVm: [version(1, 'active', 'bob', snp1, now, 20)],
    };
    return new Map(
        Object.entries(tees).map(([type, of]) => {
            const open = ['SgxEnclave', 'OpenEnclave', 'SevSnpVm', 'TdxVm', 'AzureGuest'].includes(type);
            const text = open ? standard : closed;
            return [type, {type, tees: of, fallback: {...version(0, 'default', null, text, now, 0), time: null, approver: null, decided_at: null}, versions: own[type] ?? []}];
        }),
    );
}

/** The version in force. */
export const active = (policy) => policy.versions.find((v) => v.state === 'active') ?? policy.fallback;

/** A record of one decision. */
export function decide(policy, app, time, n, broken) {
    const rule = active(policy);
    const outcome = broken ? null : evaluate(parse(rule.text), claimsOf(app));
    const accepted = outcome?.permitted === true;
    return {
        id: hex(`attestation ${n}`),
        time,
        tee: app.tee,
        result: accepted ? 'accepted' : 'refused',
        stage: accepted ? '' : broken ? 'evidence' : 'policy',
        reason: broken ? 'quote.signature: the attestation key did not sign these bytes' : outcome.reason,
        client: app.client,
        api: app.tee === 'snp' ? 'kbs' : n % 7 === 0 ? 'native' : 'maa',
        policy_type: types[app.tee],
        policy_version: rule.version,
        measurement: measurementOf(app),
        measurement_label: labels[app.tee],
        emulated: false,
        took_ms: 1.4 + ((n * 37) % 23) / 10 + (n % 41 === 0 ? 14 : 0),
        app: app.key,
    };
}

function attestations(all, now) {
    const next = random(7);
    const total = apps.reduce((sum, a) => sum + a.weight, 0);
    const out = [];
    let n = 0;

    for (let minute = 24 * 60; minute >= 0; minute--) {
        const busy = 2.2 + 1.6 * Math.sin((now / 60 - minute) / 190) + (minute < 60 ? 1.5 : 0);
        for (let left = Math.floor(busy + next() * 2.4); left > 0; left--) {
            let at = next() * total;
            const app = apps.find((a) => (at -= a.weight) < 0) ?? apps[0];
            const broken = next() < 0.012;
            out.push(decide(all.get(types[app.tee]), app, now - minute * 60 - Math.floor(next() * 59), n++, broken));
        }
    }
    return out.sort((a, b) => b.time - a.time);
}

const releasePolicy = (authority) => ({
    version: '1.0.0',
    anyOf: [
        {
            authority,
            allOf: [
                {claim: 'x-ms-attestation-type', equals: 'sgx'},
                {anyOf: [{claim: 'x-ms-sgx-svn', greaterOrEquals: 3}, {claim: 'signer', equals: bankSigner}]},
                {claim: 'x-ms-sgx-is-debuggable', equals: 'false'},
            ],
        },
    ],
});

function keys(now, url) {
    const make = (name, more) => {
        const history = Array.from({length: more.versions ?? 1}, (_, i) => ({
            version: hex(`${name} ${i}`, 16),
            created_at: now - (5 + i * 30) * 86400,
            enabled: i === 0 ? (more.enabled ?? true) : true,
            immutable: more.immutable ?? false,
            release_policy: more.exportable === false ? null : releasePolicy(url),
            released: 0,
        }));
        return {
            name,
            kty: 'RSA-HSM',
            size: 2048,
            crv: null,
            enabled: true,
            exportable: true,
            immutable: false,
            ops: ['encrypt', 'decrypt'],
            created_at: now - 65 * 86400,
            updated_at: now - 5 * 86400,
            not_before: null,
            expires_at: null,
            deleted_at: null,
            ...more,
            versions: history.length,
            history,
        };
    };
    return [
        make('ledger-data', {versions: 3, immutable: true}),
        make('ledger-signing', {kty: 'EC-HSM', size: null, crv: 'P-256', ops: ['sign', 'verify']}),
        make('model-weights', {kty: 'oct-HSM', size: 256, ops: ['wrapKey', 'unwrapKey'], expires_at: now + 40 * 86400}),
        make('old-export', {enabled: false}),
        make('tls-internal', {exportable: false, ops: ['sign']}),
    ];
}

function releases(log, now) {
    return log
        .filter((a, i) => i % 9 === 0 && a.tee !== 'tdx')
        .slice(0, 140)
        .map((a, i) => {
            const kind = a.tee === 'snp' ? 'resource' : i % 4 === 3 ? 'secret' : 'key';
            const ok = a.result === 'accepted';
            return {
                id: hex(`release ${i}`),
                time: Math.min(now, a.time + 2),
                kind,
                name: {key: i % 3 === 0 ? 'ledger-signing' : 'ledger-data', secret: 'settlement-api', resource: 'default/key/weights'}[kind],
                version: kind === 'resource' ? null : hex(`${kind === 'key' ? 'ledger-data' : 'settlement-api'} 0`, 16),
                result: ok ? 'released' : 'withheld',
                reason: ok ? '' : 'the token’s x-ms-sgx-svn is 2, the policy asks for 3 or more',
                client: a.client,
                api: kind === 'resource' ? 'kbs' : 'vault',
                wrap: kind === 'key' ? 'CKM_RSA_AES_KEY_WRAP' : null,
                attestation: a.id,
            };
        });
}

function audit(now) {
    const acts = [
        ['ada', 'session.begin', 'ada', null],
        ['ada', 'account.add', 'bob', {roles: ['author']}],
        ['ada', 'account.add', 'carol', {roles: ['approver']}],
        ['ada', 'policy.set', 'SgxEnclave', {version: 1}],
        ['bob', 'key.create', 'ledger-data', {kty: 'RSA-HSM', size: 2048}],
        ['bob', 'policy.set', 'SgxEnclave', {version: 2}],
        ['carol', 'policy.reject', 'SgxEnclave', {version: 2}],
        ['bob', 'policy.set', 'SgxEnclave', {version: 3}],
        ['carol', 'policy.approve', 'SgxEnclave', {version: 3}],
        ['bob', 'secret.set', 'settlement-api', {version: hex('settlement-api 0', 16), anyOf: [{authority: 'https://a.example', allOf: []}]}],
        ['bob', 'reference.add', 'cca-platform.corim', {values: 6}],
        ['bob', 'policy.set', 'SgxEnclave', {version: 4}],
        ['carol', 'policy.approve', 'SgxEnclave', {version: 4}],
        ['ada', 'token.make', 'ci', {roles: ['client']}],
        ['bob', 'policy.set', 'TdxVm', {version: 2}],
    ];
    return acts.map(([actor, action, object, detail], i) => ({seq: i + 1, time: now - (acts.length - i) * 7200, actor, action, object, detail, hash: hex(`audit ${i + 1}`)}));
}

function references(now) {
    const entry = (environment, label, n) => ({environment, label, alg: 'sha-256', value: hex(`${environment}${n}`), svn: n % 2 === 0 ? n : null});
    const make = (id, name, more) => {
        const entries = Array.from({length: more.values}, (_, i) => entry(more.environment, ['bl2', 'tf-m', 'fip', 'rmm', 'psa-rot', 'config'][i % 6], i));
        return {id, name, type: 'Cca', kind: 'corim', tag_id: hex(name, 16), issuer: null, signed: true, added_at: now - 20 * 86400, author: 'bob', valid_from: now - 100 * 86400, valid_until: now + 260 * 86400, state: 'valid', keys: 0, ...more, entries};
    };
    return [
        make('r1', 'cca-platform.corim', {values: 6, keys: 1, issuer: 'Example Silicon', environment: 'CCA platform rev 3'}),
        make('r2', 'gpu-firmware.corim', {values: 4, issuer: 'Example Graphics', environment: 'GPU driver 550', valid_until: now - 3 * 86400, state: 'expired'}),
        make('r3', 'sensors.json', {values: 2, kind: 'json', signed: false, tag_id: null, environment: 'sensor node', valid_from: null, valid_until: null}),
    ];
}

/** Everything, as of a time. */
export function world({now, url, emulated = false}) {
    const all = policies(now);
    const log = attestations(all, now);
    const account = (name, roles, password) => ({name, roles, password, created_at: now - 90 * 86400, last_login: now - 3600, enabled: true});
    return {
        now,
        url,
        emulated,
        approval: true,
        policies: all,
        log,
        keys: keys(now, url),
        secrets: [
            {
                name: 'settlement-api',
                content_type: 'text/plain',
                enabled: true,
                created_at: now - 30 * 86400,
                updated_at: now - 30 * 86400,
                expires_at: null,
                deleted_at: null,
                versions: 1,
                history: [{version: hex('settlement-api 0', 16), created_at: now - 30 * 86400, enabled: true, immutable: false, release_policy: releasePolicy(url), released: 0}],
            },
        ],
        resources: [{path: 'default/key/weights', bytes: 32, created_at: now - 21 * 86400, updated_at: now - 21 * 86400}],
        releases: releases(log, now),
        audit: audit(now),
        references: references(now),
        accounts: [
            account('ada', ['admin'], 'a long enough password'),
            account('bob', ['author'], 'a long enough password'),
            account('carol', ['approver', 'auditor'], 'a long enough password'),
            account('dan', ['auditor'], 'a long enough password'),
        ],
        tokens: [{id: 't1', name: 'ci', roles: ['client'], created_at: now - 86400, author: 'ada', expires_at: now + 89 * 86400, last_used: now - 60}],
    };
}
