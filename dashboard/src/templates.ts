// The ready policies of deploy/policies, as they are installed: something to begin with.
import anyTee from '../../deploy/policies/any-tee.txt?raw';
import emulatorOnly from '../../deploy/policies/emulator-only.txt?raw';
import sgxEnclave from '../../deploy/policies/sgx-enclave.txt?raw';
import sgxSigner from '../../deploy/policies/sgx-signer.txt?raw';
import snpGuest from '../../deploy/policies/snp-guest.txt?raw';
import tdxGuest from '../../deploy/policies/tdx-guest.txt?raw';

export interface Template {
    name: string;
    types: string[]; // empty: all
    text: string;
}

export const templates: Template[] = [
    {name: 'SGX: one measurement', types: ['SgxEnclave', 'OpenEnclave'], text: sgxEnclave},
    {name: 'SGX: a signer’s product', types: ['SgxEnclave', 'OpenEnclave'], text: sgxSigner},
    {name: 'TDX guest', types: ['TdxVm'], text: tdxGuest},
    {name: 'SEV-SNP guest', types: ['SevSnpVm'], text: snpGuest},
    {name: 'Several TEEs in one', types: [], text: anyTee},
    {name: 'The emulator, for development', types: [], text: emulatorOnly},
];

export function templatesFor(type: string): Template[] {
    return templates.filter((t) => t.types.length === 0 || t.types.includes(type));
}
