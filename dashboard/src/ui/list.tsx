// What the service is asked for, in each state that asking has: on its way, failed, empty, there.
import type {ComponentChildren, JSX} from 'preact';

import type {Page} from '../api';
import type {Loaded, LoadedList} from '../hooks';
import {Failed, Loading} from './basics';
import {More} from './table';

/** One thing. What came before an error stays: the error says that it is old. */
export function Fetched<T>({of, rows = 8, children}: {of: Loaded<T>; rows?: number; children: (data: T) => ComponentChildren}): JSX.Element {
    return (
        <>
            {/* that it does not answer is said once, above the page */}
            {of.error !== null && (of.error.status !== 0 || of.data === null) && <Failed error={of.error} retry={of.reload} since={of.data === null ? null : of.at} />}
            {of.loading && <Loading rows={rows} />}
            {of.data !== null && children(of.data)}
        </>
    );
}

/** A list that grows; `empty` stands where there is nothing. `bare`: it is in a panel already. */
export function Listed<T, P extends Page<T> = Page<T>>({
    of,
    rows = 6,
    empty,
    bare = false,
    children,
}: {
    of: LoadedList<T, P>;
    rows?: number;
    empty: JSX.Element;
    bare?: boolean;
    children: (items: T[]) => JSX.Element;
}): JSX.Element {
    return (
        <Fetched of={of} rows={rows}>
            {() =>
                of.items.length === 0 ? (
                    empty
                ) : (
                    <div class={bare ? 'list' : 'panel flush'}>
                        {children(of.items)}
                        <More more={of.more} shown={of.items.length} busy={of.growing} />
                    </div>
                )
            }
        </Fetched>
    );
}
