// Drives the simulator's Metadata API with jsforce, unchanged: SOAP and REST.
// SFSIM is the line of JSON that the sfsim command prints, SFSIM_ZIP a package
// in base64 that makes the certificate Client_Cert, and SFSIM_MODULES the
// folder that jsforce is in. Prints one line for each call.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(process.env.SFSIM_MODULES + "/");
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

await step("client credentials", async () => {
  await conn.authorize({ grant_type: "client_credentials" });
  assert.equal(conn.userInfo.organizationId, sim.organization_id);
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
await step("expired session, refreshed", async () => {
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
  assert.ok((await expired.metadata.read("Certificate", "Sim_BYOK")).fullName);
  assert.equal(refreshed, 1);
});
