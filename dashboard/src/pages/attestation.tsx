// One attestation, explained; and what another policy would have said.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';

import {type AttestationDetail, ask, type PolicyDetail, type PolicySummary, type Replay} from '../api';
import {useAction, useLoad} from '../hooks';
import {bytes, duration, localTime, plural, shortHash, teeName} from '../lib/format';
import {Badge, Copy, Facts, Failed, Field, Hash, Notice, Panel, Time} from '../ui/basics';
import {Json} from '../ui/code';
import {Explanation, Issued, PolicyTrace, Verdict} from '../ui/explain';
import {Fetched} from '../ui/list';
import {PageHead} from '../ui/page';

interface Choice {
    version: number;
    state: string;
    text: string | null; // of a default that is not in force it is not known
}

// The one in force, the others, and the default, which can always be asked.
function versionsOf(policy: PolicyDetail | null): Choice[] {
    if (policy === null) {
        return [];
    }
    const others = policy.versions.filter((v) => v.version !== policy.active.version);
    const fallback = policy.active.version === 0 ? [] : [{version: 0, state: 'default', text: null}];

    return [policy.active, ...others, ...fallback];
}

function ReplayPanel({data}: {data: AttestationDetail}): JSX.Element {
    const [type, setType] = useState(data.policy_type ?? '');
    const [version, setVersion] = useState('');
    const types = useLoad<{items: PolicySummary[]}>('policies');
    const policy = useLoad<PolicyDetail>(type === '' ? null : `policies/${encodeURIComponent(type)}`);
    const [answer, setAnswer] = useState<{replay: Replay; version: number; text: string | null} | null>(null);
    const versions = versionsOf(policy.data);
    const replay = useAction(async () => {
        const chosen = versions.find((v) => String(v.version) === version) ?? versions[0];
        if (chosen !== undefined) {
            const result = await ask<Replay>(`attestations/${data.id}/replay`, {method: 'POST', body: {type, version: chosen.version}});
            setAnswer({replay: result, version: chosen.version, text: chosen.text});
        }
    });

    return (
        <Panel title="Ask another policy" note="nothing is recorded or changed">
            {!data.replayable ? (
                <Notice tone="quiet">The claims of this attestation were not kept, so no other policy can be asked about it.</Notice>
            ) : (
                <>
                    <form
                        class="inline-form"
                        onSubmit={(e) => {
                            e.preventDefault();
                            void replay.run();
                        }}
                    >
                        <Field label="Policy">
                            {(ids) => (
                                <select
                                    {...ids}
                                    value={type}
                                    onChange={(e) => {
                                        setType(e.currentTarget.value);
                                        setVersion('');
                                        setAnswer(null);
                                    }}
                                >
                                    {type === '' && <option value="">Choose one</option>}
                                    {(types.data?.items ?? []).map((p) => (
                                        <option key={p.type}>{p.type}</option>
                                    ))}
                                </select>
                            )}
                        </Field>
                        <Field label="Version">
                            {(ids) => (
                                <select {...ids} value={version === '' ? String(versions[0]?.version ?? '') : version} onChange={(e) => setVersion(e.currentTarget.value)}>
                                    {versions.map((v) => (
                                        <option key={v.version} value={String(v.version)}>
                                            {v.version === 0 ? 'the default' : `${v.version} (${v.state})`}
                                        </option>
                                    ))}
                                </select>
                            )}
                        </Field>
                        <button type="submit" class="button" disabled={replay.busy || versions.length === 0}>
                            Ask it
                        </button>
                    </form>
                    {replay.error !== null && <Failed error={replay.error} />}
                    <div aria-live="polite">
                        {answer !== null && (
                            <>
                                <Verdict accepted={answer.replay.result === 'accepted'} stage="policy" reason={answer.replay.reason}>
                                    <p class="small">
                                        {answer.replay.changed ? (
                                            <Badge tone="warn" icon="warning">
                                                differs from what was decided
                                            </Badge>
                                        ) : (
                                            <span class="quiet">The same as was decided.</span>
                                        )}
                                    </p>
                                </Verdict>
                                {answer.text !== null && <PolicyTrace policy={{type, version: answer.version, hash: '', text: answer.text}} outcome={answer.replay.outcome} />}
                            </>
                        )}
                    </div>
                </>
            )}
        </Panel>
    );
}

function TokenClaims({data}: {data: AttestationDetail}): JSX.Element {
    if (data.claims !== null) {
        return <Json value={data.claims} label="The token’s claims" />;
    }
    if (data.result === 'refused') {
        return <Notice tone="quiet">No token was issued: at {localTime(data.time)} the answer was a refusal.</Notice>;
    }
    return (
        <>
            <p class="quiet small">A token was issued. It was not kept; the policy put this into it:</p>
            <Issued claims={data.outcome?.issued ?? []} label="Claims that the policy issued" />
        </>
    );
}

export function AttestationPage({id}: {id: string}): JSX.Element {
    const attestation = useLoad<AttestationDetail>(`attestations/${encodeURIComponent(id)}`);

    return (
        <>
            <PageHead
                back={['/attestations', 'Attestations']}
                tab={`Attestation ${shortHash(id)}`}
                title={
                    <>
                        Attestation <code>{id.slice(0, 12)}</code>
                    </>
                }
                actions={<Copy text={window.location.href} what="the address of this page" wide />}
            />
            <Fetched of={attestation} rows={10}>
                {(data) => (
                    <>
                        <Verdict accepted={data.result === 'accepted'} stage={data.stage} reason={data.reason}>
                            {data.emulated && (
                                <p class="small">
                                    <Badge tone="warn" icon="warning">
                                        emulated evidence
                                    </Badge>
                                </p>
                            )}
                        </Verdict>
                        <Panel title="What was asked">
                            <Facts
                                wide
                                items={[
                                    ['When', <Time key="t" at={data.time} form="both" />],
                                    ['Client', data.client],
                                    ['API', data.api],
                                    ['TEE', teeName(data.tee)],
                                    [
                                        data.measurement_label ?? 'Measurement',
                                        data.measurement === null ? <span class="quiet">none</span> : <Hash key="m" value={data.measurement} label="the measurement" />,
                                    ],
                                    ['Evidence', `${data.format}, ${bytes(data.evidence_size)}${data.materials.length === 0 ? '' : `, with ${data.materials.map((m) => `${m.kind} (${bytes(m.size)})`).join(', ')}`}`],
                                    ['Decided in', duration(data.took_ms)],
                                    ['Id', <Hash key="i" value={data.id} label="the id" />],
                                ]}
                            />
                        </Panel>
                        <Explanation of={data} extra={<ReplayPanel data={data} />} />
                        <Panel title="Token" note={data.claims === null ? undefined : plural(Object.keys(data.claims).length, 'claim')}>
                            <TokenClaims data={data} />
                        </Panel>
                    </>
                )}
            </Fetched>
        </>
    );
}

