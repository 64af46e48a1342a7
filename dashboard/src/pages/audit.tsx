// The audit log: who did what, each record chained to the one before.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';

import {ask, type AuditRecord, type AuditVerdict, withQuery} from '../api';
import {useAction, useList} from '../hooks';
import {count, shortSentence} from '../lib/format';
import {useParameter} from '../router';
import {announce} from '../ui/announce';
import {Empty, Failed, Field, Hash, Panel, Time} from '../ui/basics';
import {Icon} from '../ui/icons';
import {Listed} from '../ui/list';
import {PageHead} from '../ui/page';
import {PeriodFilter, usePeriod} from '../ui/period';
import {Long, None, Table} from '../ui/table';

function Verify(): JSX.Element {
    const [known, setKnown] = useState('');
    const [verdict, setVerdict] = useState<AuditVerdict | null>(null);
    const verify = useAction(async () => {
        const answer = await ask<AuditVerdict>('audit/verify', {method: 'POST', body: {known: known.trim() === '' ? null : known.trim().toLowerCase()}});
        setVerdict(answer);
        announce(answer.message);
    });

    return (
        <Panel title="Is it whole?" note="every record is chained to the one before by its hash">
            <form
                class="inline-form"
                onSubmit={(e) => {
                    e.preventDefault();
                    void verify.run();
                }}
            >
                <Field label="A hash you kept elsewhere" hint="Optional. Only such a hash shows that the end was not cut off.">
                    {(ids) => <input {...ids} class="mono" value={known} pattern="\s*[0-9a-fA-F]{64}\s*" onInput={(e) => setKnown(e.currentTarget.value)} />}
                </Field>
                <button type="submit" class="button primary" disabled={verify.busy}>
                    {verify.busy ? 'Verifying…' : 'Verify the chain'}
                </button>
            </form>
            {verify.error !== null && <Failed error={verify.error} />}
            {verdict !== null && (
                <div class={`verdict ${verdict.ok ? 'ok' : 'bad'}`}>
                    <span class="verdict-sign">
                        <Icon name={verdict.ok ? 'yes' : 'no'} size={20} />
                    </span>
                    <div>
                        <p class="verdict-title">{titleOf(verdict)}</p>
                        <p class="verdict-reason">{verdict.message}</p>
                        <p class="small">
                            Last hash, to keep elsewhere: <Hash value={verdict.last} whole label="the last hash" />
                        </p>
                    </div>
                </div>
            )}
        </Panel>
    );
}

function titleOf(verdict: AuditVerdict): string {
    if (verdict.ok) {
        const cut = verdict.cut > 0 ? `; ${count(verdict.cut)} older ones were cut off` : '';

        return `All ${count(verdict.records - verdict.cut)} records are in order${cut}`;
    }
    return verdict.broken_at === null && verdict.found === false ? 'The hash is not in the chain' : 'The chain is broken';
}

/** A value in words as far as it is words: a policy within it stays readable. */
function said(value: unknown): string {
    if (Array.isArray(value)) {
        return value.map(said).join(', ');
    }
    return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What a change was, in one text: hashes short, three lines of it. */
function Detail({of}: {of: Record<string, unknown>}): JSX.Element {
    const text = Object.entries(of)
        .map(([k, v]) => `${k}: ${said(v)}`)
        .join(', ');

    return (
        <span class="clamp three quiet" title={text}>
            {shortSentence(text)}
        </span>
    );
}

export function AuditPage(): JSX.Element {
    const [actor, setActor] = useParameter('actor');
    const [action, setAction] = useParameter('action');
    const period = usePeriod();
    const list = useList<AuditRecord>(withQuery('audit', {actor, action, from: period.from, to: period.to}), 15000);

    return (
        <>
            <PageHead
                title="Audit"
                tab="Audit"
                actions={
                    <a class="button" href="/api/v1/audit/export" download="casemate-audit.jsonl">
                        Export as JSON lines
                    </a>
                }
            >
                Who changed what, and when.
            </PageHead>
            <Verify />
            <form class="filters" role="search" aria-label="Audit records" onSubmit={(e) => e.preventDefault()}>
                <label class="search">
                    <span class="unseen">Who</span>
                    <Icon name="access" size={14} />
                    <input type="search" placeholder="Who" value={actor} onChange={(e) => setActor(e.currentTarget.value.trim())} />
                </label>
                <label>
                    <span class="unseen">What</span>
                    <select value={action} onChange={(e) => setAction(e.currentTarget.value)}>
                        <option value="">Everything</option>
                        <option value="policy">Policies</option>
                        <option value="key">Keys</option>
                        <option value="secret">Secrets</option>
                        <option value="reference">Reference values</option>
                        <option value="account">Accounts</option>
                        <option value="token">Tokens</option>
                        <option value="session">Sessions</option>
                    </select>
                </label>
                <PeriodFilter />
            </form>
            <Listed
                of={list}
                rows={8}
                empty={
                    <Empty icon="audit" title={actor === '' && action === '' && period.any ? 'Nothing yet' : 'Nothing fits'}>
                        <p>Every change by a person or a program stands here, in the same transaction as the change itself.</p>
                    </Empty>
                }
            >
                {(items) => (
                    <Table
                        label="Audit records"
                        rows={items}
                        id={(r) => String(r.seq)}
                        columns={[
                            {name: 'No.', kind: 'number', card: 'state', cell: (r) => r.seq},
                            {name: 'Time', kind: 'tight', cell: (r) => <Time at={r.time} />},
                            {name: 'Who', cell: (r) => <Long text={r.actor} />},
                            {name: 'What', card: 'title', cell: (r) => <code>{r.action}</code>},
                            {name: 'To', cell: (r) => (r.object === '' ? <None /> : <Long text={r.object} />)},
                            {name: 'Details', kind: 'wide', cell: (r) => (r.detail === null ? <None /> : <Detail of={r.detail} />)},
                            {name: 'Hash', cell: (r) => <Hash value={r.hash} label={`the hash of record ${r.seq}`} />},
                        ]}
                    />
                )}
            </Listed>
        </>
    );
}
