// The service's API as docs/console-api.md says: the types of it, and one function that asks.

export type Role = 'admin' | 'author' | 'approver' | 'auditor' | 'client';
export type Tee = string;

export interface ServiceName {
    version: string;
    public_url: string;
    emulated: boolean;
}
export interface Me {
    setup_needed: boolean;
    user: {name: string; roles: Role[]; expires_at: number} | null;
    csrf: string | null;
    service: ServiceName;
}

export interface Page<T> {
    items: T[];
    next: string | null;
}

export interface Alert {
    severity: 'critical' | 'warning' | 'info';
    code: string;
    text: string;
    page: string;
    object: string | null;
    since: number;
}
export interface Collateral {
    kind: string;
    name: string;
    subject: string;
    fetched_at: number | null;
    issued_at: number | null;
    next_update: number | null;
    state: 'fresh' | 'expiring' | 'stale' | 'missing';
    detail: string;
}
export interface Reason {
    reason: string;
    stage: string;
    count: number;
    last_id: string;
    last_at: number;
}
export interface Overview {
    now: number;
    service: ServiceName & {
        started_at: number;
        store: string;
        ready: boolean;
        ready_why: string;
        evidence: {state: 'none' | 'ok' | 'failed'; tee: Tee | null; tcb_status: string | null; detail: string};
        signers: {use: string; alg: string; kid: string; created_at: number}[];
        tls: {not_after: number | null; ca_sha256: string};
    };
    rate: {
        start: number;
        step_s: number;
        series: {tee: Tee; accepted: number[]; refused: number[]}[];
        p50_ms: (number | null)[];
        p99_ms: (number | null)[];
    };
    totals: {
        accepted: number;
        refused: number;
        released: number;
        withheld: number;
        p50_ms: number | null;
        p99_ms: number | null;
    };
    reasons: Reason[];
    collateral: Collateral[];
    releases: Release[];
    alerts: Alert[];
}

export type Result = 'accepted' | 'refused';
export interface Attestation {
    id: string;
    time: number;
    tee: Tee | null;
    result: Result;
    stage: '' | 'evidence' | 'policy';
    reason: string;
    client: string;
    api: string;
    policy_type: string | null;
    policy_version: number | null;
    measurement: string | null;
    measurement_label: string | null;
    emulated: boolean;
    took_ms: number;
}
export interface Claim {
    name: string;
    value: string | number | boolean;
    authority: string;
    label?: string;
    alg?: string;
    role?: string;
}
export interface Check {
    name: string;
    result: 'pass' | 'fail' | 'not-checked' | 'not-applicable';
    required: boolean;
    reason?: string;
    detail?: string;
}
export interface Submod {
    name: string;
    genuine: boolean;
    claims: Claim[];
    checks: Check[];
}
export interface Evidence {
    submods: Submod[];
    bindings: {name: string; from: string; to: string; result: string}[];
    floors: Record<string, number>;
}
export interface PolicyClaim {
    type: string;
    value: string | number | boolean | null;
    issuer: string;
}
export interface TraceStep {
    section: string;
    line: number;
    rule: string;
    fired: boolean;
    failed?: boolean;
    matched?: PolicyClaim[];
    not_met?: string;
    nearest?: PolicyClaim;
}
export interface Outcome {
    permitted: boolean;
    status: string;
    reason: string;
    line: number | null;
    issued: PolicyClaim[];
    properties: PolicyClaim[];
    trace: TraceStep[];
}
export interface PolicyUsed {
    type: string;
    version: number;
    hash: string;
    text: string;
}
export interface Explained {
    evidence: Evidence | null;
    policy: PolicyUsed | null;
    outcome: Outcome | null;
}
export interface AttestationDetail extends Attestation, Explained {
    claims: Record<string, unknown> | null;
    format: string;
    evidence_size: number;
    materials: {kind: string; size: number}[];
    replayable: boolean;
}
export interface Replay {
    result: Result;
    changed: boolean;
    reason: string;
    outcome: Outcome;
}

export interface Workload {
    id: string;
    tee: Tee;
    measurement: string;
    label: string;
    signer: string | null;
    product_id: number | null;
    svn: number | null;
    debug: boolean;
    emulated: boolean;
    first_seen: number;
    last_seen: number;
    accepted: number;
    refused: number;
    tcb_status: string | null;
    advisories: string[];
    newest: boolean;
    trusted_by: {type: string; line: number}[];
}
export interface WorkloadDetail extends Workload {
    siblings: Workload[];
    recent: Attestation[];
    platforms: Platform[];
}
export interface Platform {
    id: string;
    tee: Tee;
    name: string;
    value: string;
    tcb_status: string | null;
    tcb_date: number | null;
    advisories: string[];
    emulated: boolean;
    first_seen: number;
    last_seen: number;
    count: number;
}
export interface TrustDraft {
    type: string;
    base: number;
    text: string;
    line: number;
    note: string;
}

export interface PolicyMode {
    approval: boolean;
    signed: boolean;
}
export interface PolicySettings extends PolicyMode {
    waiting: {version: number; author: string; time: number} | null;
    certificates: number;
}
export interface PolicySummary {
    type: string;
    tees: Tee[];
    version: number;
    hash: string;
    state: 'default' | 'set';
    author: string | null;
    time: number | null;
    signed: boolean;
    lines: number;
    waiting: {version: number; author: string; time: number} | null;
}
export interface PolicyVersion {
    version: number;
    state: 'default' | 'active' | 'reset' | 'waiting' | 'rejected' | 'replaced';
    author: string | null;
    time: number | null;
    approver: string | null;
    decided_at: number | null;
    comment: string;
    hash: string;
    signed: boolean;
    text: string;
}
export interface PolicyDetail {
    type: string;
    tees: Tee[];
    mode: PolicyMode;
    active: PolicyVersion;
    versions: PolicyVersion[];
}
export interface Place {
    line: number;
    column: number;
    message: string;
}
export interface PolicyCheck {
    valid: boolean;
    error: Place | null;
    warnings: Place[];
    hash: string | null;
    version: string | null;
    rules: number;
}
export interface WhatIf {
    checked: number;
    skipped: number;
    newly_accepted: number;
    newly_refused: number;
    unchanged: number;
    oldest_at: number | null;
    items: {
        id: string;
        time: number;
        tee: Tee;
        client: string;
        measurement: string | null;
        before: Result;
        after: Result;
        reason: string;
        line: number | null;
    }[];
}
export interface PolicySet {
    outcome: 'active' | 'waiting';
    version: number;
}

export interface Key {
    name: string;
    kty: string;
    size: number | null;
    crv: string | null;
    versions: number;
    current: string;
    enabled: boolean;
    exportable: boolean;
    immutable: boolean;
    ops: string[];
    created_at: number;
    updated_at: number;
    not_before: number | null;
    expires_at: number | null;
    deleted_at: number | null;
    released: number;
    withheld: number;
    last_release: number | null;
}
export type ReleasePolicy = Record<string, unknown>;
export interface KeyVersion {
    version: string;
    created_at: number;
    enabled: boolean;
    immutable: boolean;
    release_policy: ReleasePolicy | null;
    released: number;
}
export interface KeyDetail extends Key {
    release_policy: ReleasePolicy | null;
    history: KeyVersion[];
}
export interface Secret {
    name: string;
    content_type: string | null;
    versions: number;
    current: string;
    enabled: boolean;
    created_at: number;
    updated_at: number;
    expires_at: number | null;
    deleted_at: number | null;
    released: number;
    withheld: number;
    last_release: number | null;
}
export interface SecretDetail extends Secret {
    release_policy: ReleasePolicy | null;
    history: KeyVersion[];
}
export interface Resource {
    path: string;
    bytes: number;
    created_at: number;
    updated_at: number;
    released: number;
    withheld: number;
    last_release: number | null;
}
export interface Release {
    id: string;
    time: number;
    kind: 'key' | 'secret' | 'resource';
    name: string;
    version: string | null;
    result: 'released' | 'withheld';
    reason: string;
    client: string;
    api: string;
    wrap: string | null;
    attestation: string | null;
}

export interface Reference {
    id: string;
    name: string;
    type: string;
    kind: string;
    tag_id: string | null;
    issuer: string | null;
    signed: boolean;
    added_at: number;
    author: string;
    valid_from: number | null;
    valid_until: number | null;
    state: 'valid' | 'expired' | 'not-yet' | 'malformed';
    values: number;
    keys: number;
}
export interface ReferenceDetail extends Reference {
    entries: {environment: string; label: string; alg: string | null; value: string; svn: number | null}[];
}

export interface AuditRecord {
    seq: number;
    time: number;
    actor: string;
    action: string;
    object: string;
    detail: Record<string, unknown> | null;
    hash: string;
}
export interface AuditVerdict {
    ok: boolean;
    records: number;
    cut: number;
    last: string;
    found: boolean | null;
    broken_at: number | null;
    message: string;
    time: number;
}

export interface TriedEvidence extends Explained {
    format: string;
    description: string;
    result: Result;
    stage: string;
    reason: string;
    tee: Tee | null;
    emulated: boolean;
}
export interface TriedToken {
    header: Record<string, unknown>;
    payload: Record<string, unknown>;
    signature: 'valid' | 'invalid' | 'unknown-key' | 'none';
    signer: string | null;
    kid: string | null;
    state: 'current' | 'expired' | 'not-yet';
    attestation: string | null;
}

export interface Account {
    name: string;
    roles: Role[];
    created_at: number;
    last_login: number | null;
    enabled: boolean;
}
export interface Token {
    id: string;
    name: string;
    roles: Role[];
    created_at: number;
    author: string;
    expires_at: number;
    last_used: number | null;
}

/** What the service refused, or that it could not be asked (status 0). */
export class ApiError extends Error {
    constructor(
        readonly status: number,
        readonly code: string,
        message: string,
        readonly place: Place | null,
        readonly request: string | null,
        readonly retryAfter: number | null,
    ) {
        super(message);
        this.name = 'ApiError';
    }
}

let csrf: string | null = null;
let onLost: () => void = () => undefined;

/** The token that changes need. */
export function setCsrf(token: string | null): void {
    csrf = token;
}

/** Called when the service says that nobody is logged in. */
export function whenSessionEnds(run: () => void): void {
    onLost = run;
}

let lostAt: number | null = null;
const reachListeners = new Set<() => void>();

/** Since when the service does not answer, in seconds; null: it did when it was last asked. */
export function lostSince(): number | null {
    return lostAt;
}

/** Called when that changes. @return ends it */
export function whenReachChanges(run: () => void): () => void {
    reachListeners.add(run);
    return () => reachListeners.delete(run);
}

function reached(answered: boolean): void {
    if (answered !== (lostAt === null)) {
        lostAt = answered ? null : Math.floor(Date.now() / 1000);
        reachListeners.forEach((run) => run());
    }
}

function errorOf(response: Response, body: unknown): ApiError {
    const error = (body as {error?: {code?: string; message?: string; line?: number; column?: number}} | null)?.error;
    const message = error?.message ?? `The service answered ${response.status}.`;
    const place =
        error?.line === undefined ? null : {line: error.line, column: error.column ?? 1, message: error.message ?? ''};
    const retry = Number(response.headers.get('retry-after'));

    return new ApiError(
        response.status,
        error?.code ?? 'Unknown',
        message,
        place,
        response.headers.get('x-ms-request-id'),
        Number.isFinite(retry) && retry > 0 ? retry : null,
    );
}

export interface Ask {
    method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
    body?: unknown;
    text?: string; // JSON that must arrive as it is, since signatures are over its bytes
    signal?: AbortSignal;
}

/** Ask; path is relative to /api/v1/. @throws ApiError, or an AbortError when the signal was given. */
export async function ask<T>(path: string, {method = 'GET', body, text, signal}: Ask = {}): Promise<T> {
    const headers: Record<string, string> = {accept: 'application/json'};
    let response: Response;
    let answer: unknown = null;
    const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));

    if (sent !== undefined) {
        headers['content-type'] = 'application/json';
    }
    if (method !== 'GET' && csrf !== null) {
        headers['x-csrf-token'] = csrf;
    }
    try {
        response = await fetch(`/api/v1/${path}`, {
            method,
            headers,
            credentials: 'same-origin',
            cache: 'no-store',
            redirect: 'error',
            ...(sent === undefined ? {} : {body: sent}),
            ...(signal === undefined ? {} : {signal}),
        });
        const got = await response.text();
        answer = got === '' ? null : JSON.parse(got);
    } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') {
            throw error;
        }
        reached(error instanceof SyntaxError);
        const what = error instanceof SyntaxError ? 'The answer is not JSON.' : 'The service does not answer.';
        throw new ApiError(0, 'Unreachable', what, null, null, null);
    }
    reached(true);
    if (!response.ok) {
        const refusal = errorOf(response, answer);
        if (response.status === 401 && refusal.code !== 'LoginFailed') {
            onLost();
        }
        throw refusal;
    }
    return answer as T;
}

/** A path with what is not empty of the parameters, which count more than those it has. */
export function withQuery(path: string, parameters: Record<string, string | number | null | undefined>): string {
    const [place = '', before] = path.split('?');
    const query = new URLSearchParams(before);

    for (const [name, value] of Object.entries(parameters)) {
        if (value !== null && value !== undefined && value !== '') {
            query.set(name, String(value));
        }
    }
    const text = query.toString();
    return text === '' ? place : `${place}?${text}`;
}
