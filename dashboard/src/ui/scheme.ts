// Light, dark, or as the system says. Kept in this browser only.
import {useEffect, useState} from 'preact/hooks';

export type Wish = 'auto' | 'light' | 'dark';

const key = 'casemate-scheme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

export function wish(): Wish {
    try {
        const kept = window.localStorage.getItem(key);
        return kept === 'light' || kept === 'dark' ? kept : 'auto';
    } catch {
        return 'auto'; // storage may be forbidden
    }
}

function apply(): void {
    const now = wish();

    document.documentElement.dataset['scheme'] = now === 'auto' ? (dark.matches ? 'dark' : 'light') : now;
    for (const listener of listeners) {
        listener();
    }
}

export function setWish(next: Wish): void {
    try {
        window.localStorage.setItem(key, next);
    } catch {
        document.documentElement.dataset['scheme'] = next; // for this page at least
    }
    apply();
}

dark.addEventListener('change', apply);
apply();

/** The scheme in force; the caller is drawn again when it changes. */
export function useScheme(): 'light' | 'dark' {
    const [scheme, setScheme] = useState(document.documentElement.dataset['scheme']);

    useEffect(() => {
        const update = (): void => setScheme(document.documentElement.dataset['scheme']);
        listeners.add(update);
        return (): void => void listeners.delete(update);
    }, []);
    return scheme === 'dark' ? 'dark' : 'light';
}
