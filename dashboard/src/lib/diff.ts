// The difference between two texts, by lines.

export interface DiffLine {
    kind: 'same' | 'added' | 'removed';
    text: string;
    before: number | null; // line numbers from 1
    after: number | null;
}

const lines = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

// Lengths of the longest common subsequences of all pairs of ends.
function table(a: string[], b: string[]): Uint16Array[] {
    const rows = Array.from({length: a.length + 1}, () => new Uint16Array(b.length + 1));

    for (let i = a.length - 1; i >= 0; i--) {
        const row = rows[i] as Uint16Array;
        const below = rows[i + 1] as Uint16Array;
        for (let j = b.length - 1; j >= 0; j--) {
            row[j] =
                a[i] === b[j]
                    ? (below[j + 1] as number) + 1
                    : Math.max(below[j] as number, row[j + 1] as number);
        }
    }
    return rows;
}

/** All lines of both texts in order; removed ones before added ones. Texts of a few thousand lines. */
export function diffLines(before: string, after: string): DiffLine[] {
    const a = lines(before);
    const b = lines(after);
    const out: DiffLine[] = [];
    let i = 0;
    let j = 0;

    while (i < a.length && i < b.length && a[i] === b[i]) {
        i++;
    }
    const head = i;
    const rows = table(a.slice(head), b.slice(head));
    for (let k = 0; k < head; k++) {
        out.push({kind: 'same', text: a[k] as string, before: k + 1, after: k + 1});
    }
    j = head;
    while (i < a.length || j < b.length) {
        const down = rows[i - head + 1]?.[j - head] ?? -1;
        const right = rows[i - head]?.[j - head + 1] ?? -1;
        if (i < a.length && j < b.length && a[i] === b[j]) {
            out.push({kind: 'same', text: a[i] as string, before: ++i, after: ++j});
        } else if (i < a.length && (j >= b.length || down >= right)) {
            out.push({kind: 'removed', text: a[i] as string, before: ++i, after: null});
        } else {
            out.push({kind: 'added', text: b[j] as string, before: null, after: ++j});
        }
    }
    return out;
}

export type Hunk = {lines: DiffLine[]} | {hidden: number};

/** The changes with a few lines around them; what lies between is only counted. */
export function hunks(all: DiffLine[], around = 3): Hunk[] {
    const near = all.map((_, i) =>
        all.slice(Math.max(0, i - around), i + around + 1).some((line) => line.kind !== 'same'),
    );
    const out: Hunk[] = [];

    all.forEach((line, i) => {
        const last = out.at(-1);
        if (near[i] === true) {
            if (last !== undefined && 'lines' in last) {
                last.lines.push(line);
            } else {
                out.push({lines: [line]});
            }
        } else if (last !== undefined && 'hidden' in last) {
            last.hidden++;
        } else {
            out.push({hidden: 1});
        }
    });
    return out;
}
