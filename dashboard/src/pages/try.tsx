// Try it: paste evidence or a token and see what is in it and what is decided; lines to copy for clients.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';

import {ask, type PolicySummary, type TriedEvidence, type TriedToken} from '../api';
import {useAction, useLoad} from '../hooks';
import {fileBase64, pastedBytes} from '../lib/base64';
import {bytes, teeName} from '../lib/format';
import {A, useParameter} from '../router';
import {useSession} from '../session';
import {snippets} from '../snippets';
import {announce} from '../ui/announce';
import {Badge, Copy, Facts, Failed, Field, Notice, Panel, State} from '../ui/basics';
import {Json} from '../ui/code';
import {Explanation, Verdict} from '../ui/explain';
import {PageHead, Tabs} from '../ui/page';

const hexOnly = (text: string): string => text.replace(/\s+/g, '').toLowerCase();

function Evidence(): JSX.Element {
    const [text, setText] = useState('');
    const [nonce, setNonce] = useState('');
    const [type, setType] = useState('');
    const [log, setLog] = useState<{name: string; content: string} | null>(null);
    const types = useLoad<{items: PolicySummary[]}>('policies');
    const [answer, setAnswer] = useState<TriedEvidence | null>(null);
    const pasted = pastedBytes(text);
    const attempt = useAction(async () => {
        setAnswer(null);
        const result = await ask<TriedEvidence>('try/evidence', {
            method: 'POST',
            body: {
                evidence: pasted?.base64 ?? '',
                report_data: nonce === '' ? null : hexOnly(nonce),
                materials: log === null ? [] : [{kind: 'event-log', content: log.content}],
                policy: type === '' ? null : {type},
            },
        });
        setAnswer(result);
        announce(`${result.result}: ${result.reason}`);
    });
    const load = async (file: File | undefined): Promise<void> => {
        if (file !== undefined) {
            setText(await fileBase64(file));
        }
    };

    return (
        <>
            <Panel title="Evidence">
                <form
                    onSubmit={(e) => {
                        e.preventDefault();
                        void attempt.run();
                    }}
                >
                    <Field
                        label="Quote, report or attestation document"
                        hint={
                            text === '' ? (
                                'As base64 or hexadecimal digits: SGX and TDX quotes, SEV-SNP reports, Nitro documents, TPM quotes, Arm CCA and PSA tokens, and more.'
                            ) : pasted === null ? (
                                'This is neither base64 nor hexadecimal.'
                            ) : (
                                <>
                                    {bytes(pasted.bytes)} as {pasted.form}
                                </>
                            )
                        }
                    >
                        {(ids) => <textarea {...ids} class="mono paste" rows={6} value={text} spellcheck={false} autocomplete="off" onInput={(e) => setText(e.currentTarget.value)} />}
                    </Field>
                    <div class="inline-form">
                        <Field label="Or a file">{(ids) => <input {...ids} type="file" onChange={(e) => void load(e.currentTarget.files?.[0])} />}</Field>
                        <Field label="Expected report data" hint="Optional, hexadecimal: what the attester was challenged with.">
                            {(ids) => <input {...ids} class="mono" value={nonce} pattern="\s*([0-9a-fA-F]{2}\s*)*" onInput={(e) => setNonce(e.currentTarget.value)} />}
                        </Field>
                        <Field label="Event log" hint="Optional, of a TPM or a TDX guest.">
                            {(ids) => (
                                <input
                                    {...ids}
                                    type="file"
                                    onChange={(e) => {
                                        const file = e.currentTarget.files?.[0];
                                        if (file === undefined) {
                                            setLog(null);
                                        } else {
                                            void fileBase64(file).then((content) => setLog({name: file.name, content}));
                                        }
                                    }}
                                />
                            )}
                        </Field>
                        <Field label="Policy">
                            {(ids) => (
                                <select {...ids} value={type} onChange={(e) => setType(e.currentTarget.value)}>
                                    <option value="">the one of its TEE</option>
                                    {(types.data?.items ?? []).map((p) => (
                                        <option key={p.type}>{p.type}</option>
                                    ))}
                                </select>
                            )}
                        </Field>
                    </div>
                    <div class="actions">
                        <button type="submit" class="button primary" disabled={attempt.busy || pasted === null}>
                            {attempt.busy ? 'Verifying…' : 'Decode and verify'}
                        </button>
                        <span class="quiet small">Nothing is recorded, no token is issued.</span>
                    </div>
                </form>
                {attempt.error !== null && <Failed error={attempt.error} />}
            </Panel>
            {answer !== null && (
                <div class="answer">
                    <Verdict accepted={answer.result === 'accepted'} stage={answer.stage} reason={answer.reason}>
                        <p class="small">
                            {answer.description} ({answer.format}, {teeName(answer.tee)}){' '}
                            {answer.emulated && (
                                <Badge tone="warn" icon="warning">
                                    emulated evidence
                                </Badge>
                            )}
                        </p>
                    </Verdict>
                    <Explanation of={answer} />
                </div>
            )}
        </>
    );
}

const signatures: Record<string, string> = {
    valid: 'a key of this service signed it',
    invalid: 'the signature does not fit: somebody changed it, or another key signed it',
    'unknown-key': 'not of this service: its key is not known here',
    none: 'unsecured: nobody signed it',
};

function TokenInspector(): JSX.Element {
    const [token, setToken] = useState('');
    const [answer, setAnswer] = useState<TriedToken | null>(null);
    const inspect = useAction(async () => {
        setAnswer(null);
        const result = await ask<TriedToken>('try/token', {method: 'POST', body: {token: token.trim()}});
        setAnswer(result);
        announce(`Signature: ${result.signature}. ${result.state}.`);
    });

    return (
        <>
            <Panel title="Token">
                <form
                    onSubmit={(e) => {
                        e.preventDefault();
                        void inspect.run();
                    }}
                >
                    <Field label="Attestation token, result, or released key" hint="Three parts with dots between them. It is not kept.">
                        {(ids) => <textarea {...ids} class="mono paste" rows={6} value={token} spellcheck={false} autocomplete="off" onInput={(e) => setToken(e.currentTarget.value)} />}
                    </Field>
                    <button type="submit" class="button primary" disabled={inspect.busy || token.trim() === ''}>
                        {inspect.busy ? 'Looking…' : 'Look into it'}
                    </button>
                </form>
                {inspect.error !== null && <Failed error={inspect.error} />}
            </Panel>
            {answer !== null && (
                <>
                    <Panel title="What it is">
                        <Facts
                            items={[
                                [
                                    'Signature',
                                    <span key="s">
                                        <State of={answer.signature} /> {signatures[answer.signature]}
                                    </span>,
                                ],
                                ['Time', <State key="t" of={answer.state} />],
                                ['Key', answer.kid === null ? '–' : <code key="k">{answer.kid}</code>],
                                ['Used for', answer.signer === null ? '–' : `${answer.signer}s`],
                                ['Attestation', answer.attestation === null ? '–' : <A key="a" to={`/attestations/${answer.attestation}`}>the one behind it</A>],
                            ]}
                        />
                        {answer.signature !== 'valid' && <Notice tone="warn">Do not believe what it says: nothing below is vouched for.</Notice>}
                    </Panel>
                    <div class="grid two">
                        <Panel title="Header">
                            <Json value={answer.header} label="The token’s header" />
                        </Panel>
                        <Panel title="Claims">
                            <Json value={answer.payload} label="The token’s claims" />
                        </Panel>
                    </div>
                </>
            )}
        </>
    );
}

function Clients(): JSX.Element {
    const {me} = useSession();

    return (
        <>
            <Notice tone="accent">
                Clients must trust this service’s CA: <code>ca.pem</code> is the file whose path the service prints when it starts.
            </Notice>
            {snippets(me.service.public_url).map((s) => (
                <Panel key={s.title} title={s.title} note={s.note} actions={<Copy text={s.text} what={s.title} wide />}>
                    <pre class="snippet" tabIndex={0} role="group" aria-label={s.title}>
                        <code>{s.text}</code>
                    </pre>
                </Panel>
            ))}
        </>
    );
}

export function TryPage(): JSX.Element {
    const [tab] = useParameter('tab', 'evidence');
    const parts: Record<string, JSX.Element> = {evidence: <Evidence />, token: <TokenInspector />, clients: <Clients />};

    return (
        <>
            <PageHead title="Try it" tab="Try it">
                See what is in evidence or a token, and what this service makes of it.
            </PageHead>
            <Tabs
                label="Try it"
                current={tab in parts ? tab : 'evidence'}
                tabs={[
                    ['evidence', 'Evidence', '/try'],
                    ['token', 'Token', '/try?tab=token'],
                    ['clients', 'Clients', '/try?tab=clients'],
                ]}
            />
            {parts[tab] ?? parts['evidence']}
        </>
    );
}
