// Fields for passwords; a new one is typed twice, since nobody sees what he types.
import type {JSX, Ref} from 'preact';
import {useRef, useState} from 'preact/hooks';

import {Field} from './basics';

interface Properties {
    label: string;
    value: string;
    onValue: (value: string) => void;
    autocomplete: 'current-password' | 'new-password';
    hint?: string;
    error?: string | null;
    minLength?: number;
    required?: boolean;
    field?: Ref<HTMLInputElement>;
}

export function Password({label, value, onValue, autocomplete, hint, error = null, minLength, required = true, field}: Properties): JSX.Element {
    return (
        <Field label={label} error={error} {...(hint === undefined ? {} : {hint})}>
            {(ids) => (
                <input
                    {...ids}
                    {...(field === undefined ? {} : {ref: field})}
                    {...(minLength === undefined ? {} : {minLength})}
                    type="password"
                    value={value}
                    onInput={(e) => onValue(e.currentTarget.value)}
                    autocomplete={autocomplete}
                    required={required}
                />
            )}
        </Field>
    );
}

export interface NewPassword {
    value: string;
    fields: (error: string | null) => JSX.Element; // error: what the service says of it
    agree: () => boolean; // both are the same; if not, the second has the focus and says so
    clear: () => void;
}

export function useNewPassword(label: string, again: string): NewPassword {
    const [value, setValue] = useState('');
    const [second, setSecond] = useState('');
    const [differ, setDiffer] = useState(false);
    const field = useRef<HTMLInputElement>(null);

    return {
        value,
        fields: (error) => (
            <>
                <Password label={label} hint="At least 12 characters." error={error} value={value} onValue={setValue} autocomplete="new-password" minLength={12} />
                <Password label={again} error={differ ? 'The two passwords differ.' : null} value={second} onValue={setSecond} autocomplete="new-password" field={field} />
            </>
        ),
        agree: () => {
            setDiffer(value !== second);
            if (value !== second) {
                field.current?.focus();
            }
            return value === second;
        },
        clear: () => {
            setValue('');
            setSecond('');
            setDiffer(false);
        },
    };
}
