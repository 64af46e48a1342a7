// Charts over time by uPlot: drawn on a canvas in the page's own colours, readable as a table by everybody.
import type {JSX} from 'preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import uPlot from 'uplot';

import {localTime} from '../lib/format';
import {useScheme} from './scheme';

export interface Line {
    name: string;
    tone: 'ok' | 'bad' | 'accent' | 'quiet';
    form: 'area' | 'bars' | 'line' | 'dashed';
    values: (number | null)[];
}

interface Properties {
    label: string;
    times: number[]; // seconds
    lines: Line[];
    unit: (value: number) => string;
    height?: number;
}

const tones = {ok: '--ok', bad: '--bad', accent: '--accent', quiet: '--muted'} as const;

function colour(name: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// A colour with less of it: canvases take no CSS variables.
function faint(value: string): string {
    return `color-mix(in srgb, ${value} 22%, transparent)`;
}

// Diagonal strokes: refused areas differ from accepted ones without their colour.
function hatch(u: uPlot, stroke: string): CanvasPattern | string {
    const tile = document.createElement('canvas');
    const size = 6 * devicePixelRatio;
    tile.width = size;
    tile.height = size;
    const context = tile.getContext('2d');

    if (context === null) {
        return faint(stroke);
    }
    context.strokeStyle = stroke;
    context.lineWidth = devicePixelRatio;
    context.beginPath();
    context.moveTo(0, size);
    context.lineTo(size, 0);
    context.stroke();
    return u.ctx.createPattern(tile, 'repeat') ?? faint(stroke);
}

// A value without neighbours is no line: it gets a point.
function alone(u: uPlot, series: number): number[] {
    const values = u.data[series] as (number | null)[];

    return values.flatMap((v, i) => (v !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? [i] : []));
}

function seriesOf(line: Line): uPlot.Series {
    const stroke = colour(tones[line.tone]);
    const base: uPlot.Series = {label: line.name, stroke, width: 1.5, points: {show: false}};

    if (line.form === 'area') {
        return {...base, fill: faint(stroke)};
    }
    if (line.form === 'bars') {
        const paths = uPlot.paths.bars?.({size: [0.9, 24], gap: 1});
        return {...base, width: 1, fill: (u): CanvasPattern | string => hatch(u, stroke), ...(paths === undefined ? {} : {paths})};
    }
    const points = {show: true, size: 5, fill: stroke, filter: (u: uPlot, series: number): number[] => alone(u, series)};
    return {...base, points, ...(line.form === 'dashed' ? {dash: [5, 4]} : {})};
}

function axes(unit: (value: number) => string): uPlot.Axis[] {
    const stroke = colour('--muted');
    const grid = {stroke: colour('--line'), width: 1};
    const font = '11px "Inter Variable", system-ui, sans-serif';

    return [
        {
            stroke,
            font,
            grid: {show: false},
            ticks: {...grid, size: 4},
            size: 26,
            values: (_, splits): string[] => splits.map((s) => localTime(s).slice(11, 16)),
            space: 70,
        },
        {
            stroke,
            font,
            grid,
            ticks: {show: false},
            size: 52,
            space: 34,
            values: (_, splits): string[] => splits.map((v) => (v === null ? '' : unit(v))),
        },
    ];
}

function Legend({lines, at, times, unit}: {lines: Line[]; at: number | null; times: number[]; unit: (value: number) => string}): JSX.Element {
    const i = at ?? times.length - 1;

    return (
        <div class="legend" aria-hidden="true">
            {lines.map((line) => {
                const value = line.values[i] ?? null;
                return (
                    <span key={line.name} class="legend-item">
                        <span class={`swatch ${line.tone} ${line.form}`} />
                        {line.name} <b>{value === null ? (line.form === 'bars' ? unit(0) : '–') : unit(value)}</b>
                    </span>
                );
            })}
            <span class="quiet">{at === null || times[i] === undefined ? '' : localTime(times[i]).slice(11, 16)}</span>
        </div>
    );
}

export function Chart({label, times, lines, unit, height = 170}: Properties): JSX.Element {
    const frame = useRef<HTMLDivElement>(null);
    const plot = useRef<uPlot | null>(null);
    const [at, setAt] = useState<number | null>(null);
    const [table, setTable] = useState(false);
    const scheme = useScheme();
    const shape = lines.map((l) => l.name + l.form).join();
    const data = [times, ...lines.map((l) => l.values)] as uPlot.AlignedData;

    useEffect(() => {
        const box = frame.current;
        if (box === null || table) {
            return undefined;
        }
        const made = new uPlot(
            {
                width: box.clientWidth,
                height,
                legend: {show: false},
                padding: [8, 8, 0, 0],
                cursor: {y: false, points: {show: false}, drag: {x: false, y: false}},
                scales: {x: {time: false}, y: {range: (_, __, max): [number, number] => [0, Math.max(max * 1.1, 1)]}},
                axes: axes(unit),
                series: [{}, ...lines.map(seriesOf)],
                hooks: {setCursor: [(u): void => setAt(u.cursor.idx ?? null)]},
            },
            data,
            box,
        );
        const watch = new ResizeObserver(() => made.setSize({width: box.clientWidth, height}));
        watch.observe(box);
        plot.current = made;
        return (): void => {
            watch.disconnect();
            made.destroy();
            plot.current = null;
        };
        // the data is given below, without making the chart again
    }, [shape, height, table, scheme]);
    useEffect(() => plot.current?.setData(data), [times, lines]);
    return (
        <figure class="chart" aria-label={label}>
            <div class="chart-head">
                <Legend lines={lines} at={at} times={times} unit={unit} />
                <button type="button" class="link small" aria-pressed={table} onClick={() => setTable(!table)}>
                    {table ? 'As a chart' : 'As a table'}
                </button>
            </div>
            {table ? <Values label={label} times={times} lines={lines} unit={unit} /> : <div ref={frame} class="chart-frame" role="img" aria-label={summary(label, lines, unit)} />}
        </figure>
    );
}

function summary(label: string, lines: Line[], unit: (value: number) => string): string {
    const parts = lines.map((line) => {
        const numbers = line.values.filter((v) => v !== null);
        return numbers.length === 0
            ? `${line.name}: nothing`
            : `${line.name}: now ${unit(numbers.at(-1) as number)}, at most ${unit(Math.max(...numbers))}`;
    });

    return `${label}. ${parts.join('. ')}.`;
}

function Values({label, times, lines, unit}: {label: string; times: number[]; lines: Line[]; unit: (value: number) => string}): JSX.Element {
    const rows = times.map((t, i) => ({t, i})).toReversed();

    return (
        // the frame scrolls: it must be reachable by the keyboard
        <div class="chart-table" tabIndex={0} role="region" aria-label={`${label}, as a table`}>
            <table>
                <thead>
                    <tr>
                        <th scope="col">Time</th>
                        {lines.map((l) => (
                            <th key={l.name} scope="col" class="number">
                                {l.name}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {rows.map(({t, i}) => (
                        <tr key={t}>
                            <th scope="row">{localTime(t).slice(11, 16)}</th>
                            {lines.map((l) => {
                                const v = l.values[i] ?? null;
                                return (
                                    <td key={l.name} class="number">
                                        {v === null ? (l.form === 'bars' ? unit(0) : '–') : unit(v)}
                                    </td>
                                );
                            })}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}
