// A policy editor: a plain textarea, with the same text in colours under it. What the service says about a
// line stands at that line, and in a list that leads there.
import type {JSX} from 'preact';
import {useEffect, useId, useMemo, useRef} from 'preact/hooks';

import type {Place} from '../api';
import {type Piece, policyLines, splitAt} from '../lib/highlight';
import {Pieces} from './code';
import {Icon} from './icons';

export interface EditorNote extends Place {
    kind: 'error' | 'warning' | 'new';
}

interface Properties {
    label: string;
    value: string;
    onChange: (value: string) => void;
    notes: EditorNote[];
    readOnly?: boolean;
    go?: {line: number; column: number; round: number} | null; // where the cursor is to stand
}

/** Where a line begins, in characters of the text. */
export function offsetOf(text: string, line: number, column: number): number {
    const lines = text.split('\n');
    const before = lines.slice(0, line - 1).reduce((sum, l) => sum + l.length + 1, 0);
    const inLine = Array.from(lines[line - 1] ?? '').slice(0, column - 1).join('').length;

    return Math.min(text.length, before + inLine);
}

// Tab moves the focus on, as everywhere; Ctrl+] and Ctrl+[ indent, as editors do.
function indent(area: HTMLTextAreaElement, back: boolean): void {
    const {value, selectionStart: start, selectionEnd: end} = area;
    const first = value.lastIndexOf('\n', start - 1) + 1;
    const block = value.slice(first, end);
    const changed = back ? block.replace(/^ {1,4}/gm, '') : block.replace(/^(?=.)/gm, '    ');

    area.setRangeText(changed, first, end, 'preserve');
    area.dispatchEvent(new Event('input', {bubbles: true}));
}

// A new line begins where the one before began.
function newline(area: HTMLTextAreaElement): void {
    const first = area.value.lastIndexOf('\n', area.selectionStart - 1) + 1;
    const blanks = /^ */.exec(area.value.slice(first, area.selectionStart))?.[0] ?? '';

    area.setRangeText(`\n${blanks}`, area.selectionStart, area.selectionEnd, 'end');
    area.dispatchEvent(new Event('input', {bubbles: true}));
}

function onKey(event: KeyboardEvent): void {
    const area = event.currentTarget as HTMLTextAreaElement;

    if ((event.ctrlKey || event.metaKey) && (event.key === ']' || event.key === '[')) {
        event.preventDefault();
        indent(area, event.key === '[');
    } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        newline(area);
    }
}

// underlined from where it is wrong
function Wrong({pieces, column}: {pieces: Piece[]; column: number}): JSX.Element {
    const [before, rest] = splitAt(pieces, column);

    return (
        <>
            <Pieces pieces={before} />
            <span class="editor-wrong">
                <Pieces pieces={rest} />
            </span>
        </>
    );
}

export function Editor({label, value, onChange, notes, readOnly = false, go}: Properties): JSX.Element {
    const id = useId();
    const area = useRef<HTMLTextAreaElement>(null);
    const under = useRef<HTMLDivElement>(null);
    const lines = useMemo(() => policyLines(value), [value]);
    const byLine = useMemo(() => new Map(notes.toReversed().map((n) => [n.line, n])), [notes]);
    const follow = (): void => {
        if (under.current !== null && area.current !== null) {
            under.current.style.transform = `translate(${-area.current.scrollLeft}px, ${-area.current.scrollTop}px)`;
        }
    };

    useEffect(() => {
        if (go !== null && go !== undefined && area.current !== null) {
            const at = offsetOf(area.current.value, go.line, go.column);
            area.current.focus();
            area.current.setSelectionRange(at, at);
            area.current.scrollTop = Math.max(0, (go.line - 4) * 20);
            follow();
        }
    }, [go]);
    return (
        <div class="editor">
            <label class="unseen" for={id}>
                {label}
            </label>
            <div class="editor-frame" style={{height: `${Math.min(Math.max(lines.length + 2, 12), 32) * 20 + 16}px`}}>
                <div class="editor-under" ref={under} aria-hidden="true">
                    {lines.map((pieces, i) => {
                        const note = byLine.get(i + 1);
                        return (
                            <div key={i} class={`editor-row ${note?.kind ?? ''}`}>
                                <span class="editor-number">{i + 1}</span>
                                <span class="editor-text">{note?.kind === 'error' ? <Wrong pieces={pieces} column={note.column} /> : <Pieces pieces={pieces} />}</span>
                                {note !== undefined && note.message !== '' && (
                                    <span class="editor-note">
                                        <Icon name={note.kind === 'error' ? 'no' : 'warning'} size={12} /> {note.message}
                                    </span>
                                )}
                            </div>
                        );
                    })}
                </div>
                <textarea
                    id={id}
                    ref={area}
                    value={value}
                    readOnly={readOnly}
                    spellcheck={false}
                    autocomplete="off"
                    autocapitalize="off"
                    wrap="off"
                    aria-describedby={`${id}-notes`}
                    aria-invalid={notes.some((n) => n.kind === 'error')}
                    onInput={(e) => onChange(e.currentTarget.value)}
                    onScroll={follow}
                    onKeyDown={onKey}
                />
            </div>
            <ul class="editor-list" id={`${id}-notes`} aria-live="polite">
                {notes
                    .filter((n) => n.message !== '')
                    .map((n) => (
                        <li key={`${n.line}-${n.column}-${n.message}`} class={n.kind}>
                            <Icon name={n.kind === 'error' ? 'no' : 'warning'} size={14} />
                            <span>
                                <b>
                                    {n.kind === 'error' ? 'Error' : 'Warning'}
                                    {n.line > 0 ? `, line ${n.line}, column ${n.column}` : ''}:
                                </b>{' '}
                                {n.message}
                            </span>
                            {n.line > 0 && (
                                <button
                                    type="button"
                                    class="link small"
                                    onClick={() => {
                                        const at = offsetOf(value, n.line, n.column);
                                        area.current?.focus();
                                        area.current?.setSelectionRange(at, at);
                                    }}
                                >
                                    Go there
                                </button>
                            )}
                        </li>
                    ))}
            </ul>
        </div>
    );
}
