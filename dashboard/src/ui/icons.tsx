// Icons of 16 by 16, drawn here; always beside words or with a label of their parent.
import type {JSX} from 'preact';

const paths = {
    overview: 'M2 13.5h12M4 11V7.5M8 11V3.5M12 11V6',
    attestations: 'M8 1.8 13.2 3.6v4c0 3-2.2 5.4-5.2 6.6-3-1.2-5.2-3.6-5.2-6.6v-4zM5.6 7.8 7.4 9.6 10.6 6.2',
    inventory: 'M2.5 4.8 8 2l5.5 2.8L8 7.6zM2.5 8 8 10.8 13.5 8M2.5 11.2 8 14l5.5-2.8',
    policies: 'M4 1.8h5.5L12.5 4.8v9.4H4zM6.2 7h4M6.2 9.4h4M6.2 11.8h2.4',
    keys: 'M10.6 9.4a3.8 3.8 0 1 0-3.7-3L2 11.3V14h2.7v-1.7h1.7v-1.7h1.7l1-1.3M11.2 4.8h.010',
    references: 'M3 2.5h7.5L13 5v8.5H3zM5.5 8.2 7.3 10 10.6 6.6',
    audit: 'M6.4 9.6 9.6 6.4M7 4.6l1.3-1.3a2.9 2.9 0 0 1 4.2 4.2L11.2 8.8M9 11.4l-1.3 1.3a2.9 2.9 0 0 1-4.2-4.2l1.3-1.3',
    try: 'M6 2h4M7 2v4.2L3.3 12.4A1.2 1.2 0 0 0 4.4 14.2h7.2a1.2 1.2 0 0 0 1.1-1.8L9 6.2V2M5.2 10h5.6',
    access: 'M8 8a2.8 2.8 0 1 0 0-5.6A2.8 2.8 0 0 0 8 8zM2.8 14c.4-2.7 2.5-4.2 5.2-4.2s4.8 1.5 5.2 4.2',
    yes: 'M3 8.5 6.5 12 13 4.5',
    no: 'M4 4 12 12M12 4 4 12',
    warning: 'M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.7h.010',
    info: 'M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4zM8 7.4v3.8M8 5h.010',
    wait: 'M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4zM8 4.6V8l2.4 1.6',
    dash: 'M4 8h8',
    copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
    sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9',
    moon: 'M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1z',
    auto: 'M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4zM8 1.8v12.4M8 4h3.5M8 6.7h5M8 9.3h5M8 12h3.5',
    menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
    right: 'M6 3.5 10.5 8 6 12.5',
    down: 'M3.5 6 8 10.5 12.5 6',
    leave: 'M9.5 2.5h-6v11h6M6.5 8h7.5M11.5 5.2 14.3 8l-2.8 2.8',
    external: 'M9 2.5h4.5V7M13.5 2.5 7.5 8.5M11.5 9.5v4h-9v-9h4',
    search: 'M7 11.8a4.8 4.8 0 1 0 0-9.6 4.8 4.8 0 0 0 0 9.6zM10.5 10.5 14 14',
    play: 'M4.5 2.8v10.4L13 8z',
    pause: 'M5.5 3v10M10.5 3v10',
    lock: 'M3.5 7.2h9v6.6h-9zM5.4 7.2V5a2.6 2.6 0 0 1 5.2 0v2.2',
    plus: 'M8 3v10M3 8h10',
    refresh: 'M13.5 8a5.5 5.5 0 1 1-1.6-3.9L13.5 5.6M13.5 2.5v3.1h-3.1',
} as const;

export type IconName = keyof typeof paths;

export function Icon({name, size = 16}: {name: IconName; size?: number}): JSX.Element {
    return (
        <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d={paths[name]} />
        </svg>
    );
}

/** The vault behind a shield: the product's own sign. */
export function Mark({size = 22}: {size?: number}): JSX.Element {
    return (
        <svg class="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <path class="mark-shield" d="M16 2 28 6.5v9.2c0 7-5 11.9-12 14.3C9 27.6 4 22.7 4 15.7V6.5z" />
            <path class="mark-vault" d="M9.5 22.5v-5.8a6.5 6.5 0 0 1 13 0v5.8h-3.7v-5.6a2.8 2.8 0 0 0-5.6 0v5.6z" />
        </svg>
    );
}
