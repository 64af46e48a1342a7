// The overview: is the service well, what does it decide, and what needs a person.
import type {JSX} from 'preact';
import {useMemo} from 'preact/hooks';

import {type Alert, ask, type Attestation, type Collateral, type Overview, type Page, type Reason} from '../api';
import {useAction, useLoad, useNow} from '../hooks';
import {count, daysLeft, duration, plural, shortSentence, teeName} from '../lib/format';
import {A, useParameter} from '../router';
import {useMay} from '../session';
import {announce} from '../ui/announce';
import {Badge, Choice, Empty, Facts, Hash, Panel, State, Time} from '../ui/basics';
import {Chart, type Line} from '../ui/chart';
import {Icon} from '../ui/icons';
import {Fetched} from '../ui/list';
import {PageHead} from '../ui/page';
import {ReleaseTable} from '../ui/releases';
import {Table} from '../ui/table';

const spans: [string, string][] = [
    ['60', '1 h'],
    ['240', '4 h'],
    ['720', '12 h'],
    ['1440', '24 h'],
];

function Tile({name, value, note, tone}: {name: string; value: string; note: string; tone?: 'bad'}): JSX.Element {
    return (
        <div class={`tile ${tone ?? ''}`}>
            <dt>{name}</dt>
            <dd>
                <b>{value}</b>
                <span class="quiet small">{note}</span>
            </dd>
        </div>
    );
}

function Tiles({data, span}: {data: Overview; span: string}): JSX.Element {
    const {totals} = data;
    const all = totals.accepted + totals.refused;
    const share = all === 0 ? 'nothing was asked' : `${((totals.accepted / all) * 100).toFixed(1)}% of ${count(all)}`;

    return (
        <dl class="tiles">
            <Tile name="Accepted" value={count(totals.accepted)} note={share} />
            <Tile name="Refused" value={count(totals.refused)} note={`in ${span}`} {...(totals.refused > 0 ? {tone: 'bad' as const} : {})} />
            <Tile name="Keys released" value={count(totals.released)} note={`${count(totals.withheld)} withheld`} />
            <Tile name="Median" value={duration(totals.p50_ms)} note={`p99 ${duration(totals.p99_ms)}`} />
        </dl>
    );
}

const alertPage: Record<string, string> = {overview: '', attestations: 'attestations', inventory: 'inventory', policies: 'policies', keys: 'keys', references: 'references', audit: 'audit'};

function Alerts({alerts}: {alerts: Alert[]}): JSX.Element | null {
    const tones = {critical: 'bad', warning: 'warn', info: 'accent'} as const;

    return alerts.length === 0 ? null : (
        <section aria-label="Alerts" class="alerts">
            <ul>
                {alerts.map((a) => {
                    const page = alertPage[a.page];
                    return (
                        <li key={`${a.code}${a.object}`} class={tones[a.severity]}>
                            <Badge tone={tones[a.severity]} icon={a.severity === 'info' ? 'info' : 'warning'}>
                                {a.severity}
                            </Badge>
                            <span class="alert-text">{a.text}</span>
                            <span class="quiet small">
                                <Time at={a.since} form="ago" />
                            </span>
                            {page !== undefined && page !== '' && (
                                <A to={`/${page}${a.object === null ? '' : `/${encodeURIComponent(a.object)}`}`} class="small">
                                    Look at it
                                </A>
                            )}
                        </li>
                    );
                })}
            </ul>
        </section>
    );
}

const whole = (v: number): string => (Number.isInteger(v) ? count(v) : '');

function Rate({data, tee, setTee}: {data: Overview; tee: string; setTee: (tee: string) => void}): JSX.Element {
    const {rate} = data;
    const tees = rate.series.map((s) => s.tee);
    const shown = rate.series.filter((s) => tee === '' || s.tee === tee);
    const length = rate.series[0]?.accepted.length ?? rate.p50_ms.length;
    const times = useMemo(() => Array.from({length}, (_, i) => rate.start + i * rate.step_s), [rate.start, rate.step_s, length]);
    const lines = useMemo((): Line[] => {
        const sum = (of: 'accepted' | 'refused'): number[] => times.map((_, i) => shown.reduce((n, s) => n + (s[of][i] ?? 0), 0));
        return [
            {name: 'Accepted', tone: 'ok', form: 'area', values: sum('accepted')},
            {name: 'Refused', tone: 'bad', form: 'bars', values: sum('refused').map((n) => (n === 0 ? null : n))},
        ];
    }, [data, tee, times]);
    const latency = useMemo(
        (): Line[] => [
            {name: 'Median', tone: 'accent', form: 'line', values: rate.p50_ms},
            {name: 'p99', tone: 'quiet', form: 'dashed', values: rate.p99_ms},
        ],
        [data],
    );
    const per = rate.step_s === 60 ? 'minute' : '10 minutes';

    return (
        <div class="grid two-one">
            <Panel
                title="Attestations"
                note={`a ${per}`}
                actions={
                    tees.length > 1 ? (
                        <Choice label="Which TEE" value={tee} onChange={setTee} options={[['', 'All'], ...tees.map((t): [string, string] => [t, teeName(t)])]} />
                    ) : undefined
                }
            >
                <Chart label={`Attestations a ${per}`} times={times} lines={lines} unit={whole} height={190} />
            </Panel>
            <Panel title="Time to decide">
                <Chart label="Time to decide" times={times} lines={latency} unit={duration} height={190} />
            </Panel>
        </div>
    );
}

function Reasons({reasons, total}: {reasons: Reason[]; total: number}): JSX.Element {
    return (
        <Panel title="Why it was refused" note="most frequent first" flush={reasons.length > 0}>
            {reasons.length === 0 ? (
                <Empty icon="yes" title="Nothing was refused">
                    <p>When something is, its reason stands here, with the attestation that shows it.</p>
                </Empty>
            ) : (
                <ol class="reasons">
                    {reasons.map((r) => (
                        <li key={r.reason}>
                            <A to={`/attestations/${r.last_id}`}>
                                <span class="reason-text" title={r.reason}>
                                    {shortSentence(r.reason)}
                                </span>
                                <span class="reason-count">
                                    <b>{count(r.count)}</b>
                                    <span class="quiet small">{r.stage}</span>
                                </span>
                                <meter min={0} max={Math.max(total, 1)} value={r.count} aria-label={`${r.count} of ${total}`} />
                            </A>
                        </li>
                    ))}
                </ol>
            )}
        </Panel>
    );
}

function left(c: Collateral, now: number): string {
    if (c.next_update === null) {
        return 'no end';
    }
    const days = daysLeft(c.next_update, now);
    return days < 0 ? `${plural(-days, 'day')} over` : `${plural(days, 'day')} left`;
}

// For services without a network: what another has fetched, as one file.
function Bundle({reload}: {reload: () => void}): JSX.Element {
    const admin = useMay('admin');
    const take = useAction(async (file: File) => {
        const text = await file.text();
        try {
            JSON.parse(text);
        } catch {
            throw new Error(`${file.name} is not JSON.`);
        }
        const done = await ask<{taken: number}>('collateral/import', {method: 'POST', text});
        announce(`${plural(done.taken, 'part')} taken.`);
        reload();
    });

    return (
        <>
            {take.error !== null && <span class="field-error">{take.error.message}</span>}
            <a class="small" href="/api/v1/collateral/export" download="casemate-collateral.json">
                Export
            </a>
            {admin && (
                <>
                    <input
                        id="collateral-file"
                        class="unseen"
                        type="file"
                        accept=".json"
                        onChange={(e) => {
                            const file = e.currentTarget.files?.[0];
                            if (file !== undefined) {
                                void take.run(file);
                                e.currentTarget.value = '';
                            }
                        }}
                    />
                    <label class="button small" for="collateral-file">
                        {take.busy ? 'Importing…' : 'Import'}
                    </label>
                </>
            )}
        </>
    );
}

function CollateralPanel({items, now, reload}: {items: Collateral[]; now: number; reload: () => void}): JSX.Element {
    return (
        <Panel title="Collateral" note="what verification rests on" flush actions={<Bundle reload={reload} />}>
            {items.length === 0 ? (
                <Empty icon="refresh" title="No collateral yet">
                    <p>It is fetched with the first evidence of a platform, or imported with an offline bundle.</p>
                </Empty>
            ) : (
                <Table
                    label="Collateral"
                    rows={items}
                    id={(c) => `${c.kind}${c.name}${c.subject}`}
                    columns={[
                        {
                            name: 'What',
                            kind: 'main',
                            cell: (c) => (
                                <>
                                    {c.name}
                                    {c.subject !== '' && <code class="sub">{c.subject}</code>}
                                </>
                            ),
                        },
                        {name: 'Fetched', cell: (c) => <Time at={c.fetched_at} form="ago" />},
                        {name: 'Next', kind: 'tight', cell: (c) => left(c, now)},
                        {name: 'State', kind: 'tight', cell: (c) => <State of={c.state} />},
                    ]}
                />
            )}
        </Panel>
    );
}

function Identity({data}: {data: Overview}): JSX.Element {
    const s = data.service;
    const evidence = {none: 'not in an enclave', ok: 'genuine', failed: 'failed'}[s.evidence.state];

    return (
        <Panel title="This service" actions={s.ready ? <Badge tone="ok" icon="yes">ready</Badge> : <Badge tone="bad" icon="warning">not ready</Badge>}>
            {!s.ready && <p class="field-error">{s.ready_why}</p>}
            <Facts
                items={[
                    ['Address', <code key="a">{s.public_url}</code>],
                    ['Own evidence', s.evidence.state === 'none' ? <span title={s.evidence.detail}>{evidence}</span> : <State key="e" of={s.evidence.state === 'ok' ? 'pass' : 'fail'}>{`${evidence}${s.evidence.tcb_status === null ? '' : `, ${s.evidence.tcb_status}`}`}</State>],
                    ['Started', <Time key="r" at={s.started_at} form="ago" />],
                    ['Store', s.store === 'sqlite' ? 'SQLite' : 'PostgreSQL'],
                    ['TLS certificate', s.tls.not_after === null ? 'given by the operator' : <span key="t">{plural(daysLeft(s.tls.not_after, data.now), 'day')} left</span>],
                    ['CA', <Hash key="c" value={s.tls.ca_sha256} label="the CA’s SHA-256" />],
                    ...s.signers.map((k): [string, JSX.Element] => [
                        `Key for ${k.use}s`,
                        <span key={k.kid}>
                            {k.alg}, made <Time at={k.created_at} form="ago" />
                        </span>,
                    ]),
                ]}
            />
        </Panel>
    );
}

function FirstSteps({url}: {url: string}): JSX.Element {
    const admin = useMay('admin');

    return (
        <Panel title="First steps" note="nothing has attested here yet">
            <ol class="steps">
                <li>
                    <h3>Attest</h3>
                    <p>
                        Point a client at <code>{url}</code>: <A to="/try?tab=clients">lines to copy</A>. Or <A to="/try">paste evidence</A>, which records nothing.
                    </p>
                </li>
                <li>
                    <h3>Say whom you trust</h3>
                    <p>
                        Until you set a <A to="/policies">policy</A>, the default of its type decides: genuine is enough.
                    </p>
                </li>
                <li>
                    <h3>Give keys to them alone</h3>
                    <p>
                        Clients import <A to="/keys">keys and secrets</A> with a policy of release: who satisfies it gets them, nobody else.
                    </p>
                </li>
                {admin && (
                    <li>
                        <h3>Let others see and decide</h3>
                        <p>
                            <A to="/access">Accounts</A> for those who write, approve and audit; tokens for programs.
                        </p>
                    </li>
                )}
            </ol>
        </Panel>
    );
}

/** Where charts would be: nothing was asked for in this time, or ever. */
function Quiet({span, url}: {span: string; url: string}): JSX.Element {
    const ever = useLoad<Page<Attestation>>('attestations?limit=1');

    if (ever.data?.items.length === 0) {
        return <FirstSteps url={url} />;
    }
    return (
        <Empty icon="attestations" title={`No attestation in ${span}`}>
            <p>What clients ask for stands here as it comes: how many, how fast, and why some were refused.</p>
        </Empty>
    );
}

export function OverviewPage(): JSX.Element {
    const [minutes, setMinutes] = useParameter('minutes', '60');
    const [tee, setTee] = useParameter('tee');
    const known = spans.some(([m]) => m === minutes) ? minutes : '60';
    const overview = useLoad<Overview>(`overview?minutes=${known}`, 5000);
    const now = useNow(30000);
    const span = spans.find(([m]) => m === known)?.[1] ?? '';

    return (
        <>
            <PageHead title="Overview" tab="Overview" actions={<Choice label="How far back" value={known} options={spans} onChange={setMinutes} />} />
            <Fetched of={overview} rows={9}>
                {(data) => (
                    <>
                        <Alerts alerts={data.alerts} />
                        <Tiles data={data} span={span} />
                        {data.totals.accepted + data.totals.refused === 0 && data.rate.series.length === 0 ? (
                            <Quiet span={span} url={data.service.public_url} />
                        ) : (
                            <Rate data={data} tee={tee} setTee={setTee} />
                        )}
                        <div class="grid two">
                            <Reasons reasons={data.reasons} total={data.totals.refused} />
                            <CollateralPanel items={data.collateral} now={now} reload={overview.reload} />
                        </div>
                        <div class="grid two-one">
                            <Panel title="Newest releases" actions={<A to="/keys?tab=releases" class="small">All <Icon name="right" size={11} /></A>} flush>
                                {data.releases.length === 0 ? (
                                    <Empty icon="keys" title="No key was released yet">
                                        <p>Keys and secrets are given to those alone whose attestation satisfies their release policy.</p>
                                    </Empty>
                                ) : (
                                    <ReleaseTable items={data.releases} label="Newest releases" />
                                )}
                            </Panel>
                            <Identity data={data} />
                        </div>
                    </>
                )}
            </Fetched>
        </>
    );
}
