// The frame of every page: who is logged in, where one can go, and what is said on all of them.
import type {ComponentChildren, JSX} from 'preact';
import {useCallback, useEffect, useMemo, useRef, useState} from 'preact/hooks';

import {type ApiError, ask, type Me, type Overview, type PolicySummary, setCsrf, whenSessionEnds} from './api';
import {useLoad, useLost} from './hooks';
import {LoginPage, SetupPage} from './pages/enter';
import {AccessPage} from './pages/access';
import {AccountPage} from './pages/account';
import {AttestationPage} from './pages/attestation';
import {AttestationsPage} from './pages/attestations';
import {AuditPage} from './pages/audit';
import {InventoryPage, WorkloadPage} from './pages/inventory';
import {KeyPage, SecretPage} from './pages/key';
import {KeysPage} from './pages/keys';
import {OverviewPage} from './pages/overview';
import {PoliciesPage} from './pages/policies';
import {PolicyPage} from './pages/policy';
import {ReferencePage, ReferencesPage} from './pages/references';
import {TryPage} from './pages/try';
import {A, href, navigate, Router, usePlace} from './router';
import {SessionContext, useMay, useSession} from './session';
import {Announcer} from './ui/announce';
import {Empty, Failed, Time} from './ui/basics';
import {Icon, type IconName, Mark} from './ui/icons';
import {setWish, wish, type Wish} from './ui/scheme';

interface Entry {
    path: string;
    name: string;
    icon: IconName;
    page: (path: string[]) => JSX.Element;
    only?: 'auditor' | 'admin';
    apart?: true; // not among the pages: the name of who is logged in leads there
}

const entries: Entry[] = [
    {path: '', name: 'Overview', icon: 'overview', page: () => <OverviewPage />},
    {
        path: 'attestations',
        name: 'Attestations',
        icon: 'attestations',
        page: ([id]) => (id === undefined ? <AttestationsPage /> : <AttestationPage key={id} id={id} />),
    },
    {
        path: 'inventory',
        name: 'Inventory',
        icon: 'inventory',
        page: ([id]) => (id === undefined ? <InventoryPage /> : <WorkloadPage key={id} id={id} />),
    },
    {
        path: 'policies',
        name: 'Policies',
        icon: 'policies',
        page: ([type]) => (type === undefined ? <PoliciesPage /> : <PolicyPage key={type} type={type} />),
    },
    {
        path: 'keys',
        name: 'Keys and secrets',
        icon: 'keys',
        page: ([kind, name]) => {
            if (name === undefined) {
                return <KeysPage />;
            }
            return kind === 'secret' ? <SecretPage key={name} name={name} /> : <KeyPage key={name} name={name} />;
        },
    },
    {
        path: 'references',
        name: 'Reference values',
        icon: 'references',
        page: ([id]) => (id === undefined ? <ReferencesPage /> : <ReferencePage key={id} id={id} />),
    },
    {path: 'audit', name: 'Audit', icon: 'audit', page: () => <AuditPage />, only: 'auditor'},
    {path: 'try', name: 'Try it', icon: 'try', page: () => <TryPage />},
    {path: 'access', name: 'Access', icon: 'access', page: () => <AccessPage />, only: 'admin'},
    {path: 'account', name: 'Your account', icon: 'access', page: () => <AccountPage />, apart: true},
];

function Navigation({current, counts}: {current: string; counts: Record<string, number>}): JSX.Element {
    const may = {auditor: useMay('auditor'), admin: useMay('admin')};

    return (
        <ul>
            {entries
                .filter((e) => e.apart !== true && (e.only === undefined || may[e.only]))
                .map((e) => {
                    const n = counts[e.path] ?? 0;
                    return (
                        <li key={e.path}>
                            <A to={`/${e.path}`} {...(e.path === current ? {'aria-current': 'page' as const} : {})}>
                                <Icon name={e.icon} />
                                <span>{e.name}</span>
                                {n > 0 && (
                                    <span class="nav-count">
                                        {n}
                                        <span class="unseen"> to look at</span>
                                    </span>
                                )}
                            </A>
                        </li>
                    );
                })}
        </ul>
    );
}

const wishes: [Wish, IconName, string][] = [
    ['auto', 'auto', 'Colours as the system has them'],
    ['light', 'sun', 'Light colours'],
    ['dark', 'moon', 'Dark colours'],
];

function SchemeToggle(): JSX.Element {
    const [now, setNow] = useState(wish);

    return (
        <div class="scheme" role="group" aria-label="Colours">
            {wishes.map(([value, icon, label]) => (
                <button
                    key={value}
                    type="button"
                    aria-pressed={now === value}
                    aria-label={label}
                    title={label}
                    onClick={() => {
                        setWish(value);
                        setNow(value);
                    }}
                >
                    <Icon name={icon} size={14} />
                </button>
            ))}
        </div>
    );
}

function EmulatedBanner(): JSX.Element {
    return (
        <div class="emulated" role="note">
            <Icon name="warning" size={14} />
            <span>
                <b>EMULATED.</b> This service accepts evidence of the emulator, which protects nothing: for development only.
            </span>
        </div>
    );
}

/** The service is gone while its dashboard is open: said once, for all that is shown. */
function LostBanner(): JSX.Element | null {
    const since = useLost();

    return since === null ? null : (
        <div class="lost" role="alert">
            <Icon name="warning" size={14} />
            <span>
                <b>The service does not answer</b> since <Time at={since} />. What is shown is of before; it is asked again and again.
            </span>
        </div>
    );
}

function useCounts(): Record<string, number> {
    const overview = useLoad<Overview>('overview?minutes=60', 15000);
    const policies = useLoad<{items: PolicySummary[]}>('policies', 30000);

    return {
        '': overview.data?.alerts.filter((a) => a.severity !== 'info').length ?? 0,
        policies: policies.data?.items.filter((p) => p.waiting !== null).length ?? 0,
    };
}

function Shell({children, current}: {children: ComponentChildren; current: string}): JSX.Element {
    const {me, refresh} = useSession();
    const [open, setOpen] = useState(false);
    const {path} = usePlace();
    const main = useRef<HTMLElement>(null);
    const first = useRef(true);
    const counts = useCounts();
    const where = path.join('/');
    const logout = async (): Promise<void> => {
        try {
            await ask<null>('logout', {method: 'POST', body: {}});
        } finally {
            refresh(null);
            navigate('/', {replace: true}); // whoever is next begins at the beginning
        }
    };

    useEffect(() => {
        setOpen(false);
        if (first.current) {
            first.current = false;
            return;
        }
        window.scrollTo(0, 0);
        main.current?.focus({preventScroll: true}); // the new page is read from its beginning
    }, [where]);
    useEffect(() => {
        const close = (event: KeyboardEvent): void => {
            if (event.key === 'Escape') {
                setOpen(false);
            }
        };
        window.addEventListener('keydown', close);
        return (): void => window.removeEventListener('keydown', close);
    }, []);
    return (
        <div class="shell">
            <a
                class="skip"
                href="#main"
                onClick={(e) => {
                    e.preventDefault();
                    main.current?.focus();
                }}
            >
                Skip to the content
            </a>
            <header class="side">
                <div class="side-top">
                    <A to="/" class="brand">
                        <Mark />
                        <span>Casemate</span>
                    </A>
                    <button type="button" class="menu" aria-expanded={open} aria-controls="navigation" onClick={() => setOpen(!open)}>
                        <Icon name={open ? 'no' : 'menu'} />
                        <span class="unseen">Menu</span>
                    </button>
                </div>
                <div class={open ? 'side-rest open' : 'side-rest'} id="navigation">
                    <nav aria-label="Pages">
                        <Navigation current={current} counts={counts} />
                    </nav>
                    <div class="side-foot">
                        <SchemeToggle />
                        <A to="/account" class="who" {...(current === 'account' ? {'aria-current': 'page' as const} : {})}>
                            <Icon name="access" />
                            <span>
                                <span class="unseen">Your account: </span>
                                <span class="who-name">{me.user?.name}</span>
                                <span class="who-roles">{me.user?.roles.join(', ')}</span>
                            </span>
                        </A>
                        <button type="button" class="button small" onClick={() => void logout()}>
                            <Icon name="leave" size={14} /> Log out
                        </button>
                        <p class="quiet small version">
                            Casemate {me.service.version} · <a href={href('/licences.txt')}>Licences</a>
                        </p>
                    </div>
                </div>
            </header>
            <main id="main" ref={main} tabIndex={-1}>
                {me.service.emulated && <EmulatedBanner />}
                <LostBanner />
                {children}
            </main>
        </div>
    );
}

function NotHere(): JSX.Element {
    return (
        <Empty icon="search" title="There is no such page">
            <p>
                The address leads nowhere. <A to="/">Go to the overview</A>.
            </p>
        </Empty>
    );
}

function Pages(): JSX.Element {
    const {path} = usePlace();
    const current = path[0] ?? '';
    const entry = entries.find((e) => e.path === current);

    return <Shell current={current}>{entry === undefined ? <NotHere /> : entry.page(path.slice(1))}</Shell>;
}

function Gate(): JSX.Element | null {
    const [me, setMe] = useState<Me | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const refresh = useCallback((next: Me | null): void => {
        if (next === null) {
            setCsrf(null);
            setMe((m) => (m === null ? null : {...m, user: null, csrf: null}));
        } else {
            setCsrf(next.csrf);
            setMe(next);
        }
    }, []);
    const load = useCallback(async () => {
        setError(null);
        try {
            refresh(await ask<Me>('me'));
        } catch (failure) {
            setError(failure as ApiError);
        }
    }, [refresh]);
    const session = useMemo(() => (me === null ? null : {me, refresh}), [me, refresh]);

    useEffect(() => {
        whenSessionEnds(() => refresh(null));
        void load();
    }, [load, refresh]);
    if (error !== null) {
        return (
            <main class="enter">
                <h1>Casemate</h1>
                <Failed error={error} retry={() => void load()} />
            </main>
        );
    }
    if (session === null) {
        return null;
    }
    const inside = session.me.user === null ? session.me.setup_needed ? <SetupPage /> : <LoginPage /> : <Pages />;
    return (
        <SessionContext.Provider value={session}>
            {session.me.user === null && session.me.service.emulated && <EmulatedBanner />}
            {inside}
        </SessionContext.Provider>
    );
}

export function App(): JSX.Element {
    return (
        <Router>
            <Gate />
            <Announcer />
        </Router>
    );
}

