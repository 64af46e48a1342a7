// What is what in a policy (docs/policy.md) or in JSON: for colours only, never for meaning.

export type TokenKind = 'comment' | 'string' | 'number' | 'word' | 'section' | 'action' | 'name' | 'sign' | 'plain';
export interface Piece {
    kind: TokenKind;
    text: string;
}

const sections = new Set(['authorizationrules', 'issuancerules', 'configurationrules', 'version']);
const actions = new Set(['permit', 'deny', 'issue', 'add', 'issueproperty']);
const words = new Set(['true', 'false', 'null']);
const names = new Set(['type', 'value', 'issuer', 'valuetype', 'claim']);

const policyToken = /\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"?|\d+(?:\.\d+)?|[A-Za-z_$][\w$]*|=>|==|!=|<=|>=|&&|[[\](){}<>=!:;.,]|\s+|./gu;
const jsonToken = /"(?:[^"\\\n]|\\.)*"?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[a-z]+|[[\]{}:,]|\s+|./gu;

function policyKind(text: string): TokenKind {
    const lower = text.toLowerCase();

    if (text.startsWith('//')) {
        return 'comment';
    }
    if (text.startsWith('"')) {
        return 'string';
    }
    if (/^\d/.test(text)) {
        return 'number';
    }
    if (sections.has(lower)) {
        return 'section';
    }
    if (actions.has(lower)) {
        return 'action';
    }
    if (words.has(lower)) {
        return 'word';
    }
    if (names.has(lower)) {
        return 'name';
    }
    return /^[A-Za-z_$\s]/.test(text) ? 'plain' : 'sign';
}

/** The pieces of a policy, in order; together they are the text. */
export function policyPieces(text: string): Piece[] {
    return (text.match(policyToken) ?? []).map((piece) => ({kind: policyKind(piece), text: piece}));
}

/** A line's pieces before a column (from 1, in characters), and from it on. */
export function splitAt(pieces: Piece[], column: number): [Piece[], Piece[]] {
    const before: Piece[] = [];
    const rest: Piece[] = [];
    let left = Math.max(0, column - 1);

    for (const piece of pieces) {
        const characters = Array.from(piece.text);
        const head = characters.slice(0, left).join('');
        const tail = characters.slice(left).join('');
        left = Math.max(0, left - characters.length);
        if (head !== '') {
            before.push({kind: piece.kind, text: head});
        }
        if (tail !== '') {
            rest.push({kind: piece.kind, text: tail});
        }
    }
    return [before, rest];
}

/** The same by lines. */
export function policyLines(text: string): Piece[][] {
    return text.split('\n').map(policyPieces);
}

/** The pieces of JSON; a string before a colon is a name. */
export function jsonPieces(text: string): Piece[] {
    const raw = text.match(jsonToken) ?? [];
    const out: Piece[] = [];
    let next = '';

    for (const piece of raw.toReversed()) {
        out.push({kind: jsonKind(piece, next), text: piece});
        next = piece.trim() === '' ? next : piece;
    }
    return out.toReversed();
}

function jsonKind(piece: string, next: string): TokenKind {
    if (piece.startsWith('"')) {
        return next === ':' ? 'name' : 'string';
    }
    if (/^[-\d]/.test(piece)) {
        return 'number';
    }
    if (words.has(piece)) {
        return 'word';
    }
    return piece.trim() === '' ? 'plain' : 'sign';
}
