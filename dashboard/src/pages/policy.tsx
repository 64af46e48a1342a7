// One type's policy: edit it, see what the draft would have decided, set it, approve it, go back.
import type {JSX} from 'preact';
import {useCallback, useEffect, useMemo, useState} from 'preact/hooks';

import {ApiError, ask, type PolicyCheck, type PolicyDetail, type PolicySet, type PolicyVersion, type WhatIf} from '../api';
import {putDraft, takeDraft} from '../draft';
import {type Action, useAction, useLoad} from '../hooks';
import {plural, shortHash, teeName} from '../lib/format';
import {A, navigate, useParameter} from '../router';
import {useMay, useSession} from '../session';
import {templatesFor} from '../templates';
import {announce} from '../ui/announce';
import {Badge, Dialog, Facts, Failed, Field, Hash, Notice, Panel, State, Time} from '../ui/basics';
import {Diff, PolicyText} from '../ui/code';
import {Editor, type EditorNote} from '../ui/editor';
import {Icon} from '../ui/icons';
import {Fetched} from '../ui/list';
import {PageHead, Tabs} from '../ui/page';
import {None, Table} from '../ui/table';
import {Reason} from './attestations';

const nameOf = (v: PolicyVersion): string => (v.version === 0 ? 'the default' : `version ${v.version}`);

/** The service's opinion of a text, asked when the typing pauses. */
function useCheck(type: string, text: string): PolicyCheck | null {
    const [answer, setAnswer] = useState<{text: string; check: PolicyCheck} | null>(null);

    useEffect(() => {
        if (text.trim() === '') {
            return undefined;
        }
        const abort = new AbortController();
        const timer = window.setTimeout(() => {
            ask<PolicyCheck>(`policies/${encodeURIComponent(type)}/check`, {method: 'POST', body: {text}, signal: abort.signal})
                .then((check) => setAnswer({text, check}))
                .catch(() => undefined); // what-if and setting say what is wrong
        }, 350);
        return (): void => {
            window.clearTimeout(timer);
            abort.abort();
        };
    }, [type, text]);
    return answer !== null && answer.text === text ? answer.check : null;
}

function notesOf(check: PolicyCheck | null, newLine: number | undefined): EditorNote[] {
    const notes: EditorNote[] = [];

    if (check?.error) {
        notes.push({...check.error, kind: 'error'});
    }
    for (const warning of check?.warnings ?? []) {
        notes.push({...warning, kind: 'warning'});
    }
    if (newLine !== undefined && notes.every((n) => n.line !== newLine)) {
        notes.push({line: newLine, column: 1, message: '', kind: 'new'});
    }
    return notes;
}

function WhatIfResult({result}: {result: WhatIf}): JSX.Element {
    return (
        <>
            <dl class="tiles small-tiles">
                <div class="tile">
                    <dt>Asked</dt>
                    <dd>
                        <b>{result.checked}</b>
                        <span class="quiet small">{result.skipped > 0 ? `${result.skipped} without claims` : 'recorded attestations'}</span>
                    </dd>
                </div>
                <div class="tile">
                    <dt>The same</dt>
                    <dd>
                        <b>{result.unchanged}</b>
                    </dd>
                </div>
                <div class={result.newly_refused > 0 ? 'tile bad' : 'tile'}>
                    <dt>Newly refused</dt>
                    <dd>
                        <b>{result.newly_refused}</b>
                    </dd>
                </div>
                <div class={result.newly_accepted > 0 ? 'tile warn' : 'tile'}>
                    <dt>Newly accepted</dt>
                    <dd>
                        <b>{result.newly_accepted}</b>
                    </dd>
                </div>
            </dl>
            {result.checked === 0 && <Notice tone="quiet">Nothing of this type has attested yet, so there is nothing to compare with.</Notice>}
            {result.items.length > 0 && (
                <Table
                    label="What would change"
                    rows={result.items}
                    id={(i) => i.id}
                    to={(i) => `/attestations/${i.id}`}
                    columns={[
                        {name: 'Time', kind: 'tight', cell: (i) => <Time at={i.time} />},
                        {
                            name: 'Before and after',
                            kind: 'tight',
                            cell: (i) => (
                                <span class="badges">
                                    <State of={i.before} />
                                    <Icon name="right" size={11} />
                                    <span class="unseen">then</span>
                                    <State of={i.after} />
                                </span>
                            ),
                        },
                        {name: 'Client', cell: (i) => i.client},
                        {name: 'Measurement', cell: (i) => (i.measurement === null ? <None /> : <code title={i.measurement}>{shortHash(i.measurement)}</code>)},
                        {name: 'Why', kind: 'wide', cell: (i) => <Reason text={i.reason} />},
                    ]}
                />
            )}
            {result.checked > 0 && result.items.length === 0 && <Notice tone="ok">Every one of them would be decided as it was.</Notice>}
        </>
    );
}

function SetDialog({
    data,
    text,
    tried,
    set,
    open,
    onClose,
}: {
    data: PolicyDetail;
    text: string;
    tried: WhatIf | null;
    set: Action<[string]>;
    open: boolean;
    onClose: () => void;
}): JSX.Element {
    const [comment, setComment] = useState('');

    return (
        <Dialog title={data.mode.approval ? 'Propose this policy' : 'Put this policy in force'} open={open} onClose={onClose}>
            <form
                onSubmit={(e) => {
                    e.preventDefault();
                    void set.run(comment);
                }}
            >
                {text.trim() === '' ? (
                    <Notice tone="warn">Empty: the type goes back to its default.</Notice>
                ) : (
                    <Diff before={data.active.text} after={text} label={`What changes against ${nameOf(data.active)}`} />
                )}
                {tried === null ? (
                    <Notice tone="warn">You have not asked what it would have decided: “What if” shows that first.</Notice>
                ) : (
                    <Notice tone={tried.newly_refused + tried.newly_accepted > 0 ? 'warn' : 'ok'}>
                        Of {plural(tried.checked, 'recorded attestation')}: {tried.newly_refused} newly refused, {tried.newly_accepted} newly accepted.
                    </Notice>
                )}
                <Field label="Comment" hint="Why, for whoever reads the history.">
                    {(ids) => <input {...ids} value={comment} maxLength={500} onInput={(e) => setComment(e.currentTarget.value)} />}
                </Field>
                {set.error !== null && <Failed error={set.error} />}
                <div class="actions end">
                    <button type="button" class="button" onClick={onClose}>
                        Not yet
                    </button>
                    <button type="submit" class="button primary" disabled={set.busy}>
                        {data.mode.approval ? 'Propose' : 'Put in force'}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}

function EditTab({data, reload}: {data: PolicyDetail; reload: () => void}): JSX.Element {
    const may = useMay('author') && !data.mode.signed;
    const kept = useMemo(() => takeDraft(data.type), [data.type]);
    const [text, setText] = useState(kept?.text ?? data.active.text);
    const [base, setBase] = useState(kept?.base ?? data.active.version);
    const [origin, setOrigin] = useState<{line?: number; note?: string}>({...(kept?.line === undefined ? {} : {line: kept.line}), ...(kept?.note === undefined ? {} : {note: kept.note})});
    const [asking, setAsking] = useState(false);
    const [go, setGo] = useState<{line: number; column: number; round: number} | null>(null);
    const [tried, setTried] = useState<{text: string; result: WhatIf} | null>(null);
    const changed = text !== data.active.text;
    const check = useCheck(data.type, text);
    const notes = notesOf(check, origin.line);
    const path = `policies/${encodeURIComponent(data.type)}`;
    const toError = (error: unknown): void => {
        if (error instanceof ApiError && error.place !== null) {
            setGo({line: error.place.line, column: error.place.column, round: Date.now()});
        }
    };
    const whatIf = useAction(async () => {
        try {
            const result = await ask<WhatIf>(`${path}/what-if`, {method: 'POST', body: {text, count: 500}});
            setTried({text, result});
            announce(`${result.newly_refused} newly refused, ${result.newly_accepted} newly accepted, of ${result.checked}.`);
        } catch (error) {
            toError(error);
            throw error;
        }
    });
    const set = useAction(async (comment: string) => {
        const done = await ask<PolicySet>(path, {method: 'PUT', body: {base, text: text.trim() === '' ? '' : text, comment}});
        putDraft(data.type, null);
        setAsking(false);
        setOrigin({});
        setBase(done.outcome === 'active' ? done.version : base);
        announce(done.outcome === 'active' ? `Version ${done.version} is in force.` : `Version ${done.version} waits for approval.`);
        if (done.outcome === 'waiting') {
            navigate(`/policies/${encodeURIComponent(data.type)}?tab=versions`, {replace: true});
        }
        reload();
    });
    const change = useCallback(
        (next: string) => {
            setText(next);
            putDraft(data.type, next === data.active.text ? null : {text: next, base, ...origin});
        },
        [data, base, origin],
    );
    const discard = (): void => {
        putDraft(data.type, null);
        setText(data.active.text);
        setBase(data.active.version);
        setOrigin({});
        setTried(null);
    };
    const empty = text.trim() === ''; // back to the default
    const ready = changed && (empty || check?.valid === true);

    return (
        <>
            {origin.note !== undefined && <Notice tone="accent">{origin.note}</Notice>}
            {base !== data.active.version && (
                <Notice tone="warn">
                    Meanwhile {nameOf(data.active)} is in force; this draft began with {base === 0 ? 'the default' : `version ${base}`}.{' '}
                    <button type="button" class="link" onClick={discard}>
                        Begin again
                    </button>{' '}
                    or{' '}
                    <button type="button" class="link" onClick={() => setBase(data.active.version)}>
                        go on with it
                    </button>
                    .
                </Notice>
            )}
            <Panel
                title={changed ? 'Draft' : `In force: ${nameOf(data.active)}`}
                note={
                    <span aria-live="polite">
                        {empty ? (
                            'empty: back to the default'
                        ) : check === null ? (
                            'checking…'
                        ) : check.valid ? (
                            <Badge tone="ok" icon="yes">
                                {`correct, ${plural(check.rules, 'rule')}, language ${check.version}`}
                            </Badge>
                        ) : (
                            <Badge tone="bad" icon="no">
                                {check.error !== null && check.error.line > 0 ? `an error in line ${check.error.line}` : 'not a policy'}
                            </Badge>
                        )}
                    </span>
                }
                actions={
                    may && (
                        <label class="inline">
                            <span class="unseen">Begin with a template</span>
                            <select
                                value=""
                                onChange={(e) => {
                                    const template = templatesFor(data.type).find((t) => t.name === e.currentTarget.value);
                                    if (template !== undefined) {
                                        change(template.text);
                                    }
                                }}
                            >
                                <option value="">Templates</option>
                                {templatesFor(data.type).map((t) => (
                                    <option key={t.name}>{t.name}</option>
                                ))}
                            </select>
                        </label>
                    )
                }
            >
                <Editor label={`Policy for ${data.type}`} value={text} onChange={change} notes={notes} readOnly={!may} go={go} />
                <div class="actions editor-actions">
                    <button type="button" class="button" disabled={whatIf.busy || (!empty && check?.valid !== true)} onClick={() => void whatIf.run()}>
                        <Icon name="play" size={13} /> {whatIf.busy ? 'Asking…' : 'What if'}
                    </button>
                    {may && (
                        <>
                            <button type="button" class="button primary" disabled={!ready} onClick={() => setAsking(true)}>
                                {data.mode.approval ? 'Propose…' : 'Put in force…'}
                            </button>
                            {changed && (
                                <button type="button" class="button" onClick={discard}>
                                    Discard the draft
                                </button>
                            )}
                        </>
                    )}
                    <span class="quiet small keys-hint">Ctrl+] and Ctrl+[ indent; Tab leaves the editor.</span>
                </div>
                {!may && <p class="quiet small">{data.mode.signed ? 'Only signed policies are taken here.' : 'An author of policies can change it.'}</p>}
                {whatIf.error !== null && <Failed error={whatIf.error} />}
            </Panel>
            {tried !== null && (
                <Panel title="What if" note={tried.text === text ? 'against recorded attestations' : 'of an earlier draft: the text has changed since'}>
                    <WhatIfResult result={tried.result} />
                </Panel>
            )}
            <SetDialog data={data} text={text} tried={tried?.text === text ? tried.result : null} set={set} open={asking} onClose={() => setAsking(false)} />
        </>
    );
}

function Waiting({data, version, reload}: {data: PolicyDetail; version: PolicyVersion; reload: () => void}): JSX.Element {
    const {me} = useSession();
    const approver = useMay('approver');
    const own = version.author === me.user?.name;
    const [tried, setTried] = useState<WhatIf | null>(null);
    const path = `policies/${encodeURIComponent(data.type)}`;
    const whatIf = useAction(async () => {
        setTried(await ask<WhatIf>(`${path}/what-if`, {method: 'POST', body: {text: version.text, count: 500}}));
    });
    const decide = useAction(async (how: 'approve' | 'reject') => {
        const done = await ask<{state: string}>(`${path}/versions/${version.version}/${how}`, {method: 'POST', body: {}});
        announce(`Version ${version.version}: ${done.state}.`);
        reload();
    });

    return (
        <Panel
            title={`Version ${version.version} waits for approval`}
            note={
                <>
                    by {version.author}, <Time at={version.time} form="ago" />
                </>
            }
        >
            {version.comment !== '' && <p class="comment">{version.comment}</p>}
            <Diff before={data.active.text} after={version.text} label={`What changes against ${nameOf(data.active)}`} />
            <div class="actions editor-actions">
                <button type="button" class="button" disabled={whatIf.busy} onClick={() => void whatIf.run()}>
                    <Icon name="play" size={13} /> What if
                </button>
                <button type="button" class="button primary" disabled={!approver || own || decide.busy} onClick={() => void decide.run('approve')}>
                    <Icon name="yes" size={13} /> Approve
                </button>
                <button type="button" class="button" disabled={!approver || own || decide.busy} onClick={() => void decide.run('reject')}>
                    <Icon name="no" size={13} /> Reject
                </button>
                {own && <span class="quiet small">Another person than its author decides.</span>}
                {!own && !approver && <span class="quiet small">An approver decides.</span>}
            </div>
            {decide.error !== null && <Failed error={decide.error} />}
            {whatIf.error !== null && <Failed error={whatIf.error} />}
            {tried !== null && <WhatIfResult result={tried} />}
        </Panel>
    );
}

function Compare({data}: {data: PolicyDetail}): JSX.Element {
    const [from, setFrom] = useParameter('from');
    const [to, setTo] = useParameter('to');
    const all = data.versions;
    const right = all.find((v) => String(v.version) === to) ?? all[0] ?? data.active;
    const left = all.find((v) => String(v.version) === from) ?? all.find((v) => v.version < right.version) ?? data.active;
    const options = all.map((v) => (
        <option key={v.version} value={String(v.version)}>
            {v.version} ({v.state})
        </option>
    ));

    return (
        <Panel title="Compare">
            <div class="inline-form">
                <Field label="From">
                    {(ids) => (
                        <select {...ids} value={String(left.version)} onChange={(e) => setFrom(e.currentTarget.value)}>
                            {options}
                        </select>
                    )}
                </Field>
                <Field label="To">
                    {(ids) => (
                        <select {...ids} value={String(right.version)} onChange={(e) => setTo(e.currentTarget.value)}>
                            {options}
                        </select>
                    )}
                </Field>
            </div>
            <Diff before={left.text} after={right.text} label={`From version ${left.version} to version ${right.version}`} />
        </Panel>
    );
}

function VersionsTab({data, reload}: {data: PolicyDetail; reload: () => void}): JSX.Element {
    const may = useMay('author') && !data.mode.signed;
    const [shown, setShown] = useState<PolicyVersion | null>(null);
    const restore = useAction(async (version: number) => {
        const done = await ask<PolicySet>(`policies/${encodeURIComponent(data.type)}/versions/${version}/restore`, {
            method: 'POST',
            body: {base: data.active.version},
        });
        setShown(null);
        announce(done.outcome === 'active' ? `Version ${done.version} is in force.` : `Version ${done.version} waits for approval.`);
        reload();
    });

    return (
        <>
            {data.versions
                .filter((v) => v.state === 'waiting')
                .map((v) => (
                    <Waiting key={v.version} data={data} version={v} reload={reload} />
                ))}
            <Panel title="Versions" flush={data.versions.length > 0}>
                {data.versions.length === 0 ? (
                    <p class="quiet">Nobody has set this policy yet: its default is in force.</p>
                ) : (
                    <Table
                        label="Versions"
                        rows={data.versions}
                        id={(v) => String(v.version)}
                        columns={[
                            {name: 'Version', kind: 'number', cell: (v) => v.version},
                            {name: 'State', kind: 'tight', card: 'state', cell: (v) => <State of={v.state} />},
                            {name: 'Author', cell: (v) => v.author},
                            {name: 'When', cell: (v) => <Time at={v.time} />},
                            {name: 'Decided by', minor: true, cell: (v) => v.approver ?? <None />},
                            {name: 'Comment', kind: 'wide', cell: (v) => (v.comment === '' ? <None /> : v.comment)},
                            {name: 'Hash', cell: (v) => <Hash value={v.hash} label={`the hash of version ${v.version}`} />},
                            {
                                name: 'Text',
                                hideName: true,
                                kind: 'tight',
                                cell: (v) => (
                                    <button type="button" class="link" onClick={() => setShown(v)}>
                                        Show<span class="unseen"> version {v.version}</span>
                                    </button>
                                ),
                            },
                        ]}
                    />
                )}
            </Panel>
            {data.versions.length > 1 && <Compare data={data} />}
            <Dialog title={shown === null ? '' : `Version ${shown.version}`} open={shown !== null} onClose={() => setShown(null)}>
                {shown !== null && (
                    <>
                        <PolicyText text={shown.text} label={`Text of version ${shown.version}`} />
                        {restore.error !== null && <Failed error={restore.error} />}
                        {may && shown.version !== data.active.version && shown.state !== 'waiting' && (
                            <div class="actions end">
                                <button type="button" class="button primary" disabled={restore.busy} onClick={() => void restore.run(shown.version)}>
                                    {data.mode.approval ? 'Propose this text again' : 'Put this text in force again'}
                                </button>
                            </div>
                        )}
                    </>
                )}
            </Dialog>
        </>
    );
}

export function PolicyPage({type}: {type: string}): JSX.Element {
    const [tab] = useParameter('tab', 'edit');
    const policy = useLoad<PolicyDetail>(`policies/${encodeURIComponent(type)}`);
    const summary = policy.data;
    const at = `/policies/${encodeURIComponent(type)}`;
    const waiting = summary?.versions.filter((v) => v.state === 'waiting').length ?? 0;

    return (
        <>
            <PageHead back={['/policies', 'Policies']} title={type} tab={`Policy ${type}`}>
                {summary === null ? '' : summary.tees.length === 0 ? 'Who gets the key broker’s resources.' : `Asked about genuine evidence of ${summary.tees.map(teeName).join(', ')}.`}
            </PageHead>
            <Fetched of={policy} rows={10}>
                {(data) => (
                    <>
                        {waiting > 0 && tab !== 'versions' && (
                            <Notice tone="warn" icon="wait">
                                {plural(waiting, 'version')} waiting for approval. <A to={`${at}?tab=versions`}>Look at it</A>
                            </Notice>
                        )}
                        <Tabs
                            label="Policy"
                            current={tab}
                            tabs={[
                                ['edit', 'Text', at],
                                ['versions', 'Versions', `${at}?tab=versions`, data.versions.length],
                            ]}
                        />
                        {tab === 'versions' ? <VersionsTab data={data} reload={policy.reload} /> : <EditTab key={data.active.version} data={data} reload={policy.reload} />}
                        {tab !== 'versions' && (
                            <Panel title="In force">
                                <Facts
                                    wide
                                    items={[
                                        ['Version', data.active.version === 0 ? 'the default of this type' : String(data.active.version)],
                                        ['Set by', data.active.author ?? 'nobody'],
                                        ['When', data.active.time === null ? '–' : <Time key="t" at={data.active.time} form="both" />],
                                        ['Approved by', data.active.approver ?? '–'],
                                        ['Signed', data.active.signed ? 'yes' : 'no'],
                                        ['Hash', <Hash key="h" value={data.active.hash} label="the hash" />],
                                    ]}
                                />
                            </Panel>
                        )}
                    </>
                )}
            </Fetched>
        </>
    );
}
