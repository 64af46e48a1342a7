// The published client of Azure Attestation, as it is, against the service; and jose on the service's keys.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AttestationAdministrationClient,
  AttestationClient,
  KnownAttestationType,
  createAttestationPolicyToken,
} from "@azure/attestation";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";

const service = JSON.parse(process.env.SERVICE);
const quote = Buffer.from(service.quote, "base64");
const report = Buffer.from(service.report, "base64");
const as = (who) => ({ getToken: async () => ({ token: who, expiresOnTimestamp: Date.now() + 3600e3 }) });
const client = new AttestationClient(service.url);
const admin = new AttestationAdministrationClient(service.url, as("author"));
const reader = new AttestationAdministrationClient(service.url, as("auditor"));
const strict = { validateIssuer: true, expectedIssuer: service.url, timeValidationSlack: 0 };
const permit = "version=1.0; authorizationrules{=>permit();}; issuancerules{};";
const deny = "version=1.0; authorizationrules{=>deny();}; issuancerules{};";

test("metadata leads to the signers", async () => {
  const metadata = await client.getOpenIdMetadata();
  assert.equal(metadata.issuer, service.url);
  assert.equal(metadata.jwks_uri, `${service.url}/certs`);
  const signers = await client.getAttestationSigners();
  assert.ok(signers.length >= 1);
  for (const signer of signers) {
    assert.match(signer.certificates[0], /BEGIN CERTIFICATE/);
    assert.ok(signer.keyId);
  }
});

test("a quote of SGX gets a token that the client verifies", async () => {
  const { body, token } = await client.attestSgxEnclave(quote, {
    runTimeData: Buffer.from(service.data),
    validationOptions: strict,
  });
  assert.equal(body.issuer, service.url);
  assert.equal(body.mrEnclave, "e1".repeat(32));
  assert.equal(body.mrSigner, "e2".repeat(32));
  assert.equal(body.productId, 7);
  assert.equal(body.isDebuggable, false);
  assert.equal(Buffer.from(body.enclaveHeldData).toString(), service.data);
  assert.equal(body.sgxCollateral.quotehash.length, 64);
  assert.equal(body.verifierType, "sgx");
  assert.equal(token.algorithm, "RS256");
});

test("runtime data as JSON comes back as claims", async () => {
  const { body } = await client.attestSgxEnclave(quote, {
    runTimeJson: Buffer.from(service.data),
    nonce: "n-1",
    validationOptions: strict,
  });
  assert.deepEqual(body.runTimeClaims, JSON.parse(service.data));
});

test("a report of Open Enclave gets a token", async () => {
  const { body } = await client.attestOpenEnclave(report, { runTimeData: Buffer.from(service.data) });
  assert.equal(body.mrEnclave, "e1".repeat(32));
  assert.ok(body.policyHash.length > 0);
});

test("what is refused says why", async () => {
  const other = { runTimeData: Buffer.from("another key") };
  for (const attempt of [client.attestSgxEnclave(quote, other), client.attestOpenEnclave(report, other)]) {
    await assert.rejects(attempt, (e) => {
      assert.equal(e.statusCode, 400);
      assert.equal(e.code, "InvalidParameter");
      assert.match(e.message, /refused/);
      return true;
    });
  }
  const changed = Buffer.from(quote);
  changed[100] ^= 1;
  await assert.rejects(client.attestSgxEnclave(changed), { statusCode: 400 });
});

test("a draft policy is tried without a token to trust", async () => {
  const draft = createAttestationPolicyToken(permit).serialize();
  const { token } = await client.attestSgxEnclave(quote, {
    draftPolicyForAttestation: draft,
    validationOptions: { validateToken: false },
  });
  assert.equal(token.algorithm, "none");
});

test("the dialogue with a TPM begins", async () => {
  const answer = JSON.parse(await client.attestTpm(JSON.stringify({ payload: { type: "aikcert" } })));
  assert.equal(Buffer.from(answer.payload.challenge, "base64url").length, 32);
  assert.ok(answer.payload.service_context.length > 0);
  await assert.rejects(client.attestTpm(JSON.stringify({ payload: { type: "other" } })), {
    code: "InvalidParameter",
  });
});

test("policies are read, set, tried, and reset", async () => {
  for (const type of Object.values(KnownAttestationType)) {
    assert.match((await reader.getPolicy(type)).body, /authorizationrules/);
  }
  const set = await admin.setPolicy(KnownAttestationType.SgxEnclave, deny, { validationOptions: strict });
  assert.equal(set.body.policyResolution, "Updated");
  assert.equal(set.body.policyTokenHash.length, 32);
  assert.equal((await reader.getPolicy(KnownAttestationType.SgxEnclave)).body, deny);
  await assert.rejects(client.attestSgxEnclave(quote), { code: "PolicyEvaluationError" });
  const reset = await admin.resetPolicy(KnownAttestationType.SgxEnclave);
  assert.equal(reset.body.policyResolution, "Removed");
  await client.attestSgxEnclave(quote);
});

test("a policy that cannot be read says where", async () => {
  await assert.rejects(admin.setPolicy(KnownAttestationType.SgxEnclave, "version=1.0;\nnonsense"), (e) => {
    assert.equal(e.code, "PolicyParsingError");
    assert.match(e.message, /Line: '2', Column: '1'/);
    return true;
  });
});

test("a signed policy names its signer", async () => {
  const options = { privateKey: service.alice.key, certificate: service.alice.certificate };
  const { body } = await admin.setPolicy(KnownAttestationType.OpenEnclave, permit, options);
  assert.equal(body.policyResolution, "Updated");
  assert.equal(
    body.policySigner.certificates[0].replace(/\s/g, ""),
    service.alice.certificate.replace(/\s/g, ""),
  );
});

test("those who may not, do not", async () => {
  for (const [who, status] of [["client", 403], ["nobody", 401]]) {
    const other = new AttestationAdministrationClient(service.url, as(who));
    await assert.rejects(other.getPolicy(KnownAttestationType.SgxEnclave), { statusCode: status });
    await assert.rejects(other.setPolicy(KnownAttestationType.SgxEnclave, permit), { statusCode: status });
  }
});

test("jose verifies both kinds of tokens by the published keys", async () => {
  const { token } = await client.attestSgxEnclave(quote);
  const keys = createRemoteJWKSet(new URL(`${service.url}/certs`));
  const { payload } = await jwtVerify(token.serialize(), keys, { issuer: service.url, algorithms: ["RS256"] });
  assert.equal(payload["x-ms-attestation-type"], "sgx");
  assert.equal(decodeProtectedHeader(token.serialize()).jku, `${service.url}/certs`);

  const answer = await fetch(`${service.url}/api/v1/attest`, {
    method: "POST",
    body: JSON.stringify({ evidence: service.quote, runtimeData: Buffer.from(service.data).toString("base64") }),
  });
  assert.equal(answer.status, 200);
  const own = createRemoteJWKSet(new URL(`${service.url}/.well-known/jwks.json`));
  const result = await jwtVerify((await answer.json()).token, own, { issuer: service.url, algorithms: ["ES256"] });
  assert.equal(result.payload.eat_profile, "tag:github.com,2023:veraison/ear");
  await assert.rejects(jwtVerify(token.serialize(), own)); /* neither set has the other's keys */
});

test("certificates are managed, and sign policies where they must be signed", async () => {
  const { key, certificate } = service.alice;
  const author = admin.addPolicyManagementCertificate(certificate, key, certificate);
  await assert.rejects(author, { code: "InvalidOperation" }); /* the first one is an admin's to bring */
  const owner = new AttestationAdministrationClient(service.url, as("admin"));
  const first = await owner.addPolicyManagementCertificate(certificate, key, certificate);
  assert.equal(first.body.certificateResolution, "IsPresent");
  const isolated = await fetch(`${service.url}/test/isolate`, {
    method: "POST",
    headers: { authorization: "Bearer admin" },
  });
  assert.equal(isolated.status, 200);
  assert.equal((await reader.getPolicyManagementCertificates()).body.length, 1);
  const added = await admin.addPolicyManagementCertificate(service.bob.certificate, key, certificate);
  assert.equal(added.body.certificateResolution, "IsPresent");
  assert.equal((await reader.getPolicyManagementCertificates()).body.length, 2);
  const options = { privateKey: service.bob.key, certificate: service.bob.certificate };
  await admin.setPolicy(KnownAttestationType.SgxEnclave, permit, options);
  await assert.rejects(admin.setPolicy(KnownAttestationType.SgxEnclave, permit), { code: "InvalidOperation" });
  const removed = await admin.removePolicyManagementCertificate(service.bob.certificate, key, certificate);
  assert.equal(removed.body.certificateResolution, "IsAbsent");
  await assert.rejects(admin.setPolicy(KnownAttestationType.SgxEnclave, deny, options), {
    code: "InvalidOperation",
  });
});
