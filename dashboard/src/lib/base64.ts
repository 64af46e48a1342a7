// Evidence as people paste it: hexadecimal, base64 in either alphabet, with line breaks.

/** What was pasted, as standard base64; null: it is neither. */
export function pastedBytes(text: string): {base64: string; bytes: number; form: 'hex' | 'base64'} | null {
    const plain = text.replace(/-----(?:BEGIN|END)[^-]*-----/g, '').replace(/\s+/g, '');
    const hex = plain.replace(/^0x/i, '');

    if (hex.length >= 2 && hex.length % 2 === 0 && /^[0-9a-f]+$/i.test(hex)) {
        return {base64: hexToBase64(hex), bytes: hex.length / 2, form: 'hex'};
    }
    const standard = plain.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
    if (standard === '' || !/^[A-Za-z0-9+/]+$/.test(standard) || standard.length % 4 === 1) {
        return null;
    }
    const padded = standard.padEnd(Math.ceil(standard.length / 4) * 4, '=');
    return {base64: padded, bytes: Math.floor((standard.length * 3) / 4), form: 'base64'};
}

function hexToBase64(hex: string): string {
    let binary = '';

    for (let i = 0; i < hex.length; i += 2) {
        binary += String.fromCharCode(Number.parseInt(hex.slice(i, i + 2), 16));
    }
    return btoa(binary);
}

/** A file's bytes as standard base64. */
export async function fileBase64(file: Blob): Promise<string> {
    const all = new Uint8Array(await file.arrayBuffer());
    let binary = '';

    for (const byte of all) {
        binary += String.fromCharCode(byte);
    }
    return btoa(binary);
}
