// A key release policy (docs/policy.md) in words.

export interface Sentence {
    text: string;
    depth: number;
}

const comparisons: Record<string, string> = {
    equals: 'is',
    notEquals: 'is there and is not', // a claim that is absent satisfies nothing
    less: 'is less than',
    lessOrEquals: 'is at most',
    greater: 'is more than',
    greaterOrEquals: 'is at least',
};

type Node = Record<string, unknown>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);
const show = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function condition(node: Node): string {
    const claim = String(node['claim']);

    if ('exists' in node) {
        return node['exists'] === true ? `${claim} is there` : `${claim} is not there`;
    }
    if ('condition' in node) {
        return `${claim} ${comparisons[String(node['condition'])] ?? String(node['condition'])} ${show(node['value'])}`;
    }
    const name = Object.keys(node).find((key) => key !== 'claim');
    return name === undefined ? claim : `${claim} ${comparisons[name] ?? name} ${show(node[name])}`;
}

function group(node: Node, depth: number, out: Sentence[]): void {
    for (const name of ['allOf', 'anyOf'] as const) {
        const items = node[name];
        if (!Array.isArray(items)) {
            continue;
        }
        if (items.length > 1) {
            out.push({text: name === 'allOf' ? 'all of:' : 'at least one of:', depth});
        }
        for (const item of items) {
            if (!isNode(item)) {
                continue;
            }
            if ('claim' in item) {
                out.push({text: condition(item), depth: items.length > 1 ? depth + 1 : depth});
            } else {
                group(item, items.length > 1 ? depth + 1 : depth, out);
            }
        }
    }
}

/** One sentence a line; what is not understood is left to whoever shows the JSON beside it. */
export function releaseWords(policy: Record<string, unknown>): Sentence[] {
    const out: Sentence[] = [];
    const authorities = policy['anyOf'];

    if (!Array.isArray(authorities)) {
        return out;
    }
    authorities.forEach((authority, i) => {
        if (isNode(authority)) {
            out.push({text: `${i === 0 ? 'To' : 'Or to'} whoever has a token of ${show(authority['authority'])} in which`, depth: 0});
            group(authority, 1, out);
        }
    });
    return out;
}
