// The part of the policy language (docs/policy.md) that the mock's policies use, read and evaluated well
// enough to answer as the service does: places of errors, traces, what-if.

export class PolicyError extends Error {
    constructor(message, line, column) {
        super(message);
        this.place = {line, column, message};
    }
}

const token = /\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|\d+(?:\.\d+)?|[A-Za-z_][\w-]*|=>|==|!=|<=|>=|&&|[[\](){}<>=!:;.,]|\s+/y;

function lex(text) {
    const out = [];
    let line = 1;
    let column = 1;

    for (let at = 0; at < text.length; ) {
        token.lastIndex = at;
        const match = token.exec(text);
        if (match === null) {
            const what = text[at] === '"' ? 'the string does not end on its line' : 'a character that has no meaning here';
            throw new PolicyError(what, line, column);
        }
        const piece = match[0];
        if (piece.trim() !== '' && !piece.startsWith('//')) {
            out.push({text: piece, line, column, at});
        }
        for (const c of piece) {
            column = c === '\n' ? 1 : column + 1;
            line += c === '\n' ? 1 : 0;
        }
        at += piece.length;
    }
    out.push({text: '', line, column, at: text.length});
    return out;
}

class Parser {
    constructor(text) {
        this.source = text;
        this.tokens = lex(text);
        this.at = 0;
    }
    get here() {
        return this.tokens[this.at];
    }
    refuse(message) {
        throw new PolicyError(message, this.here.line, this.here.column);
    }
    take(text) {
        if (this.here.text !== text) {
            this.refuse(`"${text}" is expected`);
        }
        return this.tokens[this.at++];
    }
    has(text) {
        if (this.here.text === text) {
            this.at++;
            return true;
        }
        return false;
    }
    until(from) {
        const last = this.tokens[this.at - 1];
        return this.source.slice(from.at, last.at + last.text.length);
    }
    word() {
        if (!/^[A-Za-z_]/.test(this.here.text)) {
            this.refuse('a name is expected');
        }
        return this.tokens[this.at++].text;
    }
    literal() {
        const t = this.here.text;
        if (!/^("|\d|true$|false$)/.test(t)) {
            this.refuse('a value is expected');
        }
        this.at++;
        return JSON.parse(t);
    }
    condition() {
        const first = this.here;
        const rule = {properties: [], name: null, negated: this.has('!')};
        if (/^[A-Za-z_]/.test(this.here.text)) {
            rule.name = this.word();
            this.take(':');
        }
        this.take('[');
        do {
            const property = this.word();
            if (!['type', 'value', 'issuer', 'valueType'].includes(property)) {
                this.at--;
                this.refuse('type, value, valueType or issuer is expected');
            }
            const sign = this.here.text;
            if (!['==', '!=', '<', '>', '<=', '>='].includes(sign)) {
                this.refuse('a comparison is expected');
            }
            this.at++;
            rule.properties.push([property, sign, this.literal()]);
        } while (this.has(','));
        this.take(']');
        return {...rule, text: this.until(first)};
    }
    action() {
        const name = this.word();
        if (!['permit', 'deny', 'issue', 'add', 'issueproperty'].includes(name)) {
            this.at--;
            this.refuse('permit, deny, add, issue or issueproperty is expected');
        }
        this.take('(');
        const args = {};
        while (this.here.text !== ')') {
            const arg = this.word();
            this.take('=');
            args[arg] = /^[A-Za-z_]/.test(this.here.text) && !/^(true|false)$/.test(this.here.text) ? {from: (this.word(), this.has('.') && this.word())} : this.literal();
            if (!this.has(',')) {
                break;
            }
        }
        this.take(')');
        return {name, args};
    }
    rule(section) {
        const first = this.here;
        const conditions = [];
        while (this.here.text !== '=>') {
            conditions.push(this.condition());
            if (!this.has('&&')) {
                break;
            }
        }
        this.take('=>');
        const action = this.action();
        const rule = {section, line: first.line, conditions, action, text: this.until(first)};
        this.has(';');
        return rule;
    }
    policy() {
        const rules = [];
        this.take('version');
        this.take('=');
        const version = this.here.text;
        if (!['1.0', '1.1', '1.2'].includes(version)) {
            this.refuse('the version is 1.0, 1.1 or 1.2');
        }
        this.at++;
        this.take(';');
        while (this.here.text !== '') {
            const section = this.word();
            if (!['authorizationrules', 'issuancerules', 'configurationrules'].includes(section)) {
                this.at--;
                this.refuse('the name of a section is expected');
            }
            this.take('{');
            while (!this.has('}')) {
                rules.push(this.rule(section));
            }
            this.has(';');
        }
        return {version, rules};
    }
}

/** @throws PolicyError */
export function parse(text) {
    if (text.trim() === '') {
        throw new PolicyError('an empty policy is no policy', 1, 1);
    }
    return new Parser(text).policy();
}

/** What is correct but hardly meant. */
export function warnings(policy) {
    return policy.rules.flatMap((r) =>
        r.conditions.flatMap((c) =>
            c.properties
                .filter(([p, , v]) => p === 'value' && typeof v === 'string' && /^[0-9A-F]{32,}$/.test(v) && /[A-F]/.test(v))
                .map(() => ({line: r.line, column: 1, message: 'a digest in capital letters never equals one of evidence'})),
        ),
    );
}

const compare = {
    '==': (a, b) => a === b,
    '!=': (a, b) => a !== b,
    '<': (a, b) => a < b,
    '>': (a, b) => a > b,
    '<=': (a, b) => a <= b,
    '>=': (a, b) => a >= b,
};

const holds = (claim, [property, sign, value]) =>
    ['<', '>', '<=', '>='].includes(sign) && typeof claim[property] !== 'number' ? false : compare[sign](claim[property], value);

function step(rule, claims) {
    const base = {section: rule.section, line: rule.line, rule: rule.text};
    const matched = [];

    for (const c of rule.conditions) {
        const found = claims.find((claim) => c.properties.every((p) => holds(claim, p)));
        if ((found === undefined) !== c.negated) {
            const type = c.properties.find(([p]) => p === 'type')?.[2];
            const nearest = claims.find((claim) => claim.type === type);
            return {...base, fired: false, not_met: c.text, ...(nearest === undefined ? {} : {nearest})};
        }
        if (found !== undefined) {
            matched.push(found);
        }
    }
    return {...base, fired: true, matched};
}

/** The outcome as cm_policy_outcome_json() has it. claims: {type, value, issuer}. */
export function evaluate(policy, claims) {
    const out = {permitted: false, status: 'refused by policy', reason: 'no rule permits', line: null, issued: [], properties: [], trace: []};
    let denied = false;

    for (const rule of policy.rules.filter((r) => r.section === 'authorizationrules')) {
        const s = step(rule, claims);
        out.trace.push(s);
        if (s.fired && rule.action.name === 'deny') {
            denied = true;
            Object.assign(out, {permitted: false, line: rule.line, reason: `line ${rule.line} denies: ${s.matched.map((c) => `${c.type} is ${c.value}`).join(', ')}`});
            break;
        }
        if (s.fired && rule.action.name === 'permit' && !out.permitted) {
            Object.assign(out, {permitted: true, status: 'ok', line: rule.line, reason: `permitted by line ${rule.line}`});
        }
    }
    if (!out.permitted && !denied) {
        const missed = out.trace.find((t) => !t.fired && !/=>\s*deny/.test(t.rule));
        if (missed !== undefined) {
            const near = missed.nearest === undefined ? 'there is no such claim' : `${missed.nearest.type} is ${JSON.stringify(missed.nearest.value)}`;
            out.reason = `no rule permits: line ${missed.line} needs ${missed.not_met}, but ${near}`;
        }
    }
    if (out.permitted) {
        for (const rule of policy.rules.filter((r) => r.section === 'issuancerules')) {
            const s = step(rule, claims);
            out.trace.push(s);
            if (s.fired && rule.action.name === 'issue') {
                const value = rule.action.args.value;
                out.issued.push({type: rule.action.args.type, value: value?.from === undefined ? value : s.matched[0]?.value, issuer: 'AttestationPolicy'});
            }
        }
    }
    return out;
}
