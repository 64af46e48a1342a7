// Access: the accounts of people, and the tokens of programs.
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';

import {type Account, ask, type Page, type Role, type Token} from '../api';
import {useAction, useLoad} from '../hooks';
import {useSession} from '../session';
import {announce} from '../ui/announce';
import {Badge, Copy, Dialog, Empty, Failed, Field, Notice, Panel, State, Time} from '../ui/basics';
import {Icon} from '../ui/icons';
import {Fetched} from '../ui/list';
import {PageHead} from '../ui/page';
import {Password} from '../ui/password';
import {Long, Table} from '../ui/table';

const roles: [Role, string][] = [
    ['admin', 'accounts, settings, and what an author may'],
    ['author', 'policies, keys and secrets'],
    ['approver', 'the second person of a policy'],
    ['auditor', 'reads everything, and the audit log'],
    ['client', 'asks for releases'],
];

function RoleBoxes({value, onChange}: {value: Role[]; onChange: (value: Role[]) => void}): JSX.Element {
    return (
        <fieldset class="boxes">
            <legend>Roles</legend>
            {roles.map(([role, what]) => (
                <label key={role}>
                    <input type="checkbox" checked={value.includes(role)} onChange={(e) => onChange(e.currentTarget.checked ? [...value, role] : value.filter((r) => r !== role))} />
                    <span>
                        <b>{role}</b> <span class="quiet small">{what}</span>
                    </span>
                </label>
            ))}
        </fieldset>
    );
}

function AccountDialog({account, onClose, onDone}: {account: Account | 'new' | null; onClose: () => void; onDone: () => void}): JSX.Element {
    const known = account === 'new' || account === null ? null : account;
    const [name, setName] = useState('');
    const [password, setPassword] = useState('');
    const [chosen, setChosen] = useState<Role[]>(known?.roles ?? ['auditor']);
    const [enabled, setEnabled] = useState(known?.enabled ?? true);
    const save = useAction(async () => {
        if (known === null) {
            await ask<Account>('accounts', {method: 'POST', body: {name, password, roles: chosen}});
        } else {
            await ask<Account>(`accounts/${encodeURIComponent(known.name)}`, {method: 'PUT', body: {roles: chosen, enabled}});
            if (password !== '') {
                await ask<Account>(`accounts/${encodeURIComponent(known.name)}`, {method: 'PUT', body: {password}});
            }
        }
        announce('Saved.');
        onDone();
    });

    return (
        <Dialog title={known === null ? 'Add an account' : `Account ${known.name}`} open={account !== null} onClose={onClose}>
            <form
                onSubmit={(e) => {
                    e.preventDefault();
                    void save.run();
                }}
            >
                {known === null && (
                    <Field label="Name" hint="Small letters, digits, and . _ - @">
                        {(ids) => (
                            <input {...ids} value={name} autocomplete="off" autocapitalize="none" spellcheck={false} pattern="[a-z0-9._@\-]{1,64}" required onInput={(e) => setName(e.currentTarget.value)} />
                        )}
                    </Field>
                )}
                <Password
                    label={known === null ? 'Password' : 'New password'}
                    hint={known === null ? 'At least 12 characters.' : 'Empty: as it is.'}
                    value={password}
                    onValue={setPassword}
                    autocomplete="new-password"
                    minLength={12}
                    required={known === null}
                />
                <RoleBoxes value={chosen} onChange={setChosen} />
                {known !== null && (
                    <label class="box">
                        <input type="checkbox" checked={enabled} onChange={(e) => setEnabled(e.currentTarget.checked)} /> <span>Enabled</span>
                    </label>
                )}
                {save.error !== null && <Failed error={save.error} />}
                <div class="actions end">
                    <button type="button" class="button" onClick={onClose}>
                        Not now
                    </button>
                    <button type="submit" class="button primary" disabled={save.busy}>
                        Save
                    </button>
                </div>
            </form>
        </Dialog>
    );
}

function TokenDialog({open, onClose, onDone}: {open: boolean; onClose: () => void; onDone: () => void}): JSX.Element {
    const [name, setName] = useState('');
    const [days, setDays] = useState('90');
    const [chosen, setChosen] = useState<Role[]>(['client']);
    const [made, setMade] = useState<string | null>(null);
    const save = useAction(async () => {
        const token = await ask<Token & {token: string}>('tokens', {method: 'POST', body: {name, roles: chosen, days: Number(days)}});
        setMade(token.token);
        onDone();
    });

    return (
        <Dialog
            title="Make a token"
            open={open}
            onClose={() => {
                setMade(null);
                onClose();
            }}
        >
            {made === null ? (
                <form
                    onSubmit={(e) => {
                        e.preventDefault();
                        void save.run();
                    }}
                >
                    <Field label="Name" hint="What uses it.">
                        {(ids) => <input {...ids} value={name} autocomplete="off" required onInput={(e) => setName(e.currentTarget.value)} />}
                    </Field>
                    <Field label="Days until it expires">
                        {(ids) => <input {...ids} type="number" min={1} max={3650} value={days} required onInput={(e) => setDays(e.currentTarget.value)} />}
                    </Field>
                    <RoleBoxes value={chosen} onChange={setChosen} />
                    {save.error !== null && <Failed error={save.error} />}
                    <div class="actions end">
                        <button type="submit" class="button primary" disabled={save.busy}>
                            Make it
                        </button>
                    </div>
                </form>
            ) : (
                <>
                    <Notice tone="warn">Copy it now: it is shown this once, and only its hash is kept.</Notice>
                    <pre class="snippet">
                        <code>{made}</code>
                    </pre>
                    <Copy text={made} what="the token" wide />
                </>
            )}
        </Dialog>
    );
}

export function Roles({of}: {of: Role[]}): JSX.Element {
    return (
        <span class="badges">
            {of.map((role) => (
                <Badge key={role} tone="quiet">
                    {role}
                </Badge>
            ))}
        </span>
    );
}

export function AccessPage(): JSX.Element {
    const {me} = useSession();
    const accounts = useLoad<Page<Account>>('accounts');
    const tokens = useLoad<Page<Token>>('tokens');
    const [account, setAccount] = useState<Account | 'new' | null>(null);
    const [making, setMaking] = useState(false);
    const remove = useAction(async (id: string) => {
        await ask<null>(`tokens/${encodeURIComponent(id)}`, {method: 'DELETE'});
        announce('Revoked.');
        tokens.reload();
    });

    return (
        <>
            <PageHead title="Access" tab="Access">
                Who may do what: people by name and password, programs by bearer tokens.
            </PageHead>
            <Panel
                title="Accounts"
                flush
                actions={
                    <button type="button" class="button small" onClick={() => setAccount('new')}>
                        <Icon name="plus" size={13} /> Add an account
                    </button>
                }
            >
                <Fetched of={accounts} rows={3}>
                    {(data) => (
                        <Table
                            label="Accounts"
                            rows={data.items}
                            id={(a) => a.name}
                            columns={[
                                {
                                    name: 'Name',
                                    kind: 'main',
                                    cell: (a) => (
                                        <>
                                            <Long text={a.name} /> {a.name === me.user?.name && <span class="quiet small">(you)</span>}
                                        </>
                                    ),
                                },
                                {name: 'Roles', cell: (of) => <Roles of={of.roles} />},
                                {name: 'State', kind: 'tight', card: 'state', cell: (a) => <State of={a.enabled ? 'enabled' : 'disabled'} />},
                                {name: 'Last log-in', cell: (a) => <Time at={a.last_login} form="ago" />},
                                {
                                    name: 'Change',
                                    hideName: true,
                                    kind: 'tight',
                                    cell: (a) => (
                                        <button type="button" class="link" onClick={() => setAccount(a)}>
                                            Change<span class="unseen"> {a.name}</span>
                                        </button>
                                    ),
                                },
                            ]}
                        />
                    )}
                </Fetched>
            </Panel>
            <Panel
                title="Tokens of programs"
                flush
                actions={
                    <button type="button" class="button small" onClick={() => setMaking(true)}>
                        <Icon name="plus" size={13} /> Make a token
                    </button>
                }
            >
                {remove.error !== null && <Failed error={remove.error} />}
                <Fetched of={tokens} rows={3}>
                    {(data) =>
                        data.items.length === 0 ? (
                            <Empty icon="lock" title="No token yet">
                                <p>Programs that set policies or ask for releases show one: each with its own roles and end.</p>
                            </Empty>
                        ) : (
                            <Table
                                label="Tokens"
                                rows={data.items}
                                id={(t) => t.id}
                                columns={[
                                    {name: 'Name', kind: 'main', cell: (t) => <Long text={t.name} />},
                                    {name: 'Roles', cell: (of) => <Roles of={of.roles} />},
                                    {name: 'Made', cell: (t) => <><Time at={t.created_at} form="ago" /> by {t.author}</>},
                                    {name: 'Expires', cell: (t) => <Time at={t.expires_at} form="ago" />},
                                    {name: 'Last used', cell: (t) => <Time at={t.last_used} form="ago" />},
                                    {
                                        name: 'Revoke',
                                        hideName: true,
                                        kind: 'tight',
                                        cell: (t) => (
                                            <button type="button" class="link" disabled={remove.busy} onClick={() => void remove.run(t.id)}>
                                                Revoke<span class="unseen"> {t.name}</span>
                                            </button>
                                        ),
                                    },
                                ]}
                            />
                        )
                    }
                </Fetched>
            </Panel>
            <AccountDialog key={account === null ? '' : account === 'new' ? '+' : account.name} account={account} onClose={() => setAccount(null)} onDone={() => {
                setAccount(null);
                accounts.reload();
            }} />
            <TokenDialog open={making} onClose={() => setMaking(false)} onDone={tokens.reload} />
        </>
    );
}
