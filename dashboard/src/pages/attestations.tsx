// The log of attestations: searched by what people know of one.
import type {JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';

import {type Attestation, type Page, withQuery} from '../api';
import {useList} from '../hooks';
import {duration, shortHash, shortSentence, teeName} from '../lib/format';
import {A, useParameter} from '../router';
import {Badge, Empty, State, Time} from '../ui/basics';
import {Icon} from '../ui/icons';
import {Listed} from '../ui/list';
import {PageHead} from '../ui/page';
import {PeriodFilter, usePeriod} from '../ui/period';
import {Long, None, Table} from '../ui/table';

interface AttestationPageData extends Page<Attestation> {
    tees: string[];
}

/** Two lines of a reason; the title has the whole. */
export function Reason({text, quiet = false}: {text: string; quiet?: boolean}): JSX.Element {
    return (
        <span class={quiet ? 'clamp quiet' : 'clamp'} title={text}>
            {shortSentence(text)}
        </span>
    );
}

export function AttestationTable({items, label}: {items: Attestation[]; label: string}): JSX.Element {
    return (
        <Table
            label={label}
            rows={items}
            id={(a) => a.id}
            to={(a) => `/attestations/${a.id}`}
            about={(a) => `${a.result}, ${teeName(a.tee)} of ${a.client}`}
            columns={[
                {name: 'Time', kind: 'tight', cell: (a) => <Time at={a.time} />},
                {name: 'Result', kind: 'tight', card: 'state', cell: (a) => <State of={a.result} />},
                {
                    name: 'TEE',
                    kind: 'tight',
                    cell: (a) => (
                        <>
                            {teeName(a.tee)}
                            {a.emulated && <span class="emulated-tag">emulated</span>}
                        </>
                    ),
                },
                {name: 'Measurement', cell: (a) => (a.measurement === null ? <None /> : <code title={a.measurement}>{shortHash(a.measurement)}</code>)},
                {name: 'Client', cell: (a) => <Long text={a.client} />},
                {
                    name: 'Policy',
                    minor: true,
                    cell: (a) => a.policy_type === null ? <None /> : <Long text={`${a.policy_type} ${a.policy_version === 0 ? 'default' : `v${a.policy_version}`}`} />,
                },
                {name: 'Reason', kind: 'wide', card: 'lead', cell: (a) => <Reason text={a.reason} quiet={a.result === 'accepted'} />},
                {name: 'Took', kind: 'number', minor: true, cell: (a) => duration(a.took_ms)},
            ]}
        />
    );
}

// What is typed is asked for only when the typing pauses.
function useSlow(value: string, set: (value: string) => void): [string, (value: string) => void] {
    const [typed, setTyped] = useState(value);

    useEffect(() => setTyped(value), [value]);
    useEffect(() => {
        if (typed === value) {
            return undefined;
        }
        const timer = window.setTimeout(() => set(typed), 300);
        return (): void => window.clearTimeout(timer);
    }, [typed]);
    return [typed, setTyped];
}

function Filters({tees, live, setLive}: {tees: string[]; live: boolean; setLive: (live: boolean) => void}): JSX.Element {
    const [result, setResult] = useParameter('result');
    const [tee, setTee] = useParameter('tee');
    const [q, setQ] = useSlow(...useParameter('q'));
    const [measurement, setMeasurement] = useSlow(...useParameter('measurement'));

    return (
        <form class="filters" role="search" aria-label="Attestations" onSubmit={(e) => e.preventDefault()}>
            <label class="search">
                <span class="unseen">Reason, client or id</span>
                <Icon name="search" size={14} />
                <input type="search" placeholder="Reason, client or id" value={q} onInput={(e) => setQ(e.currentTarget.value)} />
            </label>
            <label class="search">
                <span class="unseen">Beginning of a measurement</span>
                <Icon name="inventory" size={14} />
                <input
                    type="search"
                    class="mono"
                    placeholder="Measurement"
                    pattern="[0-9a-fA-F]{4,128}"
                    title="At least 4 hexadecimal digits"
                    value={measurement}
                    onInput={(e) => setMeasurement(e.currentTarget.value.trim().toLowerCase())}
                />
            </label>
            <label>
                <span class="unseen">Result</span>
                <select value={result} onChange={(e) => setResult(e.currentTarget.value)}>
                    <option value="">Any result</option>
                    <option value="accepted">Accepted</option>
                    <option value="refused">Refused</option>
                </select>
            </label>
            <label>
                <span class="unseen">TEE</span>
                <select value={tee} onChange={(e) => setTee(e.currentTarget.value)}>
                    <option value="">Any TEE</option>
                    {tees.map((t) => (
                        <option key={t} value={t}>
                            {teeName(t)}
                        </option>
                    ))}
                </select>
            </label>
            <PeriodFilter />
            <button type="button" class="button small" aria-pressed={live} onClick={() => setLive(!live)}>
                <Icon name={live ? 'pause' : 'play'} size={13} /> {live ? 'Live' : 'Paused'}
            </button>
        </form>
    );
}

export function AttestationsPage(): JSX.Element {
    const [result] = useParameter('result');
    const [tee] = useParameter('tee');
    const [q] = useParameter('q');
    const [typed] = useParameter('measurement');
    const {from, to, any} = usePeriod();
    const [live, setLive] = useState(true);
    const measurement = /^[0-9a-f]{4,128}$/.test(typed) ? typed : '';
    const path = withQuery('attestations', {result, tee, q, measurement, from, to});
    const list = useList<Attestation, AttestationPageData>(path, live ? 5000 : 0);
    const filtered = !any || [result, tee, q, typed].some((v) => v !== '');

    return (
        <>
            <PageHead title="Attestations" tab="Attestations">
                Every attestation that was asked for, newest first. Each explains itself: what was checked, which rule decided, by which claim.
            </PageHead>
            <Filters tees={list.data?.tees ?? []} live={live && !list.grown} setLive={setLive} />
            <Listed
                of={list}
                rows={8}
                empty={
                    <Empty icon="attestations" title={filtered ? 'Nothing fits' : 'No attestation yet'}>
                        {filtered ? (
                            <p>
                                <A to="/attestations">Show all</A>
                            </p>
                        ) : (
                            <p>
                                When a client asks for one it stands here, accepted or not. <A to="/try?tab=clients">Lines to copy for clients</A>, or{' '}
                                <A to="/try">paste evidence</A> without recording it.
                            </p>
                        )}
                    </Empty>
                }
            >
                {(items) => <AttestationTable items={items} label="Attestations" />}
            </Listed>
            {list.grown && (
                <p class="quiet small">
                    <Badge tone="quiet" icon="pause">
                        not live
                    </Badge>{' '}
                    More than the newest are shown.{' '}
                    <button type="button" class="link" onClick={list.reload}>
                        Back to the newest
                    </button>
                </p>
            )}
        </>
    );
}
