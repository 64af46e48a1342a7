// The pages before there is a session: the first admin's set-up, and the log-in.
import type {ComponentChildren, JSX} from 'preact';
import {useEffect, useRef, useState} from 'preact/hooks';

import {ask, type Me} from '../api';
import {useAction} from '../hooks';
import {useSession} from '../session';
import {Field} from '../ui/basics';
import {Icon, Mark} from '../ui/icons';
import {Password, useNewPassword} from '../ui/password';

function Frame({title, note, children}: {title: string; note: ComponentChildren; children: ComponentChildren}): JSX.Element {
    const {me} = useSession();

    useEffect(() => {
        document.title = `${title} · Casemate`;
    }, [title]);
    return (
        <main class="enter" id="main">
            <div class="enter-card">
                <div class="enter-brand">
                    <Mark size={34} />
                    <div>
                        <p class="brand-name">Casemate</p>
                        <p class="quiet small">{me.service.public_url.replace(/^https:\/\//, '')}</p>
                    </div>
                </div>
                <h1>{title}</h1>
                <p class="quiet">{note}</p>
                {children}
            </div>
        </main>
    );
}

function Problem({text}: {text: string | null}): JSX.Element {
    return (
        <div role="alert" class="enter-problem">
            {text !== null && (
                <p class="field-error">
                    <Icon name="warning" size={14} /> {text}
                </p>
            )}
        </div>
    );
}

export function LoginPage(): JSX.Element {
    const {refresh} = useSession();
    const [name, setName] = useState('');
    const [password, setPassword] = useState('');
    const field = useRef<HTMLInputElement>(null);
    const first = useRef<HTMLInputElement>(null);
    const login = useAction(async () => {
        refresh(await ask<Me>('login', {method: 'POST', body: {name, password}}));
    });
    const submit = async (event: Event): Promise<void> => {
        event.preventDefault();
        if (!(await login.run())) {
            setPassword('');
            field.current?.focus();
        }
    };
    useEffect(() => first.current?.focus(), []);
    const wait = login.error?.retryAfter ?? null;

    return (
        <Frame title="Log in" note="Attestation and key release, and why each was decided as it was.">
            <form onSubmit={submit}>
                <Field label="Name">
                    {(ids) => (
                        <input {...ids} ref={first} value={name} onInput={(e) => setName(e.currentTarget.value)} autocomplete="username" autocapitalize="none" spellcheck={false} required />
                    )}
                </Field>
                <Password label="Password" value={password} onValue={setPassword} autocomplete="current-password" field={field} />
                <Problem text={login.error === null ? null : login.error.message + (wait === null ? '' : ` Try again in ${wait} seconds.`)} />
                <button type="submit" class="button primary wide" disabled={login.busy}>
                    {login.busy ? 'Logging in…' : 'Log in'}
                </button>
            </form>
        </Frame>
    );
}

export function SetupPage(): JSX.Element {
    const {refresh} = useSession();
    const [code, setCode] = useState('');
    const [name, setName] = useState('');
    const fresh = useNewPassword('Password', 'The password again');
    const setup = useAction(async () => {
        refresh(await ask<Me>('setup', {method: 'POST', body: {code: code.trim(), name, password: fresh.value}}));
    });
    const submit = (event: Event): void => {
        event.preventDefault();
        if (fresh.agree()) {
            void setup.run();
        }
    };
    const wrong = (what: string): string | null => (setup.error?.code === what ? setup.error.message : null);
    const other = setup.error !== null && !['SetupCode', 'WeakPassword'].includes(setup.error.code) ? setup.error.message : null;

    return (
        <Frame title="Set up" note="This service has no accounts yet. The first one becomes its admin.">
            <form onSubmit={submit}>
                <Field label="Set-up code" hint="The service has written it to a file when it started, and says where. It is valid for 15 minutes." error={wrong('SetupCode')}>
                    {(ids) => <input {...ids} class="mono" value={code} onInput={(e) => setCode(e.currentTarget.value)} autocomplete="one-time-code" spellcheck={false} required />}
                </Field>
                <Field label="Your name" hint="Small letters, digits, and . _ - @">
                    {(ids) => (
                        <input
                            {...ids}
                            value={name}
                            onInput={(e) => setName(e.currentTarget.value)}
                            autocomplete="username"
                            autocapitalize="none"
                            spellcheck={false}
                            pattern="[a-z0-9._@\-]{1,64}"
                            required
                        />
                    )}
                </Field>
                {fresh.fields(wrong('WeakPassword'))}
                <Problem text={other} />
                <button type="submit" class="button primary wide" disabled={setup.busy}>
                    {setup.busy ? 'Setting up…' : 'Make the first admin'}
                </button>
            </form>
        </Frame>
    );
}
