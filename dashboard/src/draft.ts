// Drafts of policies between pages and reloads, in this tab only: nothing that was typed is lost by looking
// something up.

export interface Draft {
    text: string;
    base: number; // the version in force when it was begun
    line?: number; // the first new line, if something made the draft
    note?: string;
}

const key = (type: string): string => `casemate-draft-${type}`;

export function putDraft(type: string, draft: Draft | null): void {
    try {
        if (draft === null) {
            window.sessionStorage.removeItem(key(type));
        } else {
            window.sessionStorage.setItem(key(type), JSON.stringify(draft));
        }
    } catch {
        // without storage a draft lives as long as its page
    }
}

export function takeDraft(type: string): Draft | null {
    try {
        const kept: unknown = JSON.parse(window.sessionStorage.getItem(key(type)) ?? 'null');
        const draft = kept as Draft | null;
        return draft !== null && typeof draft.text === 'string' && typeof draft.base === 'number' ? draft : null;
    } catch {
        return null;
    }
}
