// A table that becomes cards where it is too wide. Roles are written out, since what CSS does to a table's
// display takes its meaning away.
import type {ComponentChildren, JSX} from 'preact';

import {count} from '../lib/format';
import {A} from '../router';
import {announce} from './announce';

export interface Column<T> {
    name: string;
    cell: (row: T) => ComponentChildren;
    kind?: 'number' | 'wide' | 'main' | 'tight';
    minor?: boolean; // left out where there is no room
    hideName?: boolean; // the heading is for screen readers only
    // of a card: its title (else the column of kind "main", or the first), what stands beside that, what stands below it
    card?: 'title' | 'state' | 'lead';
}

function classesOf<T>(columns: Column<T>[]): string[] {
    const title = columns.find((c) => c.card === 'title') ?? columns.find((c) => c.kind === 'main') ?? columns[0];

    return columns.map((c) => {
        const card = c === title ? 'card-title' : c.card === undefined ? '' : `card-${c.card}`;
        return [c.kind, card, c.minor === true ? 'minor' : ''].filter(Boolean).join(' ');
    });
}

/** Where a value would be: nothing. Cards leave such a line out. */
export function None(): JSX.Element {
    return <span class="quiet none">–</span>;
}

/** A text that others have chosen, however long: two lines of it, the whole in its title. */
export function Long({text}: {text: string}): JSX.Element {
    return (
        <span class="long" title={text}>
            {text}
        </span>
    );
}

interface Properties<T> {
    label: string;
    columns: Column<T>[];
    rows: T[];
    id: (row: T) => string;
    to?: (row: T) => string | null; // the page of a row: the first column links there
    about?: (row: T) => string; // what that link says to those who hear it alone, behind the first column
    mark?: (row: T) => string; // a class of the row
}

export function Table<T>({label, columns, rows, id, to, about, mark}: Properties<T>): JSX.Element {
    const classes = classesOf(columns);

    return (
        <div class="table-frame">
            <table role="table" aria-label={label}>
                <thead role="rowgroup">
                    <tr role="row">
                        {columns.map((c, i) => (
                            <th key={c.name} role="columnheader" scope="col" class={classes[i]}>
                                {c.hideName === true ? <span class="unseen">{c.name}</span> : c.name}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    {rows.map((row) => (
                        <Row key={id(row)} row={row} columns={columns} classes={classes} to={to?.(row) ?? null} about={about?.(row) ?? ''} mark={mark?.(row) ?? ''} />
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Row<T>({row, columns, classes, to, about, mark}: {row: T; columns: Column<T>[]; classes: string[]; to: string | null; about: string; mark: string}): JSX.Element {
    return (
        <tr role="row" class={`${mark}${to === null ? '' : ' linked'}`}>
            {columns.map((c, i) => (
                <td key={c.name} role="cell" class={classes[i]} data-name={c.hideName === true ? '' : c.name}>
                    <div class="cell">
                        {i === 0 && to !== null ? (
                            <A to={to} class="row-link">
                                {c.cell(row)}
                                {about !== '' && <span class="unseen">, {about}</span>}
                            </A>
                        ) : (
                            c.cell(row)
                        )}
                    </div>
                </td>
            ))}
        </tr>
    );
}

/** Under a list: how much of it is shown, and how to see more. */
export function More({more, shown, busy}: {more: (() => void) | null; shown: number; busy: boolean}): JSX.Element | null {
    return more === null ? null : (
        <div class="more">
            <span class="quiet small">The first {count(shown)} are shown.</span>
            <button
                type="button"
                class="button small"
                disabled={busy}
                onClick={() => {
                    announce(`Loading more than ${shown}.`);
                    more();
                }}
            >
                {busy ? 'Loading…' : 'Show more'}
            </button>
        </div>
    );
}
