/* What each check of each format asks, in words for people: at most 50 characters a line. */
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
    {"reference.values", "the measurements are among the reference values"},
    {"reference.file", "the reference values are well formed and usable"},
    /* nvidia */
    {"nvidia.format", "a request, and exactly the response to it"},
    {"nvidia.chain", "the certificates: names, roles, signatures"},
    {"nvidia.root", "they end in a trusted root"},
    {"nvidia.chain_validity", "they are valid at this time"},
    {"nvidia.chain_crl", "none of them is on the lists given"},
    {"nvidia.signature", "the device signed request and response"},
    {"nvidia.fwid", "the certificate is for the firmware that signed"},
    {"nvidia.arch", "it is the kind of device that the text says"},
    {"nvidia.stated_nonce", "the text names the challenge that was answered"},
    {"nvidia.distinct", "this report stands in the list once"},
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

const char *cm_cli_question(const char *check)
{
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        if (strcmp(questions[i].name, check) == 0) {
            return questions[i].question;
        }
    }
    return "";
}
