// One's own account: who one is here, and another password.
import type {JSX} from 'preact';
import {useRef, useState} from 'preact/hooks';

import {ask} from '../api';
import {useAction} from '../hooks';
import {useSession} from '../session';
import {announce} from '../ui/announce';
import {Facts, Failed, Notice, Panel, Time} from '../ui/basics';
import {PageHead} from '../ui/page';
import {Password, useNewPassword} from '../ui/password';
import {Roles} from './access';

function PasswordForm({name}: {name: string}): JSX.Element {
    const [old, setOld] = useState('');
    const [done, setDone] = useState(false);
    const next = useNewPassword('New password', 'The new password again');
    const field = useRef<HTMLInputElement>(null);
    const change = useAction(async () => {
        await ask<null>('password', {method: 'POST', body: {old, new: next.value}});
    });
    const submit = async (event: Event): Promise<void> => {
        event.preventDefault();
        setDone(false);
        if (!next.agree()) {
            return;
        }
        if (await change.run()) {
            setOld('');
            next.clear();
            setDone(true);
            announce('The password is changed.');
        } else {
            field.current?.focus();
        }
    };
    const {error} = change;
    const wrong = (code: string): string | null => (error?.code === code ? sentence(error.message) : null);

    return (
        <form onSubmit={(e) => void submit(e)}>
            {/* for password managers: whose password it is */}
            <input class="unseen" type="text" autocomplete="username" value={name} readOnly tabIndex={-1} aria-hidden="true" />
            <Password label="Password as it is" value={old} onValue={setOld} autocomplete="current-password" error={wrong('Forbidden')} field={field} />
            {next.fields(wrong('WeakPassword'))}
            {error !== null && !['Forbidden', 'WeakPassword'].includes(error.code) && <Failed error={error} />}
            {done && <Notice tone="ok">The password is changed. All your other sessions have ended; this one goes on.</Notice>}
            <div class="actions">
                <button type="submit" class="button primary" disabled={change.busy}>
                    {change.busy ? 'Changing…' : 'Change the password'}
                </button>
            </div>
        </form>
    );
}

const sentence = (text: string): string => (text[0]?.toUpperCase() ?? '') + text.slice(1) + (text.endsWith('.') ? '' : '.');

export function AccountPage(): JSX.Element {
    const {me} = useSession();
    const name = me.user?.name ?? '';

    return (
        <>
            <PageHead title="Your account" tab="Your account">
                Who you are here, and how you log in.
            </PageHead>
            <div class="grid two">
                <Panel title="You">
                    <Facts
                        items={[
                            ['Name', name],
                            ['Roles', <Roles key="r" of={me.user?.roles ?? []} />],
                            ['This session', <span key="s">ends <Time at={me.user?.expires_at ?? null} form="ago" /> at the latest</span>],
                        ]}
                    />
                    <p class="quiet small never">An admin gives and takes roles, and sets a new password for whoever has forgotten theirs.</p>
                </Panel>
                <Panel title="Change the password" note="your other sessions end with it">
                    <PasswordForm name={name} />
                </Panel>
            </div>
        </>
    );
}
