// A table that becomes cards where it is too wide. Roles are written out, since what CSS does to a table's
// display takes its meaning away.
import type {ComponentChildren, JSX} from 'preact';

import {A} from '../router';
import {announce} from './announce';

export interface Column<T> {
    name: string;
    cell: (row: T) => ComponentChildren;
    kind?: 'number' | 'wide' | 'main' | 'tight';
    minor?: boolean; // left out on a phone
    hideName?: boolean; // the heading is for screen readers only
}

const className = <T,>(c: Column<T>): string => `${c.kind ?? ''}${c.minor === true ? ' minor' : ''}`;

interface Properties<T> {
    label: string;
    columns: Column<T>[];
    rows: T[];
    id: (row: T) => string;
    to?: (row: T) => string | null; // the page of a row: the first column links there
    mark?: (row: T) => string; // a class of the row
}

export function Table<T>({label, columns, rows, id, to, mark}: Properties<T>): JSX.Element {
    return (
        <div class="table-frame">
            <table role="table" aria-label={label}>
                <thead role="rowgroup">
                    <tr role="row">
                        {columns.map((c) => (
                            <th key={c.name} role="columnheader" scope="col" class={className(c)}>
                                {c.hideName === true ? <span class="unseen">{c.name}</span> : c.name}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    {rows.map((row) => (
                        <Row key={id(row)} row={row} columns={columns} to={to?.(row) ?? null} mark={mark?.(row) ?? ''} />
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Row<T>({row, columns, to, mark}: {row: T; columns: Column<T>[]; to: string | null; mark: string}): JSX.Element {
    return (
        <tr role="row" class={`${mark}${to === null ? '' : ' linked'}`}>
            {columns.map((c, i) => (
                <td key={c.name} role="cell" class={className(c)} data-name={c.hideName === true ? '' : c.name}>
                    {i === 0 && to !== null ? (
                        <A to={to} class="row-link">
                            {c.cell(row)}
                        </A>
                    ) : (
                        c.cell(row)
                    )}
                </td>
            ))}
        </tr>
    );
}

/** Under a list: how to see more of it. */
export function More({more, shown}: {more: (() => void) | null; shown: number}): JSX.Element | null {
    return more === null ? null : (
        <div class="more">
            <button
                type="button"
                class="button"
                onClick={() => {
                    announce(`Loading more than ${shown}.`);
                    more();
                }}
            >
                Show more
            </button>
        </div>
    );
}
