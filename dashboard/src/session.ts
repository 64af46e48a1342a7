// Who is logged in, and what he may do: for what is shown only, the service decides by itself.
import {createContext} from 'preact';
import {useContext} from 'preact/hooks';

import type {Me, Role} from './api';

export interface Session {
    me: Me;
    refresh: (me: Me | null) => void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
    const session = useContext(SessionContext);

    if (session === null) {
        throw new Error('no session above this component');
    }
    return session;
}

/** Whether the user has one of the roles; an admin is an author and an auditor, too. */
export function useMay(...roles: Role[]): boolean {
    const has = useSession().me.user?.roles ?? [];

    return roles.some((role) => has.includes(role) || (has.includes('admin') && (role === 'author' || role === 'auditor')));
}
