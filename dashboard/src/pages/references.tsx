// Reference values and endorsements: what makers say their software and devices measure as.
import type {JSX} from 'preact';
import {useRef, useState} from 'preact/hooks';

import {ask, type PolicySummary, type Reference, type ReferenceDetail} from '../api';
import {useAction, useList, useLoad} from '../hooks';
import {fileBase64} from '../lib/base64';
import {plural, shortHash} from '../lib/format';
import {navigate} from '../router';
import {useMay} from '../session';
import {announce} from '../ui/announce';
import {Badge, Dialog, Empty, Facts, Failed, Hash, Panel, State, Time} from '../ui/basics';
import {Icon} from '../ui/icons';
import {Fetched, Listed} from '../ui/list';
import {PageHead} from '../ui/page';
import {Long, None, Table} from '../ui/table';

const largest = 512 * 1024;

function Upload({reload}: {reload: () => void}): JSX.Element | null {
    const may = useMay('author');
    const input = useRef<HTMLInputElement>(null);
    const types = useLoad<{items: PolicySummary[]}>(may ? 'policies' : null);
    const [type, setType] = useState('');
    const upload = useAction(async (file: File) => {
        if (file.size > largest) {
            throw new Error(`${file.name} is larger than 512 KiB.`);
        }
        const made = await ask<ReferenceDetail>('references', {
            method: 'POST',
            body: {name: file.name, content: await fileBase64(file), ...(type === '' ? {} : {type})},
        });
        announce(`${plural(made.values, 'value')} added.`);
        reload();
        navigate(`/references/${encodeURIComponent(made.id)}`);
    });

    if (!may) {
        return null;
    }
    return (
        <>
            <label class="moment">
                <span class="quiet small">For evidence of</span>
                <select value={type} onChange={(e) => setType(e.currentTarget.value)}>
                    <option value="">what its profile says</option>
                    {(types.data?.items ?? []).map((t) => (
                        <option key={t.type} value={t.type}>
                            {t.type}
                        </option>
                    ))}
                </select>
            </label>
            <input
                ref={input}
                id="reference-file"
                class="unseen"
                type="file"
                accept=".corim,.cbor,.json,.pem,.der,.jwk"
                onChange={(e) => {
                    const file = e.currentTarget.files?.[0];
                    if (file !== undefined) {
                        void upload.run(file);
                        e.currentTarget.value = '';
                    }
                }}
            />
            <label class="button primary" for="reference-file">
                <Icon name="plus" size={13} /> {upload.busy ? 'Adding…' : 'Add a file'}
            </label>
            {upload.error !== null && <Failed error={upload.error} />}
        </>
    );
}

export function ReferencesPage(): JSX.Element {
    const list = useList<Reference>('references');

    return (
        <>
            <PageHead title="Reference values" tab="Reference values" actions={<Upload reload={list.reload} />}>
                What makers say their firmware and devices measure as. Verification compares evidence with them.
            </PageHead>
            <Listed
                of={list}
                empty={
                    <Empty icon="references" title="No reference values yet">
                        <p>
                            Add a CoRIM (concise reference integrity manifest) from a maker, or JSON of your own as <code>docs/evidence.md</code> describes it.
                            Evidence of SGX and TDX needs none: its collateral has them.
                        </p>
                    </Empty>
                }
            >
                {(items) => (
                    <Table
                        label="Reference values"
                        rows={items}
                        id={(r) => r.id}
                        to={(r) => `/references/${encodeURIComponent(r.id)}`}
                        columns={[
                            {name: 'Name', kind: 'main', cell: (r) => <Long text={r.name} />},
                            {name: 'For', cell: (r) => r.type},
                            {name: 'Kind', minor: true, cell: (r) => (r.kind === 'corim' ? 'CoRIM' : r.kind === 'key' ? 'public keys' : r.kind.toUpperCase())},
                            {name: 'From', cell: (r) => (r.issuer === null ? <span class="quiet">unknown</span> : <Long text={r.issuer} />)},
                            {
                                name: 'Signed',
                                kind: 'tight',
                                cell: (r) =>
                                    r.signed ? (
                                        <Badge tone="ok" icon="lock">
                                            signed
                                        </Badge>
                                    ) : (
                                        <span class="quiet">no</span>
                                    ),
                            },
                            {name: 'State', kind: 'tight', card: 'state', cell: (r) => <State of={r.state} />},
                            {name: 'Until', cell: (r) => (r.valid_until === null ? <span class="quiet">no end</span> : <Time at={r.valid_until} />)},
                            {name: 'Values', kind: 'number', cell: (r) => r.values},
                            {name: 'Keys', kind: 'number', minor: true, cell: (r) => r.keys},
                            {name: 'Added', minor: true, cell: (r) => <Time at={r.added_at} form="ago" />},
                        ]}
                    />
                )}
            </Listed>
        </>
    );
}

export function ReferencePage({id}: {id: string}): JSX.Element {
    const reference = useLoad<ReferenceDetail>(`references/${encodeURIComponent(id)}`);
    const {data} = reference;
    const may = useMay('author');
    const [asked, setAsked] = useState(false);
    const remove = useAction(async () => {
        await ask<null>(`references/${encodeURIComponent(id)}`, {method: 'DELETE'});
        announce('Removed.');
        navigate('/references');
    });

    return (
        <>
            <PageHead
                back={['/references', 'Reference values']}
                title={data?.name ?? shortHash(id)}
                tab={`Reference values ${data?.name ?? ''}`}
                actions={
                    may && data !== null ? (
                        <button type="button" class="button" onClick={() => setAsked(true)}>
                            Remove…
                        </button>
                    ) : undefined
                }
            />
            <Dialog title={`Remove ${data?.name ?? ''}`} open={asked} onClose={() => setAsked(false)}>
                <p>From then on, evidence that {data?.type} judges is no longer held to these values.</p>
                {remove.error !== null && <Failed error={remove.error} />}
                <div class="actions end">
                    <button type="button" class="button" onClick={() => setAsked(false)}>
                        Not now
                    </button>
                    <button type="button" class="button primary" disabled={remove.busy} onClick={() => void remove.run()}>
                        Remove
                    </button>
                </div>
            </Dialog>
            <Fetched of={reference}>
                {(of) => (
                    <>
                        <Panel title="Where they come from">
                            <Facts
                                wide
                                items={[
                                    ['Held to it', `evidence that ${of.type} judges`],
                                    ['Kind', of.kind === 'corim' ? 'CoRIM' : of.kind],
                                    ['Tag', of.tag_id === null ? '–' : <code key="t">{of.tag_id}</code>],
                                    ['From', of.issuer ?? 'unknown'],
                                    ['Signed', of.signed ? 'yes' : 'no'],
                                    ['State', <State key="s" of={of.state} />],
                                    ['Valid from', of.valid_from === null ? '–' : <Time key="f" at={of.valid_from} form="both" />],
                                    ['Valid until', of.valid_until === null ? 'no end' : <Time key="u" at={of.valid_until} form="both" />],
                                    ['Added', <span key="a"><Time at={of.added_at} form="both" /> by {of.author}</span>],
                                ]}
                            />
                        </Panel>
                        <Panel title="Values" note={plural(of.values, 'value')} flush>
                            <Table
                                label="Values"
                                rows={of.entries}
                                id={(e) => `${e.environment}/${e.label}/${e.value}`}
                                columns={[
                                    {name: 'Environment', kind: 'main', cell: (e) => <Long text={e.environment} />},
                                    {name: 'Label', cell: (e) => <code>{e.label}</code>},
                                    {name: 'Algorithm', cell: (e) => e.alg ?? <None />},
                                    {name: 'Value', cell: (e) => <Hash value={e.value} label={e.label} />},
                                    {name: 'SVN', kind: 'number', cell: (e) => e.svn ?? <None />},
                                ]}
                            />
                        </Panel>
                    </>
                )}
            </Fetched>
        </>
    );
}
