// Every type of policy and what is in force for it.
import type {JSX} from 'preact';

import {useState} from 'preact/hooks';

import {ask, type Page, type PolicyMode, type PolicySet, type PolicySettings, type PolicySummary} from '../api';
import {useAction, useLoad} from '../hooks';
import {plural, teeName} from '../lib/format';
import {useMay, useSession} from '../session';
import {announce} from '../ui/announce';
import {Badge, Failed, Field, Notice, Panel, State, Time} from '../ui/basics';
import {Icon} from '../ui/icons';
import {Fetched} from '../ui/list';
import {PageHead} from '../ui/page';
import {None, Table} from '../ui/table';

function WaitingMode({of, reload}: {of: NonNullable<PolicySettings['waiting']>; reload: () => void}): JSX.Element {
    const {me} = useSession();
    const may = useMay('approver') && of.author !== me.user?.name;
    const decide = useAction(async (how: 'approve' | 'reject') => {
        await ask<{state: string}>(`policies/Mode/versions/${of.version}/${how}`, {method: 'POST', body: {}});
        announce(how === 'approve' ? 'Approved.' : 'Rejected.');
        reload();
    });

    return (
        <Notice tone="warn" icon="wait">
            <p>
                A change of these by {of.author}, <Time at={of.time} form="ago" />, waits for a second person.
            </p>
            {may && (
                <div class="actions">
                    <button type="button" class="button small" disabled={decide.busy} onClick={() => void decide.run('approve')}>
                        <Icon name="yes" size={13} /> Approve
                    </button>
                    <button type="button" class="button small" disabled={decide.busy} onClick={() => void decide.run('reject')}>
                        <Icon name="no" size={13} /> Reject
                    </button>
                </div>
            )}
            {decide.error !== null && <p class="field-error">{decide.error.message}</p>}
        </Notice>
    );
}

/** The first certificate that signs policies; it signs for every other one. */
function FirstSigner({reload}: {reload: () => void}): JSX.Element {
    const [pem, setPem] = useState('');
    const register = useAction(async () => {
        const done = await ask<{thumbprint: string}>('settings/policies/certificates', {method: 'POST', body: {certificate: pem}});
        announce(`Registered ${done.thumbprint}.`);
        reload();
    });

    return (
        <details>
            <summary>No certificate is registered to sign policies</summary>
            <Field label="The first one" hint="A CA's certificate as PEM. It signs for every other one, which clients add.">
                {(ids) => <textarea {...ids} class="mono paste" rows={4} value={pem} spellcheck={false} autocomplete="off" onInput={(e) => setPem(e.currentTarget.value)} />}
            </Field>
            {register.error !== null && <Failed error={register.error} />}
            <div class="actions">
                <button type="button" class="button" disabled={register.busy || pem.trim() === ''} onClick={() => void register.run()}>
                    Register
                </button>
            </div>
        </details>
    );
}

function Changes({mode, reload}: {mode: PolicyMode; reload: () => void}): JSX.Element {
    const may = useMay('admin');
    const settings = useLoad<PolicySettings>('settings/policies');
    const [wish, setWish] = useState(mode);
    const changed = wish.approval !== mode.approval || wish.signed !== mode.signed;
    const save = useAction(async () => {
        const done = await ask<PolicySet>('settings/policies', {method: 'PUT', body: wish});
        announce(done.outcome === 'active' ? 'Saved.' : 'It waits for a second person.');
        if (done.outcome === 'waiting') {
            setWish(mode);
        }
        settings.reload();
        reload();
    });
    const box = (name: 'approval' | 'signed', title: string, note: string): JSX.Element => (
        <label class="box">
            <input type="checkbox" checked={wish[name]} disabled={!may} onChange={(e) => setWish({...wish, [name]: e.currentTarget.checked})} />
            <span>
                {title} <span class="quiet small">{note}</span>
            </span>
        </label>
    );

    return (
        <Panel title="How policies change" {...(may ? {} : {note: 'set by an admin'})}>
            {settings.data?.waiting && (
                <WaitingMode
                    of={settings.data.waiting}
                    reload={() => {
                        settings.reload();
                        reload();
                    }}
                />
            )}
            {box('approval', 'A second person approves', 'also changes of this, once it is set')}
            {box('signed', 'Only signed policies', 'by keys of registered certificates, set by clients that sign')}
            {may && settings.data?.certificates === 0 && <FirstSigner reload={settings.reload} />}
            {save.error !== null && <Failed error={save.error} />}
            {may && changed && (
                <div class="actions">
                    <button type="button" class="button primary" disabled={save.busy} onClick={() => void save.run()}>
                        Save
                    </button>
                </div>
            )}
        </Panel>
    );
}

export function PoliciesPage(): JSX.Element {
    const policies = useLoad<Page<PolicySummary> & {mode: PolicyMode}>('policies', 15000);

    return (
        <>
            <PageHead title="Policies" tab="Policies">
                Whether genuine evidence is wanted. One policy is in force for each type; without a rule that permits, the answer is no.
            </PageHead>
            <Fetched of={policies}>
                {(data) => (
                    <>
                        <div class="panel flush">
                            <Table
                                label="Policies"
                                rows={data.items}
                                id={(p) => p.type}
                                to={(p) => `/policies/${encodeURIComponent(p.type)}`}
                                columns={[
                                    {name: 'Type', kind: 'main', cell: (p) => p.type},
                                    {name: 'For', cell: (p) => (p.tees.length === 0 ? <span class="quiet">key broker resources</span> : p.tees.map(teeName).join(', '))},
                                    {
                                        name: 'In force',
                                        kind: 'tight',
                                        card: 'state',
                                        cell: (p) => (p.state === 'default' ? <State of="default">default</State> : <State of="active">{`version ${p.version}`}</State>),
                                    },
                                    {
                                        name: 'Waiting',
                                        kind: 'tight',
                                        cell: (p) =>
                                            p.waiting === null ? (
                                                <None />
                                            ) : (
                                                <Badge tone="warn" icon="wait">
                                                    version {p.waiting.version} by {p.waiting.author}
                                                </Badge>
                                            ),
                                    },
                                    {name: 'Set by', cell: (p) => p.author ?? <None />},
                                    {name: 'Since', cell: (p) => (p.time === null ? <None /> : <Time at={p.time} form="ago" />)},
                                    {name: 'Signed', kind: 'tight', cell: (p) => (p.signed ? <Badge tone="ok" icon="lock">signed</Badge> : <span class="quiet">no</span>)},
                                    {name: 'Size', kind: 'number', cell: (p) => plural(p.lines, 'line')},
                                ]}
                            />
                        </div>
                        <Changes key={`${data.mode.approval}${data.mode.signed}`} mode={data.mode} reload={policies.reload} />
                    </>
                )}
            </Fetched>
        </>
    );
}
