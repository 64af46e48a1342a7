// Releases of keys, secrets and resources, and what was withheld: on the overview, and wherever one of them is.
import type {JSX} from 'preact';

import type {Release} from '../api';
import {useList} from '../hooks';
import {shortSentence} from '../lib/format';
import {A} from '../router';
import {Empty, State, Time} from './basics';
import {Listed} from './list';
import {type Column, Long, Table} from './table';

const whatColumn: Column<Release> = {
    name: 'What',
    kind: 'main',
    cell: (r) => (
        <>
            {r.kind === 'resource' ? (
                <Long text={r.name} />
            ) : (
                <A to={`/keys/${r.kind}/${encodeURIComponent(r.name)}`}>
                    <Long text={r.name} />
                </A>
            )}
            <span class="sub quiet">{r.kind}</span>
        </>
    ),
};
const reasonColumn: Column<Release> = {
    name: 'How or why not',
    kind: 'wide',
    card: 'lead',
    cell: (r) => 
        r.result === 'withheld' ? (
            <span class="clamp three" title={r.reason}>
                {shortSentence(r.reason)}
            </span>
        ) : (
            <span class="quiet">{[r.api, r.wrap].filter(Boolean).join(', ')}</span>
        ),
};

/** `of`: all are of one key or secret, so it need not be named; and there is room for reasons. */
export function ReleaseTable({items, label, of = false, reasons = false}: {items: Release[]; label: string; of?: boolean; reasons?: boolean}): JSX.Element {
    return (
        <Table
            label={label}
            rows={items}
            id={(r) => r.id}
            columns={[
                {name: 'Time', kind: 'tight', cell: (r) => <Time at={r.time} />},
                ...(of ? [] : [whatColumn]),
                {name: 'To', cell: (r) => <Long text={r.client} />},
                {
                    name: 'Result',
                    kind: 'tight',
                    card: 'state',
                    cell: (r) => (
                        <span title={r.reason}>
                            <State of={r.result} />
                        </span>
                    ),
                },
                ...(reasons ? [reasonColumn] : []),
                {
                    name: 'Because of',
                    kind: 'tight',
                    cell: (r) => (r.attestation === null ? <span class="quiet">{r.result === 'withheld' ? 'no attestation of ours' : 'another issuer’s token'}</span> : <A to={`/attestations/${r.attestation}`}>attestation</A>),
                },
            ]}
        />
    );
}

/** A list of the API that grows; path is that of the list with what it is asked for. */
export function Releases({path, of = false, bare = false, filtered = false}: {path: string; of?: boolean; bare?: boolean; filtered?: boolean}): JSX.Element {
    return (
        <Listed
            of={useList<Release>(path, 10000)}
            bare={bare}
            empty={
                <Empty icon="keys" title={filtered ? 'Nothing fits' : 'Nothing was asked for yet'}>
                    <p>Each release stands here, and each that was withheld with the reason.</p>
                </Empty>
            }
        >
            {(items) => <ReleaseTable items={items} label="Releases" of={of} reasons />}
        </Listed>
    );
}
