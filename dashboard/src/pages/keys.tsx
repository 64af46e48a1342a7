// Keys, secrets and the key broker's resources: to whom they may be given, and to whom they were. Never what
// they are.
import type {ComponentChildren, JSX} from 'preact';

import {type Key, type Resource, type Secret, withQuery} from '../api';
import {type LoadedList, useList} from '../hooks';
import {bytes, count} from '../lib/format';
import {useParameter} from '../router';
import {Badge, Empty, State, Time} from '../ui/basics';
import type {IconName} from '../ui/icons';
import {Listed} from '../ui/list';
import {PageHead, Tabs} from '../ui/page';
import {PeriodFilter, usePeriod} from '../ui/period';
import {Releases} from '../ui/releases';
import {type Column, Long, None, Table} from '../ui/table';

interface Stateful {
    enabled: boolean;
    deleted_at: number | null;
    expires_at: number | null;
}

/** Whether it can be given to anybody at all. */
export function Enabled({of}: {of: Stateful}): JSX.Element {
    const expired = of.expires_at !== null && of.expires_at * 1000 < Date.now();

    return <State of={of.deleted_at !== null ? 'deleted' : expired ? 'expired' : of.enabled ? 'enabled' : 'disabled'} />;
}

export const kindOf = (k: Key): string => `${k.kty}${k.crv === null ? (k.size === null ? '' : ` ${k.size}`) : ` ${k.crv}`}`;

interface Counted {
    released: number;
    withheld: number;
    last_release: number | null;
}

/** A list of what is released; each has its own first columns. */
function Things<T extends Counted>({
    of,
    label,
    empty: [icon, title, text],
    id,
    to,
    columns,
}: {
    of: LoadedList<T, {items: T[]; next: string | null}>;
    label: string;
    empty: [IconName, string, ComponentChildren];
    id: (row: T) => string;
    to?: (row: T) => string;
    columns: Column<T>[];
}): JSX.Element {
    return (
        <Listed
            of={of}
            empty={
                <Empty icon={icon} title={title}>
                    <p>{text}</p>
                </Empty>
            }
        >
            {(rows) => (
                <Table
                    label={label}
                    rows={rows}
                    id={id}
                    {...(to === undefined ? {} : {to})}
                    columns={[
                        ...columns,
                        {name: 'Released', kind: 'number', cell: (x) => count(x.released)},
                        {name: 'Withheld', kind: 'number', cell: (x) => (x.withheld === 0 ? <span class="quiet">0</span> : count(x.withheld))},
                        {name: 'Last release', cell: (x) => <Time at={x.last_release} form="ago" />},
                    ]}
                />
            )}
        </Listed>
    );
}

function Releasable({of}: {of: Key}): JSX.Element {
    if (!of.exportable) {
        return <span class="quiet">never released</span>;
    }
    return of.immutable ? (
        <Badge tone="accent" icon="lock">
            immutable
        </Badge>
    ) : (
        <span>can be changed</span>
    );
}

function KeyList(): JSX.Element {
    return (
        <Things
            of={useList<Key>('keys', 15000)}
            label="Keys"
            empty={[
                'keys',
                'No key yet',
                'Clients of Azure Key Vault import or make keys here, with a policy that says to whom they are released. Nobody can see the key itself, here or elsewhere.',
            ]}
            id={(k) => k.name}
            to={(k) => `/keys/key/${encodeURIComponent(k.name)}`}
            columns={[
                {name: 'Name', kind: 'main', cell: (k) => <Long text={k.name} />},
                {name: 'Type', kind: 'tight', cell: kindOf},
                {name: 'State', kind: 'tight', card: 'state', cell: (k) => <Enabled of={k} />},
                {name: 'Release policy', cell: (k) => <Releasable of={k} />},
                {name: 'Versions', kind: 'number', minor: true, cell: (k) => k.versions},
            ]}
        />
    );
}

function SecretList(): JSX.Element {
    return (
        <Things
            of={useList<Secret>('secrets', 15000)}
            label="Secrets"
            empty={['lock', 'No secret yet', 'Secrets are texts that are given to attested workloads: set them with a client of Azure Key Vault.']}
            id={(s) => s.name}
            to={(s) => `/keys/secret/${encodeURIComponent(s.name)}`}
            columns={[
                {name: 'Name', kind: 'main', cell: (s) => <Long text={s.name} />},
                {name: 'Content', cell: (s) => s.content_type ?? <None />},
                {name: 'State', kind: 'tight', card: 'state', cell: (s) => <Enabled of={s} />},
                {name: 'Versions', kind: 'number', minor: true, cell: (s) => s.versions},
                {name: 'Changed', minor: true, cell: (s) => <Time at={s.updated_at} form="ago" />},
            ]}
        />
    );
}

function ResourceList(): JSX.Element {
    return (
        <Things
            of={useList<Resource>('resources', 15000)}
            label="Resources"
            empty={['inventory', 'No resource yet', 'What the key broker gives to confidential containers, by repository, type and tag.']}
            id={(r) => r.path}
            columns={[
                {name: 'Path', kind: 'main', cell: (r) => <Long text={r.path} />},
                {name: 'Size', kind: 'number', cell: (r) => bytes(r.bytes)},
                {name: 'Changed', cell: (r) => <Time at={r.updated_at} form="ago" />},
            ]}
        />
    );
}

function AllReleases(): JSX.Element {
    const [kind, setKind] = useParameter('kind');
    const [result, setResult] = useParameter('result');
    const {from, to, any} = usePeriod();

    return (
        <>
            <form class="filters" aria-label="Releases" onSubmit={(e) => e.preventDefault()}>
                <label>
                    <span class="unseen">Kind</span>
                    <select value={kind} onChange={(e) => setKind(e.currentTarget.value)}>
                        <option value="">Keys, secrets, resources</option>
                        <option value="key">Keys</option>
                        <option value="secret">Secrets</option>
                        <option value="resource">Resources</option>
                    </select>
                </label>
                <label>
                    <span class="unseen">Result</span>
                    <select value={result} onChange={(e) => setResult(e.currentTarget.value)}>
                        <option value="">Released and withheld</option>
                        <option value="released">Released</option>
                        <option value="withheld">Withheld</option>
                    </select>
                </label>
                <PeriodFilter />
            </form>
            <Releases path={withQuery('releases', {kind, result, from, to})} filtered={!any || kind !== '' || result !== ''} />
        </>
    );
}

export function KeysPage(): JSX.Element {
    const [tab] = useParameter('tab', 'keys');
    const parts: Record<string, JSX.Element> = {keys: <KeyList />, secrets: <SecretList />, resources: <ResourceList />, releases: <AllReleases />};

    return (
        <>
            <PageHead title="Keys and secrets" tab="Keys and secrets">
                To whom they may be released, and to whom they were. What they are is never shown.
            </PageHead>
            <Tabs
                label="Keys and secrets"
                current={tab in parts ? tab : 'keys'}
                tabs={[
                    ['keys', 'Keys', '/keys'],
                    ['secrets', 'Secrets', '/keys?tab=secrets'],
                    ['resources', 'Resources', '/keys?tab=resources'],
                    ['releases', 'Releases', '/keys?tab=releases'],
                ]}
            />
            {parts[tab] ?? parts['keys']}
        </>
    );
}
