// Texts with line numbers and colours: policies to read, JSON, the difference between two versions.
import type {ComponentChildren, JSX} from 'preact';
import {useMemo} from 'preact/hooks';

import {diffLines, hunks} from '../lib/diff';
import {jsonPieces, type Piece, policyLines} from '../lib/highlight';
import {plural} from '../lib/format';
import {Copy} from './basics';

export function Pieces({pieces}: {pieces: Piece[]}): JSX.Element {
    return (
        <>
            {pieces.map((p, i) => (p.kind === 'plain' ? p.text : <span key={i} class={`t-${p.kind}`}>{p.text}</span>))}
        </>
    );
}

export interface LineMark {
    class: string;
    note?: ComponentChildren;
    label?: string; // read before the line
}

/** A policy, with some lines marked and explained below themselves. */
export function PolicyText({text, marks, label}: {text: string; marks?: Map<number, LineMark>; label: string}): JSX.Element {
    const lines = useMemo(() => policyLines(text.replace(/\n$/, '')), [text]);

    return (
        // what scrolls must be reachable by the keyboard
        <div class="code" role="group" aria-label={label} tabIndex={0}>
            {lines.map((pieces, i) => {
                const mark = marks?.get(i + 1);
                return (
                    <div key={i} class={`code-row ${mark?.class ?? ''}`} id={`line-${i + 1}`}>
                        <span class="code-number" aria-hidden="true">
                            {i + 1}
                        </span>
                        <div class="code-line">
                            {mark?.label !== undefined && <span class="unseen">{mark.label}: </span>}
                            <code>
                                <Pieces pieces={pieces} />
                            </code>
                            {mark?.note !== undefined && <div class="code-note">{mark.note}</div>}
                        </div>
                    </div>
                );
            })}
        </div>
    );
}

export function Json({value, label}: {value: unknown; label: string}): JSX.Element {
    const text = useMemo(() => JSON.stringify(value, null, 2), [value]);
    const pieces = useMemo(() => jsonPieces(text), [text]);

    return (
        <div class="json">
            <Copy text={text} what={label} wide />
            <pre tabIndex={0} role="group" aria-label={label}>
                <code>
                    <Pieces pieces={pieces} />
                </code>
            </pre>
        </div>
    );
}

const signs = {same: ' ', added: '+', removed: '−'} as const;
const spoken = {same: '', added: 'added: ', removed: 'removed: '} as const;

/** What changed from one text to another. */
export function Diff({before, after, label}: {before: string; after: string; label: string}): JSX.Element {
    const parts = useMemo(() => hunks(diffLines(before, after)), [before, after]);

    if (before === after) {
        return <p class="quiet">No difference.</p>;
    }
    return (
        <div class="code diff" role="group" aria-label={label} tabIndex={0}>
            {parts.map((part, i) =>
                'hidden' in part ? (
                    <div key={i} class="diff-gap">
                        {plural(part.hidden, 'line')} the same
                    </div>
                ) : (
                    part.lines.map((line) => (
                        <div key={`${line.before}-${line.after}`} class={`code-row ${line.kind}`}>
                            <span class="code-number" aria-hidden="true">
                                {line.before ?? ''}
                            </span>
                            <span class="code-number" aria-hidden="true">
                                {line.after ?? ''}
                            </span>
                            <div class="code-line">
                                <span class="diff-sign" aria-hidden="true">
                                    {signs[line.kind]}
                                </span>
                                <span class="unseen">{spoken[line.kind]}</span>
                                <code>{line.text}</code>
                            </div>
                        </div>
                    ))
                ),
            )}
        </div>
    );
}
