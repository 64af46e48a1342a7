// Lines to copy: each API with a client that people have.

export interface Snippet {
    title: string;
    note: string;
    text: string;
}

export function snippets(url: string): Snippet[] {
    return [
        {
            title: 'Attest with curl',
            note: 'the API of Azure Attestation',
            text: `curl --cacert ca.pem ${url}/attest/SgxEnclave?api-version=2022-08-01 \\
  -H 'content-type: application/json' \\
  -d "{\\"quote\\":\\"$(basenc --base64url -w0 quote.bin | tr -d =)\\"}"`,
        },
        {
            title: 'Attest with JavaScript',
            note: '@azure/attestation, with NODE_EXTRA_CA_CERTS=ca.pem',
            text: `import {AttestationClient} from '@azure/attestation';
import {readFileSync} from 'node:fs';

const client = new AttestationClient('${url}');
const result = await client.attestSgxEnclave(readFileSync('quote.bin'));
console.log(result.token.serialize());`,
        },
        {
            title: 'Release a key',
            note: 'the API of Azure Key Vault; TOKEN is what attestation answered',
            text: `curl --cacert ca.pem '${url}/keys/NAME/release?api-version=7.4' \\
  -H "authorization: Bearer $BEARER" -H 'content-type: application/json' \\
  -d "{\\"target\\":\\"$TOKEN\\",\\"enc\\":\\"CKM_RSA_AES_KEY_WRAP\\"}"`,
        },
        {
            title: 'Verify a token anywhere',
            note: 'the keys that sign are public',
            text: `curl --cacert ca.pem ${url}/certs`,
        },
    ];
}
