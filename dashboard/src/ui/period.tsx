// Which time a list is of: a span up to now, or between two times; the address keeps it.
import type {JSX} from 'preact';
import {useMemo} from 'preact/hooks';

import {localMinute} from '../lib/format';
import {useParameter} from '../router';

const spans: Record<string, [string, number]> = {
    hour: ['The last hour', 3600],
    day: ['The last 24 hours', 86400],
    week: ['The last 7 days', 604800],
    month: ['The last 30 days', 2592000],
};

export interface Period {
    from: number | null; // seconds
    to: number | null;
    any: boolean;
}

const secondsOf = (text: string): number | null => {
    const ms = text === '' ? NaN : new Date(text).getTime();

    return Number.isFinite(ms) ? Math.floor(ms / 1000) : null;
};

/** What the address says of it. */
export function usePeriod(): Period {
    const [period] = useParameter('period');
    const [from] = useParameter('from');
    const [to] = useParameter('to');

    return useMemo(() => {
        const length = spans[period]?.[1];
        if (length !== undefined) {
            return {from: Math.floor(Date.now() / 60000) * 60 - length, to: null, any: false};
        }
        return period === 'between' ? {from: secondsOf(from), to: secondsOf(to), any: false} : {from: null, to: null, any: true};
    }, [period, from, to]);
}

function Moment({name, value, onChange}: {name: string; value: string; onChange: (value: string) => void}): JSX.Element {
    return (
        <label class="moment">
            <span class="quiet small">{name}</span>
            <input type="datetime-local" value={value} max={localMinute(Date.now() / 1000 + 60)} onChange={(e) => onChange(e.currentTarget.value)} />
        </label>
    );
}

/** The controls of it, in a form of class "filters". */
export function PeriodFilter(): JSX.Element {
    const [period, setPeriod] = useParameter('period');
    const [from, setFrom] = useParameter('from');
    const [to, setTo] = useParameter('to');

    return (
        <>
            <label>
                <span class="unseen">Time</span>
                <select
                    value={period}
                    onChange={(e) => {
                        const chosen = e.currentTarget.value;
                        if (chosen !== 'between') {
                            setFrom('');
                            setTo('');
                        }
                        setPeriod(chosen);
                    }}
                >
                    <option value="">Any time</option>
                    {Object.entries(spans).map(([id, [name]]) => (
                        <option key={id} value={id}>
                            {name}
                        </option>
                    ))}
                    <option value="between">Between…</option>
                </select>
            </label>
            {period === 'between' && (
                <>
                    <Moment name="from" value={from} onChange={setFrom} />
                    <Moment name="to" value={to} onChange={setTo} />
                </>
            )}
        </>
    );
}
