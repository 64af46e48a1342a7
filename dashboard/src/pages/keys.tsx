// Keys, secrets and the key broker's resources: to whom they may be given, and to whom they were. Never what
// they are.
import type {ComponentChildren, JSX} from 'preact';
import {useState} from 'preact/hooks';

import {type Key, type KeyDetail, type KeyVersion, type Release, type ReleasePolicy, type Resource, type Secret, type SecretDetail, ask, withQuery} from '../api';
import {useAction, useList, useLoad} from '../hooks';
import {bytes, count, plural} from '../lib/format';
import {releaseWords} from '../lib/release';
import {useParameter} from '../router';
import {useMay} from '../session';
import {announce} from '../ui/announce';
import {Badge, Dialog, Empty, Facts, Failed, Hash, Loading, Notice, Panel, Time} from '../ui/basics';
import {Json} from '../ui/code';
import {Icon} from '../ui/icons';
import {PageHead, Tabs} from '../ui/page';
import {type Column, More, Table} from '../ui/table';
import {ReleaseTable} from './overview';

interface Stateful {
    enabled: boolean;
    deleted_at: number | null;
    expires_at: number | null;
}

function Enabled({of}: {of: Stateful}): JSX.Element {
    if (of.deleted_at !== null) {
        return (
            <Badge tone="bad" icon="no">
                deleted
            </Badge>
        );
    }
    if (of.expires_at !== null && of.expires_at * 1000 < Date.now()) {
        return (
            <Badge tone="bad" icon="warning">
                expired
            </Badge>
        );
    }
    return of.enabled ? (
        <Badge tone="ok" icon="yes">
            enabled
        </Badge>
    ) : (
        <Badge tone="warn" icon="pause">
            disabled
        </Badge>
    );
}

const kindOf = (k: Key): string => `${k.kty}${k.crv === null ? (k.size === null ? '' : ` ${k.size}`) : ` ${k.crv}`}`;

function released<T extends {released: number; withheld: number; last_release: number | null}>(): Column<T>[] {
    return [
        {name: 'Released', kind: 'number', cell: (x) => count(x.released)},
        {name: 'Withheld', kind: 'number', cell: (x) => (x.withheld === 0 ? <span class="quiet">0</span> : count(x.withheld))},
        {name: 'Last release', cell: (x) => <Time at={x.last_release} form="ago" />},
    ];
}

function KeyList(): JSX.Element {
    const {items, data, error, loading, reload, more} = useList<Key>('keys', 15000);

    return (
        <>
            {error !== null && <Failed error={error} retry={reload} />}
            {loading && <Loading rows={6} />}
            {data !== null && items.length === 0 && (
                <Empty icon="keys" title="No key yet">
                    <p>
                        Clients of Azure Key Vault import or make keys here, with a policy that says to whom they are released. Nobody can see the key
                        itself, here or elsewhere.
                    </p>
                </Empty>
            )}
            {items.length > 0 && (
                <div class="panel flush">
                    <Table
                        label="Keys"
                        rows={items}
                        id={(k) => k.name}
                        to={(k) => `/keys/key/${encodeURIComponent(k.name)}`}
                        columns={[
                            {name: 'Name', kind: 'main', cell: (k) => k.name},
                            {name: 'Type', cell: kindOf},
                            {name: 'State', kind: 'tight', cell: (k) => <Enabled of={k} />},
                            {
                                name: 'Release policy',
                                cell: (k) =>
                                    k.exportable ? (
                                        k.immutable ? (
                                            <Badge tone="accent" icon="lock">
                                                immutable
                                            </Badge>
                                        ) : (
                                            'can be changed'
                                        )
                                    ) : (
                                        <span class="quiet">never released</span>
                                    ),
                            },
                            {name: 'Versions', kind: 'number', cell: (k) => k.versions},
                            ...released<Key>(),
                        ]}
                    />
                    <More more={more} shown={items.length} />
                </div>
            )}
        </>
    );
}

function SecretList(): JSX.Element {
    const {items, data, error, loading, reload, more} = useList<Secret>('secrets', 15000);

    return (
        <>
            {error !== null && <Failed error={error} retry={reload} />}
            {loading && <Loading rows={6} />}
            {data !== null && items.length === 0 && (
                <Empty icon="lock" title="No secret yet">
                    <p>Secrets are texts that are given to attested workloads: set them with a client of Azure Key Vault.</p>
                </Empty>
            )}
            {items.length > 0 && (
                <div class="panel flush">
                    <Table
                        label="Secrets"
                        rows={items}
                        id={(s) => s.name}
                        to={(s) => `/keys/secret/${encodeURIComponent(s.name)}`}
                        columns={[
                            {name: 'Name', kind: 'main', cell: (s) => s.name},
                            {name: 'Content', cell: (s) => s.content_type ?? <span class="quiet">–</span>},
                            {name: 'State', kind: 'tight', cell: (s) => <Enabled of={s} />},
                            {name: 'Versions', kind: 'number', cell: (s) => s.versions},
                            {name: 'Changed', cell: (s) => <Time at={s.updated_at} form="ago" />},
                            ...released<Secret>(),
                        ]}
                    />
                    <More more={more} shown={items.length} />
                </div>
            )}
        </>
    );
}

function ResourceList(): JSX.Element {
    const {items, data, error, loading, reload, more} = useList<Resource>('resources', 15000);

    return (
        <>
            {error !== null && <Failed error={error} retry={reload} />}
            {loading && <Loading rows={6} />}
            {data !== null && items.length === 0 && (
                <Empty icon="inventory" title="No resource yet">
                    <p>What the key broker gives to confidential containers, by repository, type and tag.</p>
                </Empty>
            )}
            {items.length > 0 && (
                <div class="panel flush">
                    <Table
                        label="Resources"
                        rows={items}
                        id={(r) => r.path}
                        columns={[
                            {name: 'Path', kind: 'main', cell: (r) => <code>{r.path}</code>},
                            {name: 'Size', kind: 'number', cell: (r) => bytes(r.bytes)},
                            {name: 'Changed', cell: (r) => <Time at={r.updated_at} form="ago" />},
                            ...released<Resource>(),
                        ]}
                    />
                    <More more={more} shown={items.length} />
                </div>
            )}
        </>
    );
}

function Releases({path, of = false}: {path: string; of?: boolean}): JSX.Element {
    const {items, data, error, loading, reload, more} = useList<Release>(path, 10000);

    return (
        <>
            {error !== null && <Failed error={error} retry={reload} />}
            {loading && <Loading rows={6} />}
            {data !== null && items.length === 0 && (
                <Empty icon="keys" title="Nothing was asked for yet">
                    <p>Each release stands here, and each that was withheld with the reason.</p>
                </Empty>
            )}
            {items.length > 0 && (
                <>
                    <ReleaseTable items={items} label="Releases" of={of} reasons />
                    <More more={more} shown={items.length} />
                </>
            )}
        </>
    );
}

function AllReleases(): JSX.Element {
    const [kind, setKind] = useParameter('kind');
    const [result, setResult] = useParameter('result');

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
            </form>
            <div class="panel flush">
                <Releases path={withQuery('releases', {kind, result})} />
            </div>
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

function PolicyInWords({policy, immutable}: {policy: ReleasePolicy | null; immutable: boolean}): JSX.Element {
    const [json, setJson] = useState(false);

    if (policy === null) {
        return <Notice tone="quiet">Without a release policy it is never released.</Notice>;
    }
    return (
        <>
            {immutable && (
                <p class="small words-note">
                    <Badge tone="accent" icon="lock">
                        immutable
                    </Badge>{' '}
                    Nobody can change it; a new version of the key may have another.
                </p>
            )}
            <div class="words">
                {releaseWords(policy).map((s, i) => (
                    <p key={i} class={`depth${Math.min(s.depth, 4)}`}>
                        {s.text}
                    </p>
                ))}
            </div>
            <button type="button" class="link small" aria-expanded={json} onClick={() => setJson(!json)}>
                {json ? 'Hide the JSON' : 'As JSON'}
            </button>
            {json && <Json value={policy} label="Release policy" />}
        </>
    );
}

function History({rows}: {rows: KeyVersion[]}): JSX.Element {
    return (
        <Table
            label="Versions"
            rows={rows}
            id={(v) => v.version}
            columns={[
                {name: 'Version', kind: 'main', cell: (v) => <Hash value={v.version} label="the version" />},
                {name: 'Made', cell: (v) => <Time at={v.created_at} />},
                {name: 'State', kind: 'tight', cell: (v) => <Enabled of={{enabled: v.enabled, deleted_at: null, expires_at: null}} />},
                {name: 'Policy', cell: (v) => (v.release_policy === null ? <span class="quiet">never released</span> : v.immutable ? 'immutable' : 'can be changed')},
                {name: 'Released', kind: 'number', cell: (v) => count(v.released)},
            ]}
        />
    );
}

function KeyActions({data, reload}: {data: KeyDetail; reload: () => void}): JSX.Element | null {
    const may = useMay('author');
    const [asked, setAsked] = useState<'rotate' | 'enable' | 'disable' | null>(null);
    const act = useAction(async (what: string) => {
        await ask<KeyDetail>(`keys/${encodeURIComponent(data.name)}/${what}`, {method: 'POST', body: {}});
        setAsked(null);
        announce(`${data.name}: done.`);
        reload();
    });
    const texts = {
        rotate: 'A new version is made with the same type, operations and release policy. Older versions stay, for what they were used for.',
        disable: 'The current version is not released any more until it is enabled again. Who has it already, keeps it.',
        enable: 'The current version can be released again, to those who satisfy its policy.',
    };

    if (!may || data.deleted_at !== null) {
        return null;
    }
    return (
        <>
            <button type="button" class="button" onClick={() => setAsked('rotate')}>
                <Icon name="refresh" size={13} /> Rotate…
            </button>
            <button type="button" class="button" onClick={() => setAsked(data.enabled ? 'disable' : 'enable')}>
                <Icon name={data.enabled ? 'pause' : 'play'} size={13} /> {data.enabled ? 'Disable…' : 'Enable…'}
            </button>
            <Dialog title={asked === null ? '' : `${asked[0]?.toUpperCase()}${asked.slice(1)} ${data.name}`} open={asked !== null} onClose={() => setAsked(null)}>
                {asked !== null && (
                    <>
                        <p>{texts[asked]}</p>
                        {act.error !== null && <Failed error={act.error} />}
                        <div class="actions end">
                            <button type="button" class="button" onClick={() => setAsked(null)}>
                                Not now
                            </button>
                            <button type="button" class="button primary" disabled={act.busy} onClick={() => void act.run(asked)}>
                                {asked[0]?.toUpperCase()}
                                {asked.slice(1)}
                            </button>
                        </div>
                    </>
                )}
            </Dialog>
        </>
    );
}

function Detail({
    title,
    kind,
    facts,
    data,
    actions,
}: {
    title: string;
    kind: 'key' | 'secret';
    facts: [string, ComponentChildren][];
    data: KeyDetail | SecretDetail;
    actions?: ComponentChildren;
}): JSX.Element {
    return (
        <>
            <PageHead back={[kind === 'key' ? '/keys' : '/keys?tab=secrets', kind === 'key' ? 'Keys' : 'Secrets']} title={title} tab={`${kind === 'key' ? 'Key' : 'Secret'} ${title}`} actions={actions} />
            <div class="grid two">
                <Panel title={kind === 'key' ? 'Key' : 'Secret'}>
                    <Facts items={facts} />
                    <p class="quiet small never">
                        <Icon name="lock" size={12} /> {kind === 'key' ? 'The key itself' : 'The value'} is never shown. It leaves this service only wrapped for
                        an attested workload.
                    </p>
                </Panel>
                <Panel title="To whom it is released">
                    <PolicyInWords policy={data.release_policy} immutable={data.history[0]?.immutable ?? false} />
                </Panel>
            </div>
            <Panel title="Releases" flush>
                <Releases path={withQuery('releases', {kind, name: data.name, limit: 10})} of />
            </Panel>
            <Panel title="Versions" note={plural(data.versions, 'version')} flush>
                <History rows={data.history} />
            </Panel>
        </>
    );
}

export function KeyPage({name}: {name: string}): JSX.Element {
    const {data, error, loading, reload} = useLoad<KeyDetail>(`keys/${encodeURIComponent(name)}`);

    if (data === null) {
        return (
            <>
                <PageHead back={['/keys', 'Keys']} title={name} tab={`Key ${name}`} />
                {error !== null && <Failed error={error} retry={reload} />}
                {loading && <Loading rows={8} />}
            </>
        );
    }
    return (
        <Detail
            title={name}
            kind="key"
            data={data}
            actions={<KeyActions data={data} reload={reload} />}
            facts={[
                ['Type', kindOf(data)],
                ['State', <Enabled key="s" of={data} />],
                ['Operations', data.ops.length === 0 ? 'none' : data.ops.join(', ')],
                ['Current version', <Hash key="v" value={data.current} label="the version" />],
                ['Made', <Time key="m" at={data.created_at} form="both" />],
                ['Changed', <Time key="c" at={data.updated_at} form="both" />],
                ['Valid from', data.not_before === null ? 'the beginning' : <Time key="n" at={data.not_before} form="both" />],
                ['Expires', data.expires_at === null ? 'never' : <Time key="x" at={data.expires_at} form="both" />],
                ['Released', `${count(data.released)} times, withheld ${count(data.withheld)} times`],
            ]}
        />
    );
}

export function SecretPage({name}: {name: string}): JSX.Element {
    const {data, error, loading, reload} = useLoad<SecretDetail>(`secrets/${encodeURIComponent(name)}`);

    if (data === null) {
        return (
            <>
                <PageHead back={['/keys?tab=secrets', 'Secrets']} title={name} tab={`Secret ${name}`} />
                {error !== null && <Failed error={error} retry={reload} />}
                {loading && <Loading rows={8} />}
            </>
        );
    }
    return (
        <Detail
            title={name}
            kind="secret"
            data={data}
            facts={[
                ['Content', data.content_type ?? '–'],
                ['State', <Enabled key="s" of={data} />],
                ['Current version', <Hash key="v" value={data.current} label="the version" />],
                ['Made', <Time key="m" at={data.created_at} form="both" />],
                ['Changed', <Time key="c" at={data.updated_at} form="both" />],
                ['Expires', data.expires_at === null ? 'never' : <Time key="x" at={data.expires_at} form="both" />],
                ['Released', `${count(data.released)} times, withheld ${count(data.withheld)} times`],
            ]}
        />
    );
}
