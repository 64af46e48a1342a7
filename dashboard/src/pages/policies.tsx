// Every type of policy and what is in force for it.
import type {JSX} from 'preact';

import type {Page, PolicyMode, PolicySummary} from '../api';
import {useLoad} from '../hooks';
import {plural, teeName} from '../lib/format';
import {Badge, Failed, Loading, Notice, State, Time} from '../ui/basics';
import {PageHead} from '../ui/page';
import {Table} from '../ui/table';

export function PoliciesPage(): JSX.Element {
    const {data, error, loading, reload} = useLoad<Page<PolicySummary> & {mode: PolicyMode}>('policies', 15000);

    return (
        <>
            <PageHead title="Policies" tab="Policies">
                Whether genuine evidence is wanted. One policy is in force for each type; without a rule that permits, the answer is no.
            </PageHead>
            {error !== null && <Failed error={error} retry={reload} />}
            {loading && <Loading rows={8} />}
            {data !== null && (
                <>
                    {data.mode.signed && <Notice tone="accent" icon="lock">Only signed policies are taken here: set them with a client that signs.</Notice>}
                    {data.mode.approval && <Notice tone="accent">A change is in force only when a second person has approved it.</Notice>}
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
                                    cell: (p) => (p.state === 'default' ? <State of="default">default</State> : <State of="active">{`version ${p.version}`}</State>),
                                },
                                {
                                    name: 'Waiting',
                                    kind: 'tight',
                                    cell: (p) =>
                                        p.waiting === null ? (
                                            <span class="quiet">–</span>
                                        ) : (
                                            <Badge tone="warn" icon="wait">
                                                version {p.waiting.version} by {p.waiting.author}
                                            </Badge>
                                        ),
                                },
                                {name: 'Set by', cell: (p) => p.author ?? <span class="quiet">–</span>},
                                {name: 'Since', cell: (p) => (p.time === null ? <span class="quiet">–</span> : <Time at={p.time} form="ago" />)},
                                {name: 'Signed', kind: 'tight', cell: (p) => (p.signed ? <Badge tone="ok" icon="lock">signed</Badge> : <span class="quiet">no</span>)},
                                {name: 'Size', kind: 'number', cell: (p) => plural(p.lines, 'line')},
                            ]}
                        />
                    </div>
                </>
            )}
        </>
    );
}
