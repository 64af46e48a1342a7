// Why an attestation was accepted or refused: what was checked of the evidence, which rule of which policy
// decided by which claim, and what was issued.
import type {ComponentChildren, JSX} from 'preact';
import {useState} from 'preact/hooks';

import type {Check, Claim, Evidence, Explained, Outcome, PolicyClaim, PolicyUsed, Submod, TraceStep} from '../api';
import {localTime, plural, shortSentence, utcTime} from '../lib/format';
import {A} from '../router';
import {Badge, Hash, Notice, Panel, State} from './basics';
import {type LineMark, PolicyText} from './code';
import {Icon} from './icons';
import {Table} from './table';

const authorities: Record<string, string> = {
    'hardware-signed': 'Signed by the hardware’s key, which chains to a trusted root',
    endorser: 'Stated in the maker’s signed collateral',
    'key-bound': 'Signed by a key that a hardware-signed claim names',
    'self-asserted': 'The attester’s own word: nobody vouches for it',
};

function claimValue(claim: Claim): ComponentChildren {
    if (typeof claim.value === 'string' && /^[0-9a-f]{16,}$/.test(claim.value)) {
        return <Hash value={claim.value} label={claim.label ?? claim.name} />;
    }
    if (typeof claim.value === 'number' && /(^|_)(date|from|until|iat)$|^iat$/.test(claim.name)) {
        return <span title={utcTime(claim.value)}>{localTime(claim.value)}</span>;
    }
    return <code>{String(claim.value)}</code>;
}

function Checks({checks}: {checks: Check[]}): JSX.Element {
    const order = {fail: 0, 'not-checked': 1, pass: 2, 'not-applicable': 3} as const;
    const sorted = checks.toSorted((a, b) => (order[a.result] ?? 1) - (order[b.result] ?? 1));

    return (
        <ul class="checks">
            {sorted.map((c) => (
                <li key={c.name} class={c.result}>
                    <State of={c.result} />
                    <div>
                        <code>{c.name}</code>
                        {!c.required && <span class="quiet small"> not required</span>}
                        {(c.detail !== undefined || c.reason !== undefined) && (
                            <p class="small quiet">{[c.reason, c.detail].filter(Boolean).join(': ')}</p>
                        )}
                    </div>
                </li>
            ))}
        </ul>
    );
}

function Claims({claims, label}: {claims: Claim[]; label: string}): JSX.Element {
    return (
        <Table
            label={label}
            id={(c) => `${c.name}/${c.label ?? ''}/${String(c.value)}`}
            rows={claims}
            columns={[
                {name: 'Claim', kind: 'main', cell: (c) => <code>{c.label === undefined ? c.name : `${c.name}.${c.label}`}</code>},
                {name: 'Value', cell: claimValue},
                {
                    name: 'Known by',
                    cell: (c) => (
                        <span class={c.authority === 'self-asserted' ? 'authority self' : 'authority'} title={authorities[c.authority] ?? ''}>
                            {c.authority.replaceAll('-', ' ')}
                        </span>
                    ),
                },
            ]}
        />
    );
}

function Part({part, boundTo, first}: {part: Submod; boundTo: string | null; first: boolean}): JSX.Element {
    const failed = part.checks.filter((c) => c.result === 'fail').length;
    const passed = part.checks.filter((c) => c.result === 'pass').length;

    return (
        <li class="part">
            <details open={first || failed > 0}>
                <summary>
                    <Icon name="right" size={13} />
                    <span class="part-name">{part.name}</span>
                    <Badge tone={part.genuine ? 'ok' : 'bad'} icon={part.genuine ? 'yes' : 'no'}>
                        {part.genuine ? 'genuine' : 'not genuine'}
                    </Badge>
                    <span class="quiet small">
                        {plural(passed, 'check')} passed{failed > 0 ? `, ${failed} failed` : ''}
                    </span>
                </summary>
                {boundTo !== null && <p class="small part-bound">{boundTo}</p>}
                <h3>Checks</h3>
                <Checks checks={part.checks} />
                <details class="claims" open={part.claims.length <= 12}>
                    <summary>
                        <Icon name="right" size={12} />
                        {plural(part.claims.length, 'claim')}
                    </summary>
                    <Claims claims={part.claims} label={`Claims of ${part.name}`} />
                </details>
            </details>
        </li>
    );
}

export function EvidenceTree({evidence}: {evidence: Evidence}): JSX.Element {
    const bound = (name: string): string | null => {
        const b = evidence.bindings.find((x) => x.to === name);
        return b === undefined ? null : `${b.from} vouches for it: ${b.name} (${b.result}).`;
    };

    return (
        <ul class="tree">
            {evidence.submods.map((part, i) => (
                <Part key={part.name} part={part} first={i === 0} boundTo={bound(part.name)} />
            ))}
        </ul>
    );
}

function claimText(claim: PolicyClaim): string {
    return `${claim.type} = ${typeof claim.value === 'string' ? `"${claim.value}"` : String(claim.value)}`;
}

function IssuedBy({claim}: {claim: PolicyClaim}): JSX.Element | null {
    return claim.issuer === 'AttestationService' ? null : <span class="quiet small"> ({claim.issuer})</span>;
}

function StepNote({step, decided}: {step: TraceStep; decided: boolean}): JSX.Element {
    if (step.failed === true) {
        return (
            <p>
                <State of="fail">could not be evaluated</State>
            </p>
        );
    }
    if (step.fired && !decided) {
        return (
            <p class="small trace-claim">
                <Badge tone="quiet" icon="yes">
                    fired
                </Badge>{' '}
                {(step.matched ?? []).map((c) => (
                    <code key={c.type} title={claimText(c)}>
                        {shortSentence(claimText(c))}{' '}
                    </code>
                ))}
            </p>
        );
    }
    if (step.fired) {
        return (
            <>
                <p>
                    <Badge tone="accent" icon="yes">
                        fired, and decided
                    </Badge>
                </p>
                {(step.matched ?? []).map((c) => (
                    <p key={c.type} class="small trace-claim">
                        matched <code>{claimText(c)}</code>
                        <IssuedBy claim={c} />
                    </p>
                ))}
            </>
        );
    }
    return (
        <>
            <p>
                <Badge tone={decided ? 'bad' : 'quiet'} icon={decided ? 'no' : 'dash'}>
                    did not fire
                </Badge>
            </p>
            {step.not_met !== undefined && (
                <p class="small trace-claim">
                    not met: <code>{step.not_met}</code>
                </p>
            )}
            {step.nearest !== undefined && (
                <p class="small trace-claim">
                    nearest claim: <code>{claimText(step.nearest)}</code>
                    <IssuedBy claim={step.nearest} />
                </p>
            )}
        </>
    );
}

// Which rules of the trace the decision hangs on: the one named, else those that could have permitted.
function deciding(outcome: Outcome, step: TraceStep): boolean {
    if (outcome.line !== null) {
        return step.line === outcome.line;
    }
    return !outcome.permitted && step.section === 'authorizationrules' && !step.fired && !/=>\s*deny\s*\(/i.test(step.rule);
}

function lastLine(step: TraceStep): number {
    return step.line + step.rule.split('\n').length - 1;
}

export function PolicyTrace({policy, outcome}: {policy: PolicyUsed; outcome: Outcome}): JSX.Element {
    const marks = new Map<number, LineMark>();

    for (const step of outcome.trace) {
        const decided = deciding(outcome, step);
        const tone = decided ? (outcome.permitted ? 'decided ok' : 'decided bad') : step.fired ? 'fired' : 'idle';
        for (let line = step.line; line < lastLine(step); line++) {
            marks.set(line, {class: tone});
        }
        marks.set(lastLine(step), {
            class: tone,
            note: <StepNote step={step} decided={decided} />,
            ...(decided ? {label: 'deciding rule'} : {}),
        });
    }
    return <PolicyText text={policy.text} marks={marks} label={`Policy ${policy.type}, version ${policy.version}, with what became of each rule`} />;
}

export function Issued({claims, label}: {claims: PolicyClaim[]; label: string}): JSX.Element {
    return (
        <Table
            label={label}
            id={(c) => `${c.type}/${String(c.value)}`}
            rows={claims}
            columns={[
                {name: 'Claim', kind: 'main', cell: (c) => <code>{c.type}</code>},
                {name: 'Value', cell: (c) => (typeof c.value === 'string' && c.value.length > 24 ? <Hash value={c.value} label={c.type} /> : <code>{String(c.value)}</code>)},
                {name: 'Issuer', cell: (c) => c.issuer},
            ]}
        />
    );
}

/** The sentence that a person came for. */
export function Verdict({accepted, stage, reason, children}: {accepted: boolean; stage: string; reason: string; children?: ComponentChildren}): JSX.Element {
    const where = stage === 'evidence' ? 'Refused: the evidence is not genuine' : 'Refused by the policy';

    return (
        <div class={`verdict ${accepted ? 'ok' : 'bad'}`}>
            <span class="verdict-sign">
                <Icon name={accepted ? 'yes' : 'no'} size={20} />
            </span>
            <div>
                <p class="verdict-title">{accepted ? 'Accepted' : where}</p>
                <p class="verdict-reason" title={reason}>
                    {shortSentence(reason)}
                </p>
                {children}
            </div>
        </div>
    );
}

/** Evidence and policy of one decision, one below the other. */
export function Explanation({of, extra}: {of: Explained; extra?: ComponentChildren}): JSX.Element {
    const [issued, setIssued] = useState(false);

    return (
        <>
            <Panel
                title="Policy"
                note={
                    of.policy === null ? undefined : (
                        <>
                            <A to={`/policies/${encodeURIComponent(of.policy.type)}`}>{of.policy.type}</A>,{' '}
                            {of.policy.version === 0 ? 'the default' : `version ${of.policy.version}`}
                        </>
                    )
                }
                actions={
                    of.outcome !== null && of.outcome.issued.length > 0 ? (
                        <button type="button" class="button small" aria-expanded={issued} onClick={() => setIssued(!issued)}>
                            {issued ? 'Hide' : 'Show'} {plural(of.outcome.issued.length, 'issued claim')}
                        </button>
                    ) : undefined
                }
            >
                {of.policy === null || of.outcome === null ? (
                    <Notice tone="quiet">No policy was asked: evidence that is not genuine is refused before.</Notice>
                ) : (
                    <>
                        {issued && <Issued claims={of.outcome.issued} label="Issued claims" />}
                        <PolicyTrace policy={of.policy} outcome={of.outcome} />
                    </>
                )}
            </Panel>
            {extra}
            <Panel title="Evidence" note="every check, and every claim with who vouches for it">
                {of.evidence === null ? (
                    <Notice tone="bad">Nothing was recognised in what was sent.</Notice>
                ) : (
                    <EvidenceTree evidence={of.evidence} />
                )}
            </Panel>
        </>
    );
}
