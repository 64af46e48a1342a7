// Asking the service: once, or again and again.
import {useCallback, useEffect, useRef, useState} from 'preact/hooks';

import {ApiError, ask, lostSince, type Page, whenReachChanges, withQuery} from './api';

export interface Loaded<T> {
    data: T | null;
    error: ApiError | null;
    loading: boolean;
    at: number | null; // when data came, seconds
    reload: () => void;
}

const seconds = (): number => Math.floor(Date.now() / 1000);
const asApiError = (error: unknown): ApiError =>
    error instanceof ApiError ? error : new ApiError(0, 'Dashboard', String(error), null, null, null);

/**
 * The answer to GET path; asked again when path changes, and every `every` milliseconds if that is given:
 * rarely while the page is hidden, more rarely after errors, and at once when a service that was gone is back.
 * Old data stays while new is on its way.
 */
export function useLoad<T>(path: string | null, every = 0): Loaded<T> {
    const [state, setState] = useState<{path: string | null; data: T | null; error: ApiError | null; at: number | null}>({
        path: null,
        data: null,
        error: null,
        at: null,
    });
    const [round, setRound] = useState(0);

    useEffect(() => {
        if (path === null) {
            return undefined;
        }
        const abort = new AbortController();
        let timer = 0;
        let failures = 0;
        let lost = false;
        const once = async (again: boolean): Promise<void> => {
            try {
                const url = again ? withQuery(path, {poll: 1}) : path;
                const data = await ask<T>(url, {signal: abort.signal});
                failures = 0;
                lost = false;
                setState({path, data, error: null, at: seconds()});
            } catch (error) {
                if (abort.signal.aborted) {
                    return;
                }
                failures++;
                lost = asApiError(error).status === 0;
                setState((s) => ({path, data: s.path === path ? s.data : null, error: asApiError(error), at: s.at}));
            }
            if (every > 0) {
                const wait = document.hidden ? 60000 : Math.max(every, Math.min(every * 2 ** failures, 30000));
                window.clearTimeout(timer);
                timer = window.setTimeout(() => void once(true), wait);
            }
        };
        const shown = (): void => {
            if (!document.hidden && every > 0) {
                window.clearTimeout(timer);
                void once(true);
            }
        };
        const back = (): void => {
            if (lost && lostSince() === null) {
                window.clearTimeout(timer);
                void once(true);
            }
        };
        const ignore = whenReachChanges(back);
        void once(round > 0);
        document.addEventListener('visibilitychange', shown);
        return (): void => {
            abort.abort();
            ignore();
            window.clearTimeout(timer);
            document.removeEventListener('visibilitychange', shown);
        };
    }, [path, every, round]);
    const reload = useCallback(() => setRound((n) => n + 1), []);
    const fresh = state.path === path;
    return {
        data: fresh ? state.data : null,
        error: fresh ? state.error : null,
        loading: path !== null && (!fresh || (state.data === null && state.error === null)),
        at: state.at,
        reload,
    };
}

export interface LoadedList<T, P extends Page<T>> extends Loaded<P> {
    items: T[];
    grown: boolean; // more than the first page is shown: no longer live
    growing: boolean;
    more: (() => void) | null;
}

/**
 * A list that grows by "more". Its first page may be asked again and again, until there is more than that:
 * then what is shown stays as it is.
 */
export function useList<T, P extends Page<T> = Page<T>>(path: string, every = 0): LoadedList<T, P> {
    const first = useLoad<P>(path, every);
    const [grown, setGrown] = useState<{path: string; items: T[]; next: string | null} | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [growing, setGrowing] = useState(false);
    const busy = useRef(false);
    const mine = grown !== null && grown.path === path ? grown : null;
    const items = mine?.items ?? first.data?.items ?? [];
    const cursor = mine === null ? (first.data?.next ?? null) : mine.next;
    const more = async (): Promise<void> => {
        if (cursor === null || busy.current) {
            return;
        }
        busy.current = true;
        setGrowing(true);
        try {
            const page = await ask<P>(withQuery(path, {cursor, limit: mine === null ? 100 : 200}));
            setGrown({path, items: [...items, ...page.items], next: page.next});
            setError(null);
        } catch (failure) {
            setError(asApiError(failure));
        } finally {
            busy.current = false;
            setGrowing(false);
        }
    };

    return {
        ...first,
        reload: (): void => {
            setGrown(null);
            first.reload();
        },
        error: first.error ?? error,
        items,
        grown: mine !== null,
        growing,
        more: cursor === null ? null : (): void => void more(),
    };
}

export interface Action<A extends unknown[]> {
    run: (...args: A) => Promise<boolean>;
    busy: boolean;
    error: ApiError | null;
    clear: () => void;
}

/** Something a person does: busy meanwhile, and what went wrong. run() answers whether it worked. */
export function useAction<A extends unknown[]>(act: (...args: A) => Promise<void>): Action<A> {
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<ApiError | null>(null);
    const latest = useRef(act);
    latest.current = act;
    const run = useCallback(async (...args: A): Promise<boolean> => {
        setBusy(true);
        setError(null);
        try {
            await latest.current(...args);
            return true;
        } catch (failure) {
            setError(asApiError(failure));
            return false;
        } finally {
            setBusy(false);
        }
    }, []);

    return {run, busy, error, clear: useCallback(() => setError(null), [])};
}

/** Since when the service does not answer, in seconds, or null. */
export function useLost(): number | null {
    const [since, setSince] = useState(lostSince);

    useEffect(() => whenReachChanges(() => setSince(lostSince())), []);
    return since;
}

const clocks = new Map<number, {listeners: Set<(now: number) => void>; timer: number}>();

/** The time, in seconds, again every `every` milliseconds: for "5 minutes ago". One timer, however many ask. */
export function useNow(every = 10000): number {
    const [now, setNow] = useState(seconds);

    useEffect(() => {
        let clock = clocks.get(every);
        if (clock === undefined) {
            const listeners = new Set<(now: number) => void>();
            const timer = window.setInterval(() => listeners.forEach((tell) => tell(seconds())), every);
            clock = {listeners, timer};
            clocks.set(every, clock);
        }
        const {listeners, timer} = clock;
        listeners.add(setNow);
        return (): void => {
            listeners.delete(setNow);
            if (listeners.size === 0) {
                window.clearInterval(timer);
                clocks.delete(every);
            }
        };
    }, [every]);
    return now;
}
