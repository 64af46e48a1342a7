// A page's head: its title, what it is for, what can be done on it.
import type {ComponentChildren, JSX} from 'preact';
import {useEffect} from 'preact/hooks';

import {A} from '../router';
import {announce} from './announce';
import {Icon} from './icons';

export function PageHead({
    title,
    tab,
    back,
    children,
    actions,
}: {
    title: ComponentChildren;
    tab: string; // as text, for the window's title
    back?: [string, string]; // where it belongs: address and name
    children?: ComponentChildren;
    actions?: ComponentChildren;
}): JSX.Element {
    useEffect(() => {
        document.title = `${tab} · Casemate`;
        announce(tab);
    }, [tab]);
    return (
        <header class="page-head">
            {back !== undefined && (
                <nav aria-label="Where this is" class="crumbs">
                    <A to={back[0]}>{back[1]}</A>
                    <Icon name="right" size={11} />
                </nav>
            )}
            <div class="page-title">
                <h1>{title}</h1>
                {actions !== undefined && <div class="actions">{actions}</div>}
            </div>
            {children !== undefined && <p class="page-note">{children}</p>}
        </header>
    );
}

/** Tabs that are links: each has an address. */
export function Tabs({label, tabs, current}: {label: string; tabs: [string, string, string, number?][]; current: string}): JSX.Element {
    return (
        <nav class="tabs" aria-label={label}>
            <ul>
                {tabs.map(([id, name, to, n]) => (
                    <li key={id}>
                        <A to={to} {...(id === current ? {'aria-current': 'page' as const} : {})}>
                            {name}
                            {n !== undefined && <span class="tab-count">{n}</span>}
                        </A>
                    </li>
                ))}
            </ul>
        </nav>
    );
}
