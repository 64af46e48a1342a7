/* What each check of each format asks, in words for people: at most 48 characters a line. */
#include <string.h>

#include "cli/cli_verify_print.h"

static const struct {
    const char *name;
    const char *question;
} questions[] = {
    /* any format */
    {"nonce", "it answers the challenge that was expected"},
    {"bound", "something genuine vouches for this part"},
    {"checked", "something about it was verified"},
    {"materials", "everything that was given is verified with"},
    {"reference.environment", "the reference values are of this environment"},
    {"reference.values", "the measurements are among the reference values"},
    {"reference.file", "the reference values are well formed and usable"},
    /* snp */
    {"snp.report", "a report of a known version, unused bits zero"},
    {"snp.certificates", "the certificates and their table are readable"},
    {"snp.signing_key", "the report says what kind of key signed it"},
    {"snp.vek", "the certificate of that key was given"},
    {"snp.product", "report and certificate are of one product"},
    {"snp.root_product", "and the root is of that product"},
    {"snp.tcb_cert", "the certificate is for the reported TCB"},
    {"snp.chip_id", "the certificate is for this chip"},
    {"snp.signature", "the chip's key signed the report"},
    {"snp.tcb_order", "reported, committed, current TCB are in order"},
    {"snp.tcb_floor", "the TCB is not below what was seen"},
    {"snp.debug", "no debugging"},
    {"snp.migration", "no agent may migrate, and so read, the guest"},
    {"snp.vmpl", "made at a privilege level that exists"},
    {"snp.firmware", "the measurement is the given firmware's"},
    {"snp.id_block", "launched with the ID block given"},
    {"snp.id_key", "the report's ID key signed the ID block"},
    {"snp.author_key", "the report's author key signed the ID key"},
    /* nitro */
    {"nitro.format", "a document with every field in its bounds"},
    {"nitro.signature", "the enclave's key signed the document"},
    {"nitro.instance", "PCR4 is the instance of the module id"},
    /* tpm */
    {"tpm.signature", "the attestation key signed the quote"},
    {"tpm.attest", "made by a TPM, and a quote"},
    {"tpm.ak", "whose key it is: certified, bound or enrolled"},
    {"tpm.ak_attributes", "a key that signs only what its TPM made"},
    {"tpm.ak_cert", "its certificate: names, roles, signatures"},
    {"tpm.ek", "the TPM's own key is certified"},
    {"tpm.bank", "the registers' hash can be relied on"},
    {"tpm.pcrs", "the values are those that the quote is over"},
    {"tpm.event_log_os", "and its end, that the system wrote"},
    {"ccel.event_log_os", "and its end, that the system wrote"},
    {"tpm.event_log", "the log replays to those values"},
    {"ccel.event_log", "the log replays to the quote's registers"},
    /* azure */
    {"azure.evidence", "every part is there and readable"},
    {"azure.hcl", "the report of the paravisor is well formed"},
    {"azure.runtime_data", "its runtime data name the vTPM's key"},
    {"azure.binding", "their hash stands in the hardware's report"},
    {"azure.tdreport", "the report that the quote must match"},
    {"azure.td_quote", "a quote of this TD was given, and matches"},
    {"azure.pcrs", "the values of all registers were given"},
    {"azure.user_data", "the user's data are what was expected"},
    /* google */
    {"gce.attestation", "every part of the evidence is readable"},
    {"gce.instance", "the key's certificate names a production VM"},
    {"gce.tee", "the hardware's report goes with the key"},
    {"gce.canonical_event_log", "the container log replays to its register"},
    {"gcp.token", "a token of one of the known shapes"},
    {"gcp.signature", "Google signed the token"},
    {"gcp.period", "the token is valid at this time"},
    {"gcp.iss", "Google's service issued it"},
    {"gcp.aud", "it is for the audience that was expected"},
    {"gcp.debug", "no debugging"},
    {"gcp.hwmodel", "the hardware is one that protects data"},
    {"gcp.oemid", "the maker is Google"},
    {"gcp.secboot", "secure boot is on"},
    /* arm */
    {"cca.format", "a token with every claim in its bounds"},
    {"cca.signature", "an enrolled key signed the platform's token"},
    {"cca.lifecycle", "the platform is in a state that protects data"},
    {"cca.binding", "the platform vouches for the realm's key"},
    {"cca.realm_key", "the realm's key is a key"},
    {"cca.realm_signature", "it signed the realm's token"},
    {"psa.format", "a token with every claim in its bounds"},
    {"psa.signature", "an enrolled key signed the token"},
    {"psa.lifecycle", "the device is in a state that protects data"},
    {"optee.format", "what was asked, and its answer"},
    {"optee.signature", "an enrolled key signed the answer"},
    /* nvidia */
    {"nvidia.format", "a request, and exactly the response to it"},
    {"nvidia.signature", "the device signed request and response"},
    {"nvidia.fwid", "the certificate is for the firmware that signed"},
    {"nvidia.arch", "it is the kind of device that the text says"},
    {"nvidia.stated_nonce", "the text names the challenge that was answered"},
    {"nvidia.distinct", "this device stands in the list once"},
    {"nvidia.ocsp", "the maker has not put a certificate on hold"},
    {"nvidia.reference", "the firmware is a known one"},
    /* dcap */
    {"collateral", "what the maker says of the platform was given"},
    {"quote.format", "exactly one quote, every length right"},
    {"pck.source", "the PCK chain is the one in the quote"},
    {"pck.chain", "leaf, CA and root: names, roles, signatures"},
    {"root_crl", "the root's revocation list is genuine"},
    {"pck_crl", "the PCK CA's revocation list is genuine"},
    {"pck.revocation", "neither PCK nor its CA is revoked"},
    {"tcb_info.chain", "the TCB info's signer is genuine, not revoked"},
    {"tcb_info.signature", "the TCB info is well formed and signed"},
    {"qe_identity.chain", "the QE identity's signer is genuine, not revoked"},
    {"qe_identity.signature", "the QE identity is well formed and signed"},
    {"root.trusted", "all chains end in one trusted root"},
    {"validity", "everything is valid at this time"},
    {"rollback", "nothing is older than what was seen before"},
    {"tcb_info.platform", "the TCB info is this platform's"},
    {"qe.report_signature", "the PCK signed the quoting enclave's report"},
    {"qe.binding", "the QE vouches for the attestation key"},
    {"qe.identity", "the QE is the one that Intel describes"},
    {"quote.signature", "the attestation key signed the quote"},
    {"tdx.module", "the TDX module is the one that Intel describes"},
    {"tcb.status", "the platform's status is accepted"},
    {"debug", "no debugging"},
    {"report_data", "the report data is the expected one"},
};

/* of every format's chain: "snp.chain", "tpm.ek.root" */
static const struct {
    const char *end;
    const char *question;
} endings[] = {
    {".chain", "the certificates: names, roles, signatures"},
    {".root", "they end in a trusted root"},
    {".chain_validity", "they are valid at this time"},
    {".chain_crl", "none of them is on the lists given"},
};

const char *cm_cli_question(const char *check)
{
    const size_t len = strlen(check);

    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        if (strcmp(questions[i].name, check) == 0) {
            return questions[i].question;
        }
    }
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        const size_t end = strlen(endings[i].end);

        if (len > end && strcmp(check + len - end, endings[i].end) == 0) {
            return endings[i].question;
        }
    }
    return "";
}
