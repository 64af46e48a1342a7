// Times, numbers and hashes as people read them.

const dateParts: Intl.DateTimeFormatOptions = {year: 'numeric', month: '2-digit', day: '2-digit'};
const timeParts: Intl.DateTimeFormatOptions = {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'};

function iso(seconds: number, zone: string | undefined, parts: Intl.DateTimeFormatOptions): Record<string, string> {
    const options = zone === undefined ? parts : {...parts, timeZone: zone};
    const pieces = new Intl.DateTimeFormat('en-GB', options).formatToParts(new Date(seconds * 1000));

    return Object.fromEntries(pieces.map((p) => [p.type, p.value]));
}

/** 2026-07-02 14:03:20 in the browser's zone, or in the one given. */
export function localTime(seconds: number, zone?: string): string {
    const p = iso(seconds, zone, {...dateParts, ...timeParts});

    return `${p['year']}-${p['month']}-${p['day']} ${p['hour']}:${p['minute']}:${p['second']}`;
}

/** 2026-07-02T14:03 in the browser's zone: what a field for a time holds. */
export function localMinute(seconds: number): string {
    return localTime(seconds).slice(0, 16).replace(' ', 'T');
}

/** 14:03:20, or with the date when it is another day than `now`. */
export function shortTime(seconds: number, now: number, zone?: string): string {
    const whole = localTime(seconds, zone);

    return whole.slice(0, 10) === localTime(now, zone).slice(0, 10) ? whole.slice(11) : whole.slice(5, 16);
}

/** 2026-07-02 14:03:20 UTC */
export function utcTime(seconds: number): string {
    return `${localTime(seconds, 'UTC')} UTC`;
}

/** The same time in UTC, in brackets behind a local one: with its date only where that differs. */
export function utcBeside(seconds: number, zone?: string): string {
    const utc = utcTime(seconds);

    return utc.slice(0, 10) === localTime(seconds, zone).slice(0, 10) ? utc.slice(11) : utc;
}

/** 2026-07-02, in the browser's zone. */
export function localDate(seconds: number): string {
    return localTime(seconds).slice(0, 10);
}

const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ['day', 86400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
];
const relative = new Intl.RelativeTimeFormat('en', {numeric: 'always'});

/** "5 minutes ago", "in 3 days". */
export function ago(seconds: number, now: number): string {
    const difference = Math.round(seconds - now);
    const [unit, size] = units.find(([, s]) => Math.abs(difference) >= s) ?? ['second', 1];

    return Math.abs(difference) < 2 ? 'just now' : relative.format(Math.trunc(difference / size), unit);
}

/** Whole days until then; negative when it is over. */
export function daysLeft(seconds: number, now: number): number {
    return Math.floor((seconds - now) / 86400);
}

const grouped = new Intl.NumberFormat('en', {maximumFractionDigits: 0});

/** 12,345 */
export function count(n: number): string {
    return grouped.format(n);
}

/** 1.9 ms, 240 ms, 1.2 s */
export function duration(ms: number | null): string {
    if (ms === null) {
        return '–';
    }
    if (ms >= 1000) {
        return `${(ms / 1000).toFixed(1)} s`;
    }
    return ms >= 100 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

/** 812 B, 4.6 KiB */
export function bytes(n: number): string {
    if (n < 1024) {
        return `${n} B`;
    }
    return n < 1048576 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 1048576).toFixed(1)} MiB`;
}

/** A hash's beginning and end: enough to tell two apart by eye. */
export function shortHash(hex: string, head = 8, tail = 4): string {
    return hex.length <= head + tail + 1 ? hex : `${hex.slice(0, head)}…${hex.slice(-tail)}`;
}

/** A sentence with its long hashes shortened: for lists, where the whole is a click away. */
export function shortSentence(text: string): string {
    return text.replace(/[0-9a-f]{24,}/g, (hex) => shortHash(hex));
}

/** 3 rules, 1 rule */
export function plural(n: number, one: string, many = `${one}s`): string {
    return `${count(n)} ${n === 1 ? one : many}`;
}

const teeNames: Record<string, string> = {
    sgx: 'SGX',
    tdx: 'TDX',
    snp: 'SEV-SNP',
    nitro: 'Nitro',
    tpm: 'TPM',
    cca: 'Arm CCA',
    psa: 'PSA',
    optee: 'OP-TEE',
    nvidia: 'NVIDIA',
    gce: 'Google Cloud VM',
    gcp: 'Google Confidential Space',
};

/** What people call a TEE; an unknown one as it is. */
export function teeName(tee: string | null): string {
    return tee === null ? 'unknown' : (teeNames[tee] ?? tee);
}
