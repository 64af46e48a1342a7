// Clients of Open Enclave's way of attesting, byte by byte as they write to the socket: EGo (a Go program over
// HTTP/1.1, whose answers are read as strictly as it does), Gramine's verifier of RA-TLS, and the samples of
// 2018. None of them can be installed here; what they send and demand is from their published sources.
import assert from "node:assert/strict";
import { createHash, createPublicKey, verify, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connect } from "node:tls";

const service = JSON.parse(process.env.SERVICE);
const base = new URL(service.url);
const ca = readFileSync(service.ca);
const report = Buffer.from(service.report, "base64");
const quote = Buffer.from(service.quote, "base64");
const data = Buffer.from(service.data);

/** Write these bytes over TLS and read one answer of HTTP/1.1 with a Content-Length. */
function exchange(bytes) {
  return new Promise((resolve, reject) => {
    let all = Buffer.alloc(0);
    const socket = connect({ host: base.hostname, port: Number(base.port), servername: "localhost", ca }, () => socket.write(bytes));
    socket.on("error", reject);
    socket.on("end", () => reject(new Error(`the connection ended after ${all.length} bytes`)));
    socket.on("data", (part) => {
      all = Buffer.concat([all, part]);
      const end = all.indexOf("\r\n\r\n");
      if (end < 0) {
        return;
      }
      const [line, ...rest] = all.subarray(0, end).toString("latin1").split("\r\n");
      const headers = Object.fromEntries(rest.map((h) => [h.slice(0, h.indexOf(":")).toLowerCase(), h.slice(h.indexOf(":") + 1).trim()]));
      const length = Number(headers["content-length"]);
      if (all.length >= end + 4 + length) {
        socket.removeAllListeners("end");
        socket.end();
        resolve({ line, status: Number(line.split(" ")[1]), headers, body: all.subarray(end + 4, end + 4 + length) });
      }
    });
  });
}

const go = (method, path, body) =>
  exchange(
    body === undefined
      ? `${method} ${path} HTTP/1.1\r\nHost: ${base.host}\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n`
      : `${method} ${path} HTTP/1.1\r\nHost: ${base.host}\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: ${Buffer.byteLength(body)}\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n${body}`,
  );
// Go's encoder writes members in the order of the struct, without white space
const egoBody = (r, d) => `{"report":"${r.toString("base64url")}","runtimeData":{"data":"${d.toString("base64url")}","dataType":"Binary"}}`;
const egoAttest = (r, d) => go("POST", "/attest/OpenEnclave?api-version=2020-10-01", egoBody(r, d));
const decoded = (part) => JSON.parse(Buffer.from(part, "base64url").toString());

/** As EGo's client: the keys are those of the first certificate of each entry; RS256 alone; the issuer is the base URL. */
async function egoVerify(token) {
  const answer = await go("GET", "/certs");
  assert.equal(answer.status, 200);
  const keys = JSON.parse(answer.body).keys.map((k) => ({ kid: k.kid, key: new X509Certificate(Buffer.from(k.x5c[0], "base64")).publicKey }));
  const [head, body, signature] = token.split(".");
  const header = decoded(head);
  const claims = decoded(body);
  const signer = keys.find((k) => k.kid === header.kid);
  const now = Math.floor(Date.now() / 1000);

  assert.equal(header.alg, "RS256");
  assert.ok(signer, "the token's key is published");
  assert.ok(verify("sha256", Buffer.from(`${head}.${body}`), signer.key, Buffer.from(signature, "base64url")), "the signature");
  assert.equal(claims.iss, service.url);
  assert.ok(claims.nbf <= now + 60 && claims.exp >= now - 60 && claims.iat <= now + 60);
  return { header, claims };
}

test("the header of Open Enclave's report is what its host writes", () => {
  assert.equal(report.readUInt32LE(0), 1); // version
  assert.equal(report.readUInt32LE(4), 2); // a report for others than this machine
  assert.equal(report.readBigUInt64LE(8), BigInt(quote.length));
  assert.deepEqual(report.subarray(16), quote);
  assert.deepEqual(quote.subarray(48 + 320, 48 + 352), createHash("sha256").update(data).digest());
});

test("EGo: an enclave gets its token, and who relies on it reads what it says", async () => {
  const answer = await egoAttest(report, data);
  assert.equal(answer.line, "HTTP/1.1 200 OK");
  assert.equal(answer.headers["content-encoding"], undefined, "its decoder reads plain JSON");
  assert.match(answer.headers["content-type"], /^application\/json/);
  const { token } = JSON.parse(answer.body);
  const { claims } = await egoVerify(token);
  // Go refuses a text where it wants a number, and padding in unpadded base64
  assert.match(claims["x-ms-sgx-ehd"], /^[A-Za-z0-9_-]+$/);
  assert.deepEqual(Buffer.from(claims["x-ms-sgx-ehd"], "base64url"), data);
  assert.equal(claims["x-ms-sgx-svn"], 3);
  assert.equal(claims["x-ms-sgx-product-id"], 7);
  assert.equal(claims["x-ms-sgx-is-debuggable"], false);
  assert.equal(claims["x-ms-sgx-mrenclave"], "e1".repeat(32));
  assert.equal(claims["x-ms-sgx-mrsigner"], "e2".repeat(32));
});

test("EGo: a report that does not hold the data, or that somebody has changed, is refused", async () => {
  const other = await egoAttest(report, Buffer.from("another certificate"));
  assert.equal(other.status, 400);
  assert.match(JSON.parse(other.body).error.message, /runtime|report/i);
  for (const at of [0, 4, 8, 16 + 48 + 64, report.length - 1]) {
    const broken = Buffer.from(report);
    broken[at] ^= 1;
    const answer = await egoAttest(broken, data);
    assert.equal(answer.status, 400, `byte ${at}`);
    assert.equal(JSON.parse(answer.body).token, undefined);
  }
  const bare = await egoAttest(quote, data); // without the header it is a quote of Intel's SDK
  assert.equal(bare.status, 400);
  assert.match(JSON.parse(bare.body).error.message, /SgxEnclave/);
});

test("Gramine: what its verifier demands of the token and of the keys", async () => {
  const body = `{"quote":"${quote.toString("base64url")}","runtimeData":{"data":"${data.toString("base64url")}","dataType":"Binary"}}`;
  // libcurl's way of writing it
  const answer = await exchange(`POST /attest/SgxEnclave?api-version=2022-08-01 HTTP/1.1\r\nHost: ${base.host}\r\nAccept: */*\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  assert.equal(answer.status, 200);
  const [head, payload, signature] = JSON.parse(answer.body).token.split(".");
  const header = decoded(head);
  const claims = decoded(payload);
  assert.deepEqual([header.alg, header.typ, header.jku], ["RS256", "JWT", `${service.url}/certs`]);
  assert.equal(claims["x-ms-ver"], "1.0");
  assert.equal(claims["x-ms-attestation-type"], "sgx");
  for (const name of ["exp", "nbf", "x-ms-sgx-svn", "x-ms-sgx-product-id"]) {
    assert.ok(Number.isInteger(claims[name]), name);
  }
  assert.equal(claims["x-ms-sgx-report-data"], quote.subarray(48 + 320, 48 + 384).toString("hex"));
  const { keys } = JSON.parse((await exchange(`GET /certs/ HTTP/1.1\r\nHost: ${base.host}\r\nAccept: */*\r\n\r\n`)).body);
  assert.ok(keys.every((k) => k.kty === "RSA" && typeof k.kid === "string" && k.x5c.length > 0), "each key");
  const key = createPublicKey({ key: keys.find((k) => k.kid === header.kid), format: "jwk" });
  assert.ok(verify("sha256", Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, "base64url")));
});

test("the samples of 2018: old paths, old names, and the claims of a token that Azure issued", async () => {
  const body = `{"Quote":"${report.toString("base64url")}","EnclaveHeldData":"${data.toString("base64url")}"}`;
  const answer = await go("POST", "/attest/Tee/OpenEnclave?api-version=2018-09-01-preview", body);
  assert.equal(answer.status, 200, answer.body.toString());
  const { claims } = await egoVerify(JSON.parse(answer.body).token);
  // what a recorded token of Azure has, and of which type
  const recorded = {
    exp: "number", iat: "number", "is-debuggable": "boolean", iss: "string", "maa-attestationcollateral": "object", "maa-ehd": "string",
    "maa-policyHash": "string", nbf: "number", "product-id": "number", "sgx-mrenclave": "string", "sgx-mrsigner": "string", svn: "number", tee: "string",
  };
  for (const [name, type] of Object.entries(recorded)) {
    assert.equal(typeof claims[name], type, name);
  }
  assert.deepEqual(Buffer.from(claims["maa-ehd"], "base64url").subarray(0, data.length), data);
  assert.equal(claims.tee, "sgx");
});
