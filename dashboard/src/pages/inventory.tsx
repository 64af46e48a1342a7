// What attests: workloads by measurement, platforms by their TCB, and the way to trust a measurement.
import type {JSX} from 'preact';

import {type Platform, type TrustDraft, type Workload, type WorkloadDetail, ask, withQuery} from '../api';
import {putDraft} from '../draft';
import {useAction, useList, useLoad} from '../hooks';
import {count, localDate, plural, shortHash, teeName} from '../lib/format';
import {A, navigate, useParameter} from '../router';
import {useMay} from '../session';
import {Badge, Empty, Facts, Failed, Hash, Notice, Panel, State, Time} from '../ui/basics';
import {Icon} from '../ui/icons';
import {Fetched, Listed} from '../ui/list';
import {PageHead, Tabs} from '../ui/page';
import {None, Table} from '../ui/table';
import {AttestationTable} from './attestations';

function Trusted({by}: {by: Workload['trusted_by']}): JSX.Element {
    return by.length === 0 ? (
        <Badge tone="quiet" icon="dash">
            not named
        </Badge>
    ) : (
        <span title={by.map((b) => `${b.type}, line ${b.line}`).join('; ')}>
            <State of="trusted" />
        </span>
    );
}

function Warnings({w}: {w: Workload}): JSX.Element {
    return (
        <>
            {w.debug && (
                <Badge tone="bad" icon="warning">
                    debug
                </Badge>
            )}
            {w.emulated && (
                <Badge tone="warn" icon="warning">
                    emulated
                </Badge>
            )}
            {!w.newest && (
                <Badge tone="quiet" icon="info">
                    superseded
                </Badge>
            )}
        </>
    );
}

function signedBy(w: Workload): string {
    const signer = w.signer === null ? 'without a signer' : `signed by ${shortHash(w.signer)}`;
    const product = w.product_id === null ? '' : `, product ${w.product_id}`;

    return `${signer}${product}${w.svn === null ? '' : `, svn ${w.svn}`}`;
}

function WorkloadTable({rows, label}: {rows: Workload[]; label: string}): JSX.Element {
    return (
        <Table
            label={label}
            rows={rows}
            id={(w) => w.id}
            to={(w) => `/inventory/${encodeURIComponent(w.id)}`}
            columns={[
                {
                    name: 'Measurement',
                    kind: 'main',
                    cell: (w) => (
                        <>
                            <code title={w.measurement}>{shortHash(w.measurement, 12)}</code>
                            <span class="sub" title={w.signer ?? ''}>
                                {signedBy(w)}
                            </span>
                        </>
                    ),
                },
                {name: 'TEE', kind: 'tight', cell: (w) => teeName(w.tee)},
                {name: 'First seen', minor: true, cell: (w) => <Time at={w.first_seen} form="ago" />},
                {name: 'Last seen', cell: (w) => <Time at={w.last_seen} form="ago" />},
                {name: 'Accepted', kind: 'number', cell: (w) => count(w.accepted)},
                {name: 'Refused', kind: 'number', cell: (w) => (w.refused === 0 ? <span class="quiet">0</span> : count(w.refused))},
                {name: 'TCB', kind: 'tight', card: 'state', cell: (w) => (w.tcb_status === null ? <None /> : <State of={w.tcb_status}>{w.tcb_status}</State>)},
                {
                    name: 'Policy',
                    kind: 'tight',
                    card: 'lead',
                    cell: (w) => (
                        <span class="badges">
                            <Trusted by={w.trusted_by} />
                            <Warnings w={w} />
                        </span>
                    ),
                },
            ]}
        />
    );
}

function PlatformTable({rows, label}: {rows: Platform[]; label: string}): JSX.Element {
    return (
        <Table
            label={label}
            rows={rows}
            id={(p) => p.id}
            columns={[
                {
                    name: 'Platform',
                    kind: 'main',
                    cell: (p) => (
                        <>
                            <Hash value={p.value} label={p.name} />
                            <span class="sub quiet">{p.name}</span>
                        </>
                    ),
                },
                {name: 'TEE', kind: 'tight', cell: (p) => teeName(p.tee)},
                {name: 'TCB', kind: 'tight', card: 'state', cell: (p) => (p.tcb_status === null ? <None /> : <State of={p.tcb_status}>{p.tcb_status}</State>)},
                {name: 'TCB of', minor: true, cell: (p) => (p.tcb_date === null ? <None /> : localDate(p.tcb_date))},
                {name: 'Advisories', kind: 'wide', cell: (p) => (p.advisories.length === 0 ? <span class="quiet">none</span> : p.advisories.join(', '))},
                {name: 'Last seen', cell: (p) => <Time at={p.last_seen} form="ago" />},
                {name: 'Times', kind: 'number', cell: (p) => count(p.count)},
            ]}
        />
    );
}

function Workloads(): JSX.Element {
    const [state, setState] = useParameter('state');
    const [tee] = useParameter('tee');
    const list = useList<Workload>(withQuery('inventory', {state, tee}), 15000);

    return (
        <>
            <form class="filters" aria-label="Workloads" onSubmit={(e) => e.preventDefault()}>
                <label>
                    <span class="unseen">Trust</span>
                    <select value={state} onChange={(e) => setState(e.currentTarget.value)}>
                        <option value="">All measurements</option>
                        <option value="trusted">Named by a policy</option>
                        <option value="untrusted">Not named by a policy</option>
                    </select>
                </label>
            </form>
            <Listed
                of={list}
                empty={
                    <Empty icon="inventory" title={state === '' ? 'Nothing has attested yet' : 'None like that'}>
                        <p>Each measurement that attests stands here from then on: when it was seen, on which platforms, and whether a policy names it.</p>
                    </Empty>
                }
            >
                {(items) => <WorkloadTable rows={items} label="Workloads" />}
            </Listed>
        </>
    );
}

function Platforms(): JSX.Element {
    return (
        <Listed
            of={useList<Platform>('platforms', 15000)}
            empty={
                <Empty icon="inventory" title="No platform yet">
                    <p>The machines under what attests stand here by what their maker says of their TCB, the worst first.</p>
                </Empty>
            }
        >
            {(items) => <PlatformTable rows={items} label="Platforms" />}
        </Listed>
    );
}

export function InventoryPage(): JSX.Element {
    const [tab] = useParameter('tab', 'workloads');

    return (
        <>
            <PageHead title="Inventory" tab="Inventory">
                What attests here, and the platforms it runs on.
            </PageHead>
            <Tabs
                label="Inventory"
                current={tab}
                tabs={[
                    ['workloads', 'Workloads', '/inventory'],
                    ['platforms', 'Platforms', '/inventory?tab=platforms'],
                ]}
            />
            {tab === 'platforms' ? <Platforms /> : <Workloads />}
        </>
    );
}

function Trust({w}: {w: WorkloadDetail}): JSX.Element {
    const may = useMay('author');
    const trust = useAction(async (fresh: boolean) => {
        const draft = await ask<TrustDraft>(`inventory/${encodeURIComponent(w.id)}/trust`, {method: 'POST', body: fresh ? {fresh} : {}});
        putDraft(draft.type, {text: draft.text, base: draft.base, line: draft.line, note: draft.note});
        navigate(`/policies/${encodeURIComponent(draft.type)}`);
    });

    if (w.trusted_by.length > 0) {
        return (
            <Notice tone="ok">
                Named by{' '}
                {w.trusted_by.map((b, i) => (
                    <span key={`${b.type}${b.line}`}>
                        {i > 0 ? ', ' : ''}
                        <A to={`/policies/${encodeURIComponent(b.type)}`}>
                            {b.type}, line {b.line}
                        </A>
                    </span>
                ))}
                .
            </Notice>
        );
    }
    return (
        <>
            <Notice tone={w.debug || w.emulated ? 'warn' : 'quiet'}>
                <p>
                    No policy names this measurement. To trust it is to change a policy: you will see the draft and what it would have decided, before
                    anything is in force.
                </p>
                {w.debug && <p>It is a debug build: its memory can be read from outside.</p>}
                {w.emulated && <p>It was made by the emulator, which protects nothing.</p>}
            </Notice>
            {trust.error !== null && <Failed error={trust.error} />}
            {may ? (
                <div class="actions">
                    <button type="button" class="button primary" disabled={trust.busy} onClick={() => void trust.run(false)}>
                        Trust this measurement…
                    </button>
                    <button type="button" class="button" disabled={trust.busy} onClick={() => void trust.run(true)}>
                        Trust nothing but this…
                    </button>
                </div>
            ) : (
                <p class="quiet">An author of policies can do that.</p>
            )}
        </>
    );
}

export function WorkloadPage({id}: {id: string}): JSX.Element {
    const workload = useLoad<WorkloadDetail>(`inventory/${encodeURIComponent(id)}`);
    const name = workload.data?.measurement ?? null;

    return (
        <>
            <PageHead
                back={['/inventory', 'Inventory']}
                tab={name === null ? 'Measurement' : `Measurement ${shortHash(name)}`}
                title={
                    <>
                        Measurement <code>{name === null ? '…' : shortHash(name, 12)}</code>
                    </>
                }
            />
            <Fetched of={workload}>
                {(w) => (
                    <>
                        <div class="grid two">
                            <Panel title="Identity">
                                <Facts
                                    items={[
                                        [w.label, <Hash key="m" value={w.measurement} label="the measurement" />],
                                        ['TEE', <span key="t">{teeName(w.tee)} <Warnings w={w} /></span>],
                                        ['Signer', w.signer === null ? <span class="quiet">none</span> : <Hash key="s" value={w.signer} label="the signer" />],
                                        ['Product', w.product_id === null ? '–' : `${w.product_id}, security version ${w.svn ?? '–'}`],
                                        ['First seen', <Time key="f" at={w.first_seen} form="both" />],
                                        ['Last seen', <Time key="l" at={w.last_seen} form="both" />],
                                        ['Attestations', `${count(w.accepted)} accepted, ${count(w.refused)} refused`],
                                        ['TCB', w.tcb_status === null ? '–' : <State key="c" of={w.tcb_status}>{w.tcb_status}</State>],
                                        ['Advisories', w.advisories.length === 0 ? 'none' : w.advisories.join(', ')],
                                    ]}
                                />
                            </Panel>
                            <Panel title="Trust">
                                <Trust w={w} />
                            </Panel>
                        </div>
                        {w.siblings.length > 0 && (
                            <Panel title="Other versions" note="of the same signer and product" flush>
                                <WorkloadTable rows={w.siblings} label="Other versions" />
                            </Panel>
                        )}
                        <Panel title="Newest attestations" flush actions={<A class="small" to={`/attestations?measurement=${w.measurement}`}>All <Icon name="right" size={11} /></A>}>
                            <AttestationTable items={w.recent} label="Newest attestations" />
                        </Panel>
                        <Panel title="Platforms" note={plural(w.platforms.length, 'platform')} flush>
                            <PlatformTable rows={w.platforms} label="Platforms it was seen on" />
                        </Panel>
                    </>
                )}
            </Fetched>
        </>
    );
}
