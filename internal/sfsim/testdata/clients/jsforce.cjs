// Drives the simulator with jsforce, unchanged. The argument is the line of JSON that the sfsim command prints; the module is
// found through NODE_PATH. It exits with 0 if everything is as Salesforce would have it.
"use strict";
const assert = require("node:assert/strict");
const jsforce = require("jsforce");

const sim = JSON.parse(process.argv[2]);
const version = "62.0";

const steps = {
  async "client credentials, identity, limits"(c) {
    const who = await c.authorize({ grant_type: "client_credentials" });
    assert.equal(who.organizationId, sim.organization_id);
    assert.equal((await c.identity()).username, sim.username);
    assert.ok((await c.limits()).DailyApiRequests.Remaining > 0);
  },
  async "describe"(c) {
    assert.ok((await c.describeGlobal()).sobjects.some((o) => o.name === "TenantSecret"));
    const described = await c.sobject("TenantSecret").describe();
    assert.equal(described.keyPrefix, "02G");
    assert.equal(described.fields.find((f) => f.name === "Status").updateable, true);
    assert.equal((await c.tooling.sobject("Certificate").describe()).createable, false);
  },
  async "create, retrieve, update, find"(c) {
    const made = await c.sobject("TenantSecret").create({ Type: "Analytics", Description: "by jsforce" });
    assert.equal(made.success, true);
    const row = await c.sobject("TenantSecret").retrieve(made.id);
    assert.equal(row.Status, "ACTIVE");
    assert.equal(row.SecretValueHash, "UNKNOWM=");
    assert.equal((await c.sobject("TenantSecret").update({ Id: made.id, Description: "changed" })).success, true);
    const found = await c.sobject("TenantSecret").find({ Type: "Analytics" }, ["Id", "Description"]);
    assert.deepEqual(found.map((r) => r.Description), ["changed"]);
    await assert.rejects(c.sobject("TenantSecret").update({ Id: made.id, Status: "DESTROYED" }), { errorCode: "FIELD_INTEGRITY_EXCEPTION" });
    await assert.rejects(c.sobject("TenantSecret").update({ Id: made.id, Type: "Data" }), { errorCode: "INVALID_FIELD_FOR_INSERT_UPDATE" });
    await assert.rejects(c.sobject("TenantSecret").create({ Type: "Nope" }), { errorCode: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" });
    await assert.rejects(c.sobject("TenantSecret").destroy(made.id), { errorCode: "METHOD_NOT_ALLOWED" });
  },
  async "query with pages, queryAll, tooling, refusals"(c) {
    await control("settings", { page_size: 1 });
    assert.equal((await c.query("SELECT Id FROM TenantSecret", { autoFetch: true, maxFetch: 100 })).records.length, 2);
    await control("settings", { page_size: 0 });
    assert.equal((await c.query("SELECT Id FROM TenantSecret", { scanAll: true })).totalSize, 2);
    assert.equal((await c.tooling.query("SELECT Id FROM Certificate WHERE DeveloperName = 'Sim_BYOK'")).totalSize, 1);
    await assert.rejects(c.query("SELECT Id FROM Certificate"), { errorCode: "INVALID_TYPE" });
    await assert.rejects(c.query("SELECT Nope FROM TenantSecret"), { errorCode: "INVALID_FIELD" });
  },
  async "certificate chain"(c) {
    const id = (await c.tooling.query("SELECT Id FROM Certificate ORDER BY DeveloperName LIMIT 1")).records[0].Id;
    const chain = await c.request(`/services/data/v${version}/tooling/sobjects/Certificate/${id}/CertificateChain`);
    assert.match(chain, /^-----BEGIN CERTIFICATE-----/);
  },
  async "metadata read"(c) {
    const read = await c.metadata.read("Certificate", ["Sim_BYOK"]);
    assert.equal([read].flat()[0].fullName, "Sim_BYOK");
  },
  async "refusals of what the simulator does not have"(c) {
    assert.deepEqual(await control("violations"), []);
    const calls = {
      composite: () => c.requestPost(`/services/data/v${version}/composite`, { compositeRequest: [] }),
      "a collection of records": () => c.sobject("TenantSecret").create([{ Type: "Data" }, { Type: "Data" }]),
      SOSL: () => c.search("FIND {key} RETURNING TenantSecret(Id)"),
      "bulk query": () => c.bulk2.query("SELECT Id FROM TenantSecret"),
      "anonymous Apex": () => c.tooling.executeAnonymous("System.debug(1);"),
    };
    for (const [name, call] of Object.entries(calls)) {
      await assert.rejects(async () => call(), { errorCode: "NOT_FOUND" }, name);
    }
    await assert.rejects(c.metadata.create("Certificate", { fullName: "Made", masterLabel: "Made" }), { errorCode: "sf:UNKNOWN_EXCEPTION" });
    // Each is recorded once; a bulk query twice, since jsforce ends it by one more call.
    assert.equal((await control("violations")).length, Object.keys(calls).length + 2);
    assert.equal((await fetch(`${sim.instance_url}/_sim/requests`, { method: "DELETE" })).status, 200);
  },
  async "session expiry and its refresh hook"() {
    let refreshed = 0;
    const c = new jsforce.Connection({
      instanceUrl: sim.instance_url, accessToken: "expired", version,
      refreshFn: async (_, done) => {
        refreshed++;
        const fresh = connection();
        await fresh.authorize({ grant_type: "client_credentials" });
        done(null, fresh.accessToken);
      },
    });
    assert.equal((await c.query("SELECT Id FROM TenantSecret")).totalSize, 2);
    assert.equal(refreshed, 1);
  },
};

const control = async (route, body) => {
  const reply = await fetch(`${sim.instance_url}/_sim/${route}`, body ? { method: "POST", body: JSON.stringify(body) } : {});
  assert.equal(reply.status, 200, `${route}: ${reply.status}`);
  return reply.json();
};

const connection = () => new jsforce.Connection({
  instanceUrl: sim.instance_url, version,
  oauth2: new jsforce.OAuth2({ loginUrl: sim.instance_url, clientId: sim.client_id, clientSecret: sim.client_secret }),
});

(async () => {
  const c = connection();
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step(c);
    } catch (e) {
      console.error(`${name}: ${e.stack}`);
      process.exit(1);
    }
  }
  assert.deepEqual(await control("violations"), []);
})();
