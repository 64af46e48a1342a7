// One quiet live region for what has happened: screen readers say it, nobody else is disturbed.
import type {JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';

let say: (text: string) => void = () => undefined;

export function announce(text: string): void {
    say(text);
}

export function Announcer(): JSX.Element {
    const [text, setText] = useState('');

    useEffect(() => {
        say = (next): void => {
            setText('');
            window.setTimeout(() => setText(next), 50);
        };
    }, []);
    return (
        <p class="unseen" role="status" aria-live="polite">
            {text}
        </p>
    );
}
