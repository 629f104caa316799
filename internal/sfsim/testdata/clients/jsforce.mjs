// Drives a simulator with jsforce, unchanged, and checks what comes back.
// Usage: node jsforce.mjs, with the simulator's start line in SFSIM and jsforce
// to be found from the working directory. Prints one line for each call.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const jsforce = require("jsforce");
const sim = JSON.parse(process.env.SFSIM);
const version = "62.0";
const zip = Buffer.from(process.env.SFSIM_ZIP, "base64");

async function step(name, run) {
  try {
    await run();
  } catch (err) {
    console.error(`${name}: ${err.stack}`);
    process.exit(1);
  }
  console.log(name);
}

const oauth2 = { loginUrl: sim.instance_url, clientId: sim.client_id, clientSecret: sim.client_secret };
const conn = new jsforce.Connection({ instanceUrl: sim.instance_url, oauth2, version });
let id;

await step("client credentials", async () => {
  await conn.authorize({ grant_type: "client_credentials" });
  assert.equal(conn.userInfo.organizationId, sim.organization_id);
});
await step("identity", async () => {
  assert.equal((await conn.identity()).organization_id, sim.organization_id);
});
await step("limits", async () => {
  assert.ok((await conn.limits()).DailyApiRequests.Remaining > 0);
});
await step("describeGlobal", async () => {
  const names = (await conn.describeGlobal()).sobjects.map((o) => o.name);
  assert.ok(names.includes("TenantSecret"));
});
await step("describe", async () => {
  const described = await conn.describe("TenantSecret");
  assert.equal(described.keyPrefix, "02G");
  assert.equal(described.deletable, false);
});
await step("query", async () => {
  const result = await conn.query("SELECT Id, Type, Status, CreatedBy.Name FROM TenantSecret WHERE Type = 'Data'");
  assert.equal(result.totalSize, 1);
  assert.equal(result.records[0].Status, "ACTIVE");
  assert.ok(result.records[0].CreatedBy.Name);
});
await step("create", async () => {
  const result = await conn.sobject("TenantSecret").create({ Type: "EventBus", Description: "made by jsforce" });
  assert.equal(result.success, true);
  id = result.id;
});
await step("retrieve", async () => {
  const row = await conn.sobject("TenantSecret").retrieve(id);
  assert.equal(row.Source, "HSM");
  assert.equal(row.SecretValueHash, "UNKNOWM=");
});
await step("update", async () => {
  const result = await conn.sobject("TenantSecret").update({ Id: id, Description: "changed" });
  assert.equal(result.success, true);
});
await step("refused update", async () => {
  await assert.rejects(conn.sobject("TenantSecret").update({ Id: id, Type: "Data" }), (err) => {
    assert.equal(err.errorCode, "INVALID_FIELD_FOR_INSERT_UPDATE");
    return true;
  });
});
await step("paging", async () => {
  const paged = new jsforce.Connection({ instanceUrl: sim.instance_url, accessToken: conn.accessToken, version });
  const records = await paged.query("SELECT Id FROM TenantSecret", { autoFetch: true, maxFetch: 1000 });
  assert.equal(records.records.length, 2);
});
await step("queryAll", async () => {
  assert.equal((await conn.query("SELECT Id FROM TenantSecret", { scanAll: true })).totalSize, 2);
});
await step("refused query", async () => {
  await assert.rejects(conn.query("SELECT Foo FROM TenantSecret"), { errorCode: "INVALID_FIELD" });
});
await step("tooling query and chain", async () => {
  const found = await conn.tooling.query("SELECT Id FROM Certificate WHERE DeveloperName = 'Sim_BYOK'");
  const chain = await conn.request(`/services/data/v${version}/tooling/sobjects/Certificate/${found.records[0].Id}/CertificateChain`);
  assert.match(String(chain), /BEGIN CERTIFICATE/);
});
await step("metadata.describe", async () => {
  assert.deepEqual((await conn.metadata.describe(version)).metadataObjects.map((o) => o.xmlName), ["Certificate", "Settings"]);
});
await step("metadata.list", async () => {
  const listed = await conn.metadata.list([{ type: "Certificate" }], version);
  assert.ok(listed.some((file) => file.fullName === "Sim_BYOK"));
});
await step("metadata.deploy", async () => {
  const locator = conn.metadata.deploy(zip, { singlePackage: true, rollbackOnError: true });
  locator.pollInterval = 20;
  const result = await locator.complete({ details: true });
  assert.equal(result.status, "Succeeded");
});
await step("metadata.deployRest and checkDeployStatus", async () => {
  const started = await conn.metadata.deployRest(zip, { singlePackage: true });
  assert.match(started.id, /^0Af/);
  let result;
  do {
    result = await conn.metadata.checkDeployStatus(started.id, true);
  } while (!result.done);
  assert.equal(result.success, true);
});
await step("metadata.read", async () => {
  const made = await conn.metadata.read("Certificate", "Client_Cert");
  assert.equal(made.keySize, 4096);
  assert.match(Buffer.from(made.content, "base64").toString(), /BEGIN CERTIFICATE/);
  const settings = await conn.metadata.read("EncryptionKeySettings", "EncryptionKey");
  assert.equal(settings.enableCacheOnlyKeys, false);
});
await step("metadata.update", async () => {
  const result = await conn.metadata.update("EncryptionKeySettings", { fullName: "EncryptionKey", enableCacheOnlyKeys: true });
  assert.equal(result.success, true);
});
await step("metadata.retrieve", async () => {
  const types = [{ members: ["Client_Cert"], name: "Certificate" }];
  const locator = conn.metadata.retrieve({ apiVersion: version, singlePackage: true, unpackaged: { types, version } });
  locator.pollInterval = 20;
  const result = await locator.complete();
  assert.ok(result.zipFile.length > 0);
});
await step("metadata.delete", async () => {
  assert.equal((await conn.metadata.delete("Certificate", "Client_Cert")).success, true);
});
for (const kind of ["REST", "SOAP"]) {
  await step(`expired session, refreshed (${kind})`, async () => {
    let refreshed = 0;
    const expired = new jsforce.Connection({
      instanceUrl: sim.instance_url,
      accessToken: "00D000000000000!expired",
      version,
      refreshFn: (_conn, callback) => {
        refreshed += 1;
        callback(null, conn.accessToken);
      },
    });
    if (kind === "REST") {
      assert.equal((await expired.query("SELECT Id FROM TenantSecret")).totalSize, 2);
    } else {
      assert.ok((await expired.metadata.read("Certificate", "Sim_BYOK")).fullName);
    }
    assert.equal(refreshed, 1);
  });
}
