// The published clients of Azure Key Vault, as they are, against the service: keys, secrets, and the release of a
// key to an enclave that attested by the published client of Azure Attestation.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import dns from "node:dns";
import { test } from "node:test";
import { AttestationClient } from "@azure/attestation";
import { KeyClient } from "@azure/keyvault-keys";
import { SecretClient } from "@azure/keyvault-secrets";

const service = JSON.parse(process.env.SERVICE);
const port = new URL(service.url).port;
const vault = `https://kv.vault.test:${port}`;

// the clients want the vault's host below the resource's domain: a name for this machine, as DNS would give it
const lookup = dns.lookup;
dns.lookup = (host, options, callback) => lookup(host === "kv.vault.test" ? "127.0.0.1" : host, options, callback);

const as = (who) => ({ getToken: async () => ({ token: who, expiresOnTimestamp: Date.now() + 3600e3 }) });
const author = new KeyClient(vault, as("author"));
const admin = new KeyClient(vault, as("admin"));
const enclave = new KeyClient(vault, as("client"));
const policy = {
  version: "1.0.0",
  anyOf: [
    {
      authority: `${service.url}/`,
      allOf: [
        { claim: "x-ms-attestation-type", equals: "sgx" },
        { claim: "x-ms-sgx-mrenclave", equals: "e1".repeat(32) },
        { claim: "x-ms-sgx-is-debuggable", equals: "false" },
      ],
    },
  ],
};
const releasePolicy = { encodedPolicy: Buffer.from(JSON.stringify(policy)) };
const secret = crypto.randomBytes(32);

async function attest(quote) {
  const client = new AttestationClient(service.url);
  const { token } = await client.attestSgxEnclave(Buffer.from(quote, "base64"), {
    runTimeJson: Buffer.from(service.data),
  });
  return token.serialize();
}

const part = (text) => JSON.parse(Buffer.from(text, "base64url").toString());

// as the enclave would: verify the answer's chain and name, open it with the attested key
function open(jws, algorithm, hash) {
  const [header, payload, signature] = jws.split(".");
  const chain = part(header).x5c.map((c) => new crypto.X509Certificate(Buffer.from(c, "base64")));
  assert.ok(chain[0].checkHost("kv.vault.test"));
  assert.ok(chain[0].verify(chain[1].publicKey));
  assert.ok(crypto.verify("sha256", Buffer.from(`${header}.${payload}`), chain[0].publicKey, Buffer.from(signature, "base64url")));
  const { request, response } = part(payload);
  assert.equal(request.enc, algorithm);
  const box = part(response.key.key.key_hsm);
  assert.deepEqual(box.header, { kid: "tee-key", alg: "dir", enc: algorithm });
  const bytes = Buffer.from(box.ciphertext, "base64url");
  const kek = crypto.privateDecrypt(
    { key: service.key, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: hash },
    bytes.subarray(0, 256),
  );
  const unwrap = crypto.createDecipheriv("id-aes256-wrap-pad", kek, Buffer.from("A65959A6", "hex"));
  return { request, key: Buffer.concat([unwrap.update(bytes.subarray(256)), unwrap.final()]) };
}

test("keys of each kind are made, found, changed and listed", async () => {
  const rsa = await author.createRsaKey("rsa", { keySize: 2048, tags: { env: "test" } });
  assert.equal(rsa.keyType, "RSA");
  assert.equal(rsa.key.n.length, 256);
  assert.equal(rsa.properties.tags.env, "test");
  const ec = await author.createEcKey("ec", { curve: "P-384", keyOps: ["sign", "verify"] });
  assert.equal(ec.key.crv, "P-384");
  assert.deepEqual(ec.keyOperations, ["sign", "verify"]);
  const oct = await author.createOctKey("oct", { keySize: 256, hsm: true });
  assert.equal(oct.keyType, "oct-HSM");
  const again = await author.createEcKey("ec", { expiresOn: new Date("2035-01-01") });
  assert.notEqual(again.properties.version, ec.properties.version);
  assert.equal((await enclave.getKey("ec")).properties.version, again.properties.version);
  assert.equal((await enclave.getKey("ec", { version: ec.properties.version })).key.crv, "P-384");
  const changed = await author.updateKeyProperties("ec", ec.properties.version, { enabled: false });
  assert.equal(changed.properties.enabled, false);
  const rotated = await author.rotateKey("rsa");
  assert.notEqual(rotated.properties.version, rsa.properties.version);
  const names = [];
  for await (const k of author.listPropertiesOfKeys()) names.push(k.name);
  assert.deepEqual(names, ["ec", "oct", "rsa"]);
  let versions = 0;
  for await (const v of author.listPropertiesOfKeyVersions("ec")) versions += v.name === "ec";
  assert.equal(versions, 2);
});

test("lists come in pages", async () => {
  for (let i = 0; i < 30; i++) await author.createOctKey(`page-${i}`, { hsm: true, keySize: 128 });
  const seen = new Set();
  for await (const k of author.listPropertiesOfKeys()) if (k.name.startsWith("page-")) seen.add(k.name);
  assert.equal(seen.size, 30);
});

test("deleted keys are recovered, or purged", async () => {
  const poller = await author.beginDeleteKey("oct");
  const deleted = await poller.pollUntilDone();
  assert.ok(deleted.properties.scheduledPurgeDate > new Date());
  await assert.rejects(author.getKey("oct"), { statusCode: 404, code: "KeyNotFound" });
  assert.equal((await author.getDeletedKey("oct")).name, "oct");
  const recovered = await (await author.beginRecoverDeletedKey("oct")).pollUntilDone();
  assert.equal(recovered.name, "oct");
  await (await author.beginDeleteKey("oct")).pollUntilDone();
  const names = [];
  for await (const k of author.listDeletedKeys()) names.push(k.name);
  assert.deepEqual(names, ["oct"]);
  await admin.purgeDeletedKey("oct");
  await assert.rejects(author.getDeletedKey("oct"), { statusCode: 404 });
});

test("a key is released to the enclave that attested, and to no other", async () => {
  const made = await author.importKey(
    "data",
    { kty: "oct-HSM", k: secret, keyOps: ["encrypt", "decrypt"] },
    { hardwareProtected: true, exportable: true, releasePolicy },
  );
  assert.equal(made.properties.exportable, true);
  assert.deepEqual(JSON.parse(Buffer.from(made.properties.releasePolicy.encodedPolicy).toString()), policy);
  const token = await attest(service.quote);
  for (const [algorithm, hash] of [
    [undefined, "sha1"],
    ["CKM_RSA_AES_KEY_WRAP", "sha1"],
    ["RSA_AES_KEY_WRAP_256", "sha256"],
    ["RSA_AES_KEY_WRAP_384", "sha384"],
  ]) {
    const { value } = await enclave.releaseKey("data", token, { algorithm, nonce: "n-123" });
    const { request, key } = open(value, algorithm ?? "CKM_RSA_AES_KEY_WRAP", hash);
    assert.equal(request.nonce, "n-123");
    assert.deepEqual(key, secret);
  }
  const { value } = await enclave.releaseKey("data", token, { version: made.properties.version });
  assert.deepEqual(open(value, "CKM_RSA_AES_KEY_WRAP", "sha1").key, secret);
  await assert.rejects(enclave.releaseKey("data", await attest(service.patched)), (e) => {
    assert.equal(e.statusCode, 403);
    assert.equal(e.code, "Forbidden");
    assert.match(e.message, /x-ms-sgx-mrenclave/);
    return true;
  });
  await assert.rejects(enclave.releaseKey("data", "not a token"), { statusCode: 403 });
  await assert.rejects(author.releaseKey("data", token), { statusCode: 403 });
});

test("RSA and EC keys come out as PKCS#8", async () => {
  const token = await attest(service.quote);
  await author.createKey("rsa-out", "RSA-HSM", { keySize: 3072, exportable: true, releasePolicy });
  await author.createKey("ec-out", "EC-HSM", { curve: "P-256", exportable: true, releasePolicy });
  for (const name of ["rsa-out", "ec-out"]) {
    const { value } = await enclave.releaseKey(name, token, { algorithm: "RSA_AES_KEY_WRAP_256" });
    const { key } = open(value, "RSA_AES_KEY_WRAP_256", "sha256");
    const jwk = crypto.createPrivateKey({ key, format: "der", type: "pkcs8" }).export({ format: "jwk" });
    const kept = (await author.getKey(name)).key;
    assert.equal(jwk.n ?? jwk.x, Buffer.from(kept.n ?? kept.x).toString("base64url"));
  }
});

test("what is wrong is refused in a way that the client understands", async () => {
  await assert.rejects(author.createKey("x", "RSA", { exportable: true }), {
    statusCode: 400,
    message: "Exportable keys must have release policy",
  });
  const bad = { encodedPolicy: Buffer.from('{"version":"1.0.0",\n"anyOf":[]}') };
  await assert.rejects(author.createKey("x", "RSA", { exportable: true, releasePolicy: bad }), /line 2/);
  await assert.rejects(enclave.createRsaKey("x"), { statusCode: 403 });
  await assert.rejects(author.getKey("nothing"), { statusCode: 404, code: "KeyNotFound" });
});

test("secrets", async () => {
  const secrets = new SecretClient(vault, as("author"));
  const owner = new SecretClient(vault, as("admin"));
  const first = await secrets.setSecret("password", "grün", { contentType: "text/plain", tags: { a: "b" } });
  assert.equal(first.value, "grün");
  await secrets.setSecret("password", "second");
  assert.equal((await secrets.getSecret("password")).value, "second");
  assert.equal((await secrets.getSecret("password", { version: first.properties.version })).value, "grün");
  const changed = await secrets.updateSecretProperties("password", first.properties.version, { enabled: false });
  assert.equal(changed.enabled, false);
  await assert.rejects(secrets.getSecret("password", { version: first.properties.version }), { statusCode: 403 });
  let listed = 0;
  for await (const s of secrets.listPropertiesOfSecrets()) listed += s.name === "password";
  for await (const s of secrets.listPropertiesOfSecretVersions("password")) listed += s.name === "password";
  assert.equal(listed, 3);
  await (await secrets.beginDeleteSecret("password")).pollUntilDone();
  await assert.rejects(secrets.getSecret("password"), { statusCode: 404, code: "SecretNotFound" });
  await (await secrets.beginRecoverDeletedSecret("password")).pollUntilDone();
  assert.equal((await secrets.getSecret("password")).value, "second");
  await (await secrets.beginDeleteSecret("password")).pollUntilDone();
  await owner.purgeDeletedSecret("password");
  await assert.rejects(secrets.getDeletedSecret("password"), { statusCode: 404 });
});
