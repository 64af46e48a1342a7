// Addresses below /dashboard/: paths say which page, queries what it shows, so every view can be sent to somebody.
import type {ComponentChildren, JSX} from 'preact';
import {createContext} from 'preact';
import {useContext, useEffect, useMemo, useState} from 'preact/hooks';

const base = import.meta.env.BASE_URL.replace(/\/$/, '');

export interface Place {
    path: string[]; // decoded segments
    query: URLSearchParams;
}

function here(): Place {
    const path = window.location.pathname.slice(base.length).split('/').filter((s) => s !== '');
    const decoded = path.map((s) => {
        try {
            return decodeURIComponent(s);
        } catch {
            return s;
        }
    });

    return {path: decoded, query: new URLSearchParams(window.location.search)};
}

const listeners = new Set<() => void>();

/** The address of a page within the site. */
export function href(to: string): string {
    return `${base}${to}`;
}

/** Go to a page, such as "/policies/SgxEnclave". */
export function navigate(to: string, {replace = false}: {replace?: boolean} = {}): void {
    const target = href(to);

    if (replace) {
        window.history.replaceState(null, '', target);
    } else if (target !== window.location.pathname + window.location.search) {
        window.history.pushState(null, '', target);
    }
    for (const listener of listeners) {
        listener();
    }
}

const Current = createContext<Place>({path: [], query: new URLSearchParams()});

export function Router({children}: {children: ComponentChildren}): JSX.Element {
    const [place, setPlace] = useState(here);

    useEffect(() => {
        const update = (): void => setPlace(here());
        listeners.add(update);
        window.addEventListener('popstate', update);
        return (): void => {
            listeners.delete(update);
            window.removeEventListener('popstate', update);
        };
    }, []);
    return <Current.Provider value={place}>{children}</Current.Provider>;
}

export function usePlace(): Place {
    return useContext(Current);
}

/** A parameter of the address and how to set it; "" takes it away. Setting one resets `also`. */
export function useParameter(name: string, otherwise = ''): [string, (value: string) => void] {
    const place = usePlace();
    const set = useMemo(
        () =>
            (value: string): void => {
                const at = here();
                if (value === '' || value === otherwise) {
                    at.query.delete(name);
                } else {
                    at.query.set(name, value);
                }
                const text = at.query.toString();
                navigate(`/${at.path.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`, {replace: true});
            },
        [name, otherwise],
    );

    return [place.query.get(name) ?? otherwise, set];
}

/** A link within the site; the browser's own ways (new tab, copy) work on it. */
export function A({to, children, ...rest}: {to: string; class?: string; 'aria-current'?: 'page'; children: ComponentChildren}): JSX.Element {
    const go = (event: MouseEvent): void => {
        if (event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey) {
            event.preventDefault();
            navigate(to);
        }
    };

    return (
        <a {...rest} href={href(to)} onClick={go}>
            {children}
        </a>
    );
}
