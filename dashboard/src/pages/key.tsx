// One key or secret: to whom it is released, in words, and to whom it was.
import type {ComponentChildren, JSX} from 'preact';
import {useState} from 'preact/hooks';

import {ask, type KeyDetail, type KeyVersion, type ReleasePolicy, type SecretDetail, withQuery} from '../api';
import {type Loaded, useAction, useLoad} from '../hooks';
import {count, plural} from '../lib/format';
import {releaseWords} from '../lib/release';
import {useMay} from '../session';
import {announce} from '../ui/announce';
import {Badge, Dialog, Facts, Failed, Hash, Notice, Panel, Time} from '../ui/basics';
import {Json} from '../ui/code';
import {Icon} from '../ui/icons';
import {Fetched} from '../ui/list';
import {PageHead} from '../ui/page';
import {Releases} from '../ui/releases';
import {Table} from '../ui/table';
import {Enabled, kindOf} from './keys';

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

type Fact = [string, ComponentChildren];

interface DetailProperties<T> {
    name: string;
    kind: 'key' | 'secret';
    of: Loaded<T>;
    facts: (data: T) => Fact[];
    actions?: (data: T) => ComponentChildren;
}

function Detail<T extends KeyDetail | SecretDetail>({name, kind, of, facts, actions}: DetailProperties<T>): JSX.Element {
    const words = kind === 'key' ? {one: 'Key', all: 'Keys', list: '/keys', itself: 'The key itself'} : {one: 'Secret', all: 'Secrets', list: '/keys?tab=secrets', itself: 'The value'};

    return (
        <>
            <PageHead back={[words.list, words.all]} title={name} tab={`${words.one} ${name}`} actions={of.data === null ? undefined : actions?.(of.data)} />
            <Fetched of={of}>
                {(data) => (
                    <>
                        <div class="grid two">
                            <Panel title={words.one}>
                                <Facts items={facts(data)} />
                                <p class="quiet small never">
                                    <Icon name="lock" size={12} /> {words.itself} is never shown. It leaves this service only wrapped for an attested workload.
                                </p>
                            </Panel>
                            <Panel title="To whom it is released">
                                <PolicyInWords policy={data.release_policy} immutable={data.history[0]?.immutable ?? false} />
                            </Panel>
                        </div>
                        <Panel title="Releases" flush>
                            <Releases path={withQuery('releases', {kind, name: data.name, limit: 10})} of bare />
                        </Panel>
                        <Panel title="Versions" note={plural(data.versions, 'version')} flush>
                            <History rows={data.history} />
                        </Panel>
                    </>
                )}
            </Fetched>
        </>
    );
}

/** What is known of both. */
function commonFacts(data: KeyDetail | SecretDetail): Fact[] {
    return [
        ['State', <Enabled key="s" of={data} />],
        ['Current version', <Hash key="v" value={data.current} label="the version" />],
        ['Made', <Time key="m" at={data.created_at} form="both" />],
        ['Changed', <Time key="c" at={data.updated_at} form="both" />],
        ['Expires', data.expires_at === null ? 'never' : <Time key="x" at={data.expires_at} form="both" />],
        ['Released', `${plural(data.released, 'time')}, withheld ${plural(data.withheld, 'time')}`],
    ];
}

export function KeyPage({name}: {name: string}): JSX.Element {
    const key = useLoad<KeyDetail>(`keys/${encodeURIComponent(name)}`, 15000);

    return (
        <Detail
            name={name}
            kind="key"
            of={key}
            actions={(data) => <KeyActions data={data} reload={key.reload} />}
            facts={(data) => [
                ['Type', kindOf(data)],
                ['Operations', data.ops.length === 0 ? 'none' : data.ops.join(', ')],
                ['Valid from', data.not_before === null ? 'the beginning' : <Time key="n" at={data.not_before} form="both" />],
                ...commonFacts(data),
            ]}
        />
    );
}

export function SecretPage({name}: {name: string}): JSX.Element {
    const secret = useLoad<SecretDetail>(`secrets/${encodeURIComponent(name)}`, 15000);

    return <Detail name={name} kind="secret" of={secret} facts={(data) => [['Content', data.content_type ?? <span class="quiet">not said</span>], ...commonFacts(data)]} />;
}
