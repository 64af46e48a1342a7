// What every page is made of: signs of state, times, hashes, empty and failed states, fields, dialogs.
import type {ComponentChildren, JSX, Ref} from 'preact';
import {useEffect, useId, useRef, useState} from 'preact/hooks';

import type {ApiError} from '../api';
import {ago, localTime, shortHash, shortTime, utcBeside, utcTime} from '../lib/format';
import {useNow} from '../hooks';
import {announce} from './announce';
import {Icon, type IconName} from './icons';

export type Tone = 'ok' | 'bad' | 'warn' | 'quiet' | 'accent';

/** A word with a sign and a colour: the sign and the word say it, the colour only helps. */
export function Badge({tone, icon, children}: {tone: Tone; icon?: IconName; children: ComponentChildren}): JSX.Element {
    return (
        <span class={`badge ${tone}`}>
            {icon !== undefined && <Icon name={icon} size={12} />}
            <span>{children}</span>
        </span>
    );
}

const states: Record<string, [Tone, IconName]> = {
    accepted: ['ok', 'yes'],
    released: ['ok', 'yes'],
    pass: ['ok', 'yes'],
    active: ['ok', 'yes'],
    fresh: ['ok', 'yes'],
    valid: ['ok', 'yes'],
    current: ['ok', 'yes'],
    trusted: ['ok', 'yes'],
    enabled: ['ok', 'yes'],
    uptodate: ['ok', 'yes'],
    refused: ['bad', 'no'],
    withheld: ['bad', 'no'],
    fail: ['bad', 'no'],
    rejected: ['bad', 'no'],
    stale: ['bad', 'warning'],
    missing: ['bad', 'warning'],
    invalid: ['bad', 'no'],
    expired: ['bad', 'warning'],
    revoked: ['bad', 'no'],
    'unknown-key': ['bad', 'no'],
    disabled: ['warn', 'pause'],
    deleted: ['bad', 'no'],
    waiting: ['warn', 'wait'],
    expiring: ['warn', 'wait'],
    'not-yet': ['warn', 'wait'],
    outofdate: ['warn', 'warning'],
    outofdateconfigurationneeded: ['warn', 'warning'],
    configurationneeded: ['warn', 'warning'],
    swhardeningneeded: ['warn', 'info'],
    configurationandswhardeningneeded: ['warn', 'warning'],
    'not-checked': ['quiet', 'dash'],
    'not-applicable': ['quiet', 'dash'],
    default: ['quiet', 'dash'],
    replaced: ['quiet', 'dash'],
    none: ['quiet', 'dash'],
};

/** A state's word as the API says it. */
export function State({of, children}: {of: string; children?: ComponentChildren}): JSX.Element {
    const [tone, icon] = states[of.toLowerCase()] ?? ['quiet', 'dash'];

    return (
        <Badge tone={tone} icon={icon}>
            {children ?? of.replaceAll('-', ' ')}
        </Badge>
    );
}

/** A time as the reader has it; the title and the machine-readable value have UTC. */
export function Time({at, form = 'short'}: {at: number | null; form?: 'short' | 'ago' | 'both'}): JSX.Element {
    const now = useNow(30000);

    if (at === null) {
        return <span class="quiet">never</span>;
    }
    const iso = new Date(at * 1000).toISOString();
    const title = `${localTime(at)} local, ${utcTime(at)}`;
    if (form === 'both') {
        return (
            <time dateTime={iso}>
                {localTime(at)} <span class="quiet">local ({utcBeside(at)})</span>
            </time>
        );
    }
    return (
        <time dateTime={iso} title={title}>
            {form === 'ago' ? ago(at, now) : shortTime(at, now)}
        </time>
    );
}

/** A hash: short to look at, whole to copy. */
export function Hash({value, whole = false, label}: {value: string; whole?: boolean; label?: string}): JSX.Element {
    return (
        <span class={whole ? 'hash whole' : 'hash'}>
            <code title={value}>{whole ? value : shortHash(value)}</code>
            <Copy text={value} what={label ?? 'the whole value'} />
        </span>
    );
}

export function Copy({text, what, wide = false}: {text: string; what: string; wide?: boolean}): JSX.Element {
    const [done, setDone] = useState(false);
    const timer = useRef(0);
    const copy = async (event: Event): Promise<void> => {
        event.preventDefault();
        event.stopPropagation();
        try {
            await navigator.clipboard.writeText(text);
            announce(`Copied ${what}.`);
            setDone(true);
            window.clearTimeout(timer.current);
            timer.current = window.setTimeout(() => setDone(false), 1500);
        } catch {
            announce('The browser did not allow copying.');
        }
    };

    useEffect(() => (): void => window.clearTimeout(timer.current), []);
    return wide ? (
        <button type="button" class="button small" onClick={copy}>
            <Icon name={done ? 'yes' : 'copy'} size={14} /> {done ? 'Copied' : 'Copy'}
            <span class="unseen"> {what}</span>
        </button>
    ) : (
        <button type="button" class="copy" aria-label={`Copy ${what}`} title={`Copy ${what}`} onClick={copy}>
            <Icon name={done ? 'yes' : 'copy'} size={13} />
        </button>
    );
}

/** What stands where there is nothing yet: what would be here, and how it comes here. */
export function Empty({icon, title, children}: {icon: IconName; title: string; children: ComponentChildren}): JSX.Element {
    return (
        <div class="empty">
            <Icon name={icon} size={26} />
            <p class="empty-title">{title}</p>
            <div class="empty-text">{children}</div>
        </div>
    );
}

/** What went wrong. `since`: what is shown beside it is from then. */
export function Failed({error, retry, since = null}: {error: ApiError; retry?: () => void; since?: number | null}): JSX.Element {
    return (
        <div class="notice bad" role="alert">
            <Icon name="warning" />
            <div>
                <p>
                    {error.message}
                    {since !== null && (
                        <>
                            {' '}
                            What is shown is of <Time at={since} />.
                        </>
                    )}
                </p>
                {error.request !== null && (
                    <p class="quiet small">
                        Request <code>{error.request}</code> in the service’s log.
                    </p>
                )}
                {retry !== undefined && (
                    <button type="button" class="button small" onClick={retry}>
                        Try again
                    </button>
                )}
            </div>
        </div>
    );
}

export function Notice({tone, children, icon}: {tone: Tone; icon?: IconName; children: ComponentChildren}): JSX.Element {
    const own: Record<Tone, IconName> = {ok: 'yes', bad: 'warning', warn: 'warning', quiet: 'info', accent: 'info'};

    return (
        <div class={`notice ${tone}`}>
            <Icon name={icon ?? own[tone]} />
            <div>{children}</div>
        </div>
    );
}

/** Grey bars in the shape of what is coming; says "Loading" to those who cannot see them. */
export function Loading({rows = 5}: {rows?: number}): JSX.Element {
    return (
        <div class="loading" role="status">
            <span class="unseen">Loading</span>
            {Array.from({length: rows}, (_, i) => (
                <div key={i} class={`bar w${(i * 7) % 4}`} />
            ))}
        </div>
    );
}

/** A part of a page with a heading. */
export function Panel({
    title,
    children,
    actions,
    note,
    flush = false,
}: {
    title: string;
    children: ComponentChildren;
    actions?: ComponentChildren;
    note?: ComponentChildren;
    flush?: boolean;
}): JSX.Element {
    const id = useId();

    return (
        <section class={flush ? 'panel flush' : 'panel'} aria-labelledby={id}>
            <header class="panel-head">
                <h2 id={id}>{title}</h2>
                {note !== undefined && <span class="quiet small panel-note">{note}</span>}
                {actions !== undefined && <div class="actions">{actions}</div>}
            </header>
            <div class="panel-body">{children}</div>
        </section>
    );
}

/** Names and values. */
export function Facts({items, wide = false}: {items: [string, ComponentChildren][]; wide?: boolean}): JSX.Element {
    return (
        <dl class={wide ? 'facts wide' : 'facts'}>
            {items.map(([name, value]) => (
                <div key={name}>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </div>
            ))}
        </dl>
    );
}

/** A labelled control; the hint and the error are read with it. */
export function Field({
    label,
    hint,
    error,
    children,
}: {
    label: string;
    hint?: ComponentChildren;
    error?: string | null;
    children: (ids: {id: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean}) => JSX.Element;
}): JSX.Element {
    const id = useId();
    const described = [hint === undefined ? '' : `${id}-hint`, error ? `${id}-error` : ''].filter((s) => s !== '').join(' ');
    const ids = {
        id,
        ...(described === '' ? {} : {'aria-describedby': described}),
        ...(error ? {'aria-invalid': true} : {}),
    };

    return (
        <div class="field">
            <label for={id}>{label}</label>
            {children(ids)}
            {hint !== undefined && (
                <p class="hint" id={`${id}-hint`}>
                    {hint}
                </p>
            )}
            {error && (
                <p class="field-error" id={`${id}-error`}>
                    <Icon name="warning" size={13} /> {error}
                </p>
            )}
        </div>
    );
}

/** One of a few, as buttons beside each other. */
export function Choice({
    label,
    value,
    options,
    onChange,
}: {
    label: string;
    value: string;
    options: [string, string][];
    onChange: (value: string) => void;
}): JSX.Element {
    const name = useId();

    return (
        <fieldset class="choice">
            <legend class="unseen">{label}</legend>
            {options.map(([option, text]) => (
                <label key={option} class={option === value ? 'on' : ''}>
                    <input type="radio" name={name} value={option} checked={option === value} onChange={() => onChange(option)} />
                    <span>{text}</span>
                </label>
            ))}
        </fieldset>
    );
}

/** A dialog of the browser's own: it keeps the focus and gives it back. */
export function Dialog({
    title,
    open,
    onClose,
    children,
}: {
    title: string;
    open: boolean;
    onClose: () => void;
    children: ComponentChildren;
}): JSX.Element {
    const ref: Ref<HTMLDialogElement> = useRef<HTMLDialogElement>(null);
    const id = useId();

    useEffect(() => {
        const dialog = ref.current;
        if (open && dialog?.open === false) {
            dialog.showModal();
        } else if (!open && dialog?.open === true) {
            dialog.close();
        }
    }, [open]);
    return (
        <dialog ref={ref} aria-labelledby={id} onClose={onClose}>
            <header class="panel-head">
                <h2 id={id}>{title}</h2>
                <button type="button" class="copy" aria-label="Close" onClick={onClose}>
                    <Icon name="no" />
                </button>
            </header>
            <div class="panel-body">{open && children}</div>
        </dialog>
    );
}
