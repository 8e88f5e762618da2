// jsforce against an emulated Salesforce: login and renewal, describe, query, pages, create, update, upsert, tasks,
// retrieve, bulk queries, histories, feeds, custom fields, settings.
// Takes the emulator's ready line in EMULATOR; prints one line per step that held; fails on the first that does not.
"use strict";

const assert = require("node:assert/strict");
const { Connection, OAuth2, SfDate } = require("jsforce");

const { url, credentials } = JSON.parse(process.env.EMULATOR);
const NO_RULES = { headers: { "Sforce-Auto-Assign": "FALSE" } };
const version = "66.0";

const steps = {
  async "client credentials log in"() {
    const conn = new Connection({ version, oauth2: oauth2() });
    const user = await conn.authorize({ grant_type: "client_credentials" });
    assert.equal(user.organizationId, credentials.organization_id);
    assert.equal(conn.instanceUrl, url);
    const identity = await conn.identity();
    assert.equal(identity.username, credentials.username);
  },

  async "a password with the app's keys logs in"() {
    const conn = new Connection({ version, oauth2: oauth2() });
    const user = await conn.login(credentials.username, credentials.password + credentials.security_token);
    assert.match(user.id, /^005/);
  },

  async "SOAP login is refused"() {
    const conn = new Connection({ version: "64.0", loginUrl: url });
    await assert.rejects(conn.loginBySoap("a", "b"), /SOAP API login\(\) is disabled by default in this org/);
  },

  async "an access token is enough, a wrong one is told so"() {
    assert.equal(await connect().query("SELECT COUNT() FROM Account").then((found) => found.totalSize), 260);
    const stranger = new Connection({ version, instanceUrl: url, accessToken: "00D!wrong" });
    await assert.rejects(stranger.query("SELECT Id FROM Lead"), { errorCode: "INVALID_SESSION_ID" });
  },

  async "an expired token is renewed through the client's own hook"() {
    const conn = connect({ accessToken: "00D!old", refreshFn: (_, done) => done(null, credentials.access_token) });
    assert.equal((await conn.query("SELECT Id FROM Organization")).records[0].Id, credentials.organization_id);
  },

  async "objects and fields are described"() {
    const conn = connect();
    const names = (await conn.describeGlobal()).sobjects.map((one) => one.name);
    for (const name of ["Lead", "Case", "Task", "User", "Group"]) assert.ok(names.includes(name));
    const lead = await conn.sobject("Lead").describe();
    const due = lead.fields.find((field) => field.name === "SLA_Due__c");
    assert.deepEqual([due.type, due.custom, due.updateable], ["datetime", true, true]);
    await assert.rejects(conn.limits(), { errorCode: "INSUFFICIENT_ACCESS" });
    assert.ok(conn.limitInfo.apiUsage.used > 0);
  },

  async "a record is created, read, updated and destroyed"() {
    const conn = connect();
    const made = await conn.sobject("Lead").create({ LastName: "Ito", Company: "Dune" }, NO_RULES);
    assert.equal(made.success, true);
    const due = new Date("2026-03-02T15:05:00Z").toISOString();
    await conn.sobject("Lead").update({ Id: made.id, Status: "Working - Contacted", SLA_Due__c: due }, NO_RULES);
    const row = await conn.sobject("Lead").retrieve(made.id);
    assert.deepEqual([row.Status, row.SLA_Due__c], ["Working - Contacted", "2026-03-02T15:05:00.000+0000"]);
    await conn.sobject("Lead").destroy(made.id);
    await assert.rejects(conn.sobject("Lead").retrieve(made.id), { errorCode: "ENTITY_IS_DELETED" });
  },

  async "many records travel in one call, each with its own result"() {
    const conn = connect();
    const rows = [1, 2, 3].map((n) => ({ LastName: `Lead ${n}`, Company: "Dune" }));
    const ids = (await conn.sobject("Lead").create(rows, NO_RULES)).map((one) => one.id);
    const changes = ids.map((Id, n) => ({ Id, Status: n === 1 ? "Nonsense" : "Working - Contacted" }));
    const results = await conn.sobject("Lead").update(changes, NO_RULES);
    assert.deepEqual(results.map((one) => one.success), [true, false, true]);
    assert.equal(results[1].errors[0].errorCode ?? results[1].errors[0].statusCode, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
    assert.deepEqual((await conn.sobject("Lead").retrieve(ids)).map((one) => one.LastName), ["Lead 1", "Lead 2", "Lead 3"]);
    assert.ok((await conn.sobject("Lead").destroy(ids)).every((one) => one.success));
  },

  async "a task is made once by its external id"() {
    const conn = connect();
    const lead = await conn.sobject("Lead").create({ LastName: "Ito", Company: "Dune" }, NO_RULES);
    const task = { WhoId: lead.id, Subject: "Call Ito now", SLA_Key__c: "node:1", Priority: "High" };
    const first = await conn.sobject("Task").upsert(task, "SLA_Key__c");
    const again = await conn.sobject("Task").upsert([task], "SLA_Key__c");
    assert.deepEqual([first.success, again[0].success], [true, true]);
    const [row] = await conn.sobject("Task").find({ WhoId: lead.id }, ["Id", "Subject", "Owner.Name", "IsClosed"]);
    assert.deepEqual([row.Subject, row.IsClosed], ["Call Ito now", false]);
    assert.equal(await conn.sobject("Task").count({ SLA_Key__c: "node:1" }), 1);
  },

  async "owners, queues and conditions are queried"() {
    const conn = connect();
    const [maria] = await conn.sobject("User").find({ Email: "maria@acme.test", IsActive: true }, "Id, Manager.Name");
    assert.equal(maria.Manager.Name, "Jo Santos");
    const [queue] = (await conn.query("SELECT Id, Name FROM Group WHERE Type = 'Queue' AND Name = 'Unassigned'")).records;
    const lead = await conn.sobject("Lead").create({ LastName: "Silva", Company: "Fjord", OwnerId: queue.Id }, NO_RULES);
    await conn.sobject("Lead").update({ Id: lead.id, OwnerId: maria.Id }, NO_RULES);
    const [row] = await conn.sobject("Lead")
      .find({ Id: lead.id, SystemModstamp: { $gte: SfDate.toDateTimeLiteral(new Date(Date.now() - 86400000)) } })
      .select("Id, Owner.Name, Owner.Type")
      .sort({ SystemModstamp: -1 })
      .limit(5);
    assert.deepEqual([row.Owner.Name, row.Owner.Type], ["Maria Costa", "User"]);
  },

  async "pages are followed to the end"() {
    const conn = connect();
    const headers = { "Sforce-Query-Options": "batchSize=200" };
    let page = await conn.query("SELECT Id FROM Account", { headers, autoFetch: false });
    assert.deepEqual([page.records.length, page.done, page.totalSize], [200, false, 260]);
    const seen = new Set(page.records.map((one) => one.Id));
    while (!page.done) {
      page = await conn.queryMore(page.nextRecordsUrl, { autoFetch: false });
      page.records.forEach((one) => seen.add(one.Id));
    }
    assert.equal(seen.size, 260);
    const all = await conn.query("SELECT Id FROM Account", { headers, autoFetch: true, maxFetch: 1000 });
    assert.equal(all.records.length, 260);
  },

  async "deleted records are seen by queryAll and by getDeleted"() {
    const conn = connect();
    const lead = await conn.sobject("Lead").create({ LastName: "Gone", Company: "Dune" }, NO_RULES);
    await conn.sobject("Lead").destroy(lead.id);
    const found = await conn.query("SELECT Id FROM Lead WHERE IsDeleted = true AND LastName = 'Gone'", { scanAll: true });
    assert.deepEqual(found.records.map((one) => one.Id), [lead.id]);
    const [start, end] = [new Date(Date.now() - 3600000), new Date(Date.now() + 120000)];
    const gone = await conn.sobject("Lead").deleted(start.toISOString(), end.toISOString());
    assert.ok(gone.deletedRecords.some((one) => one.id === lead.id));
  },

  async "a refresh token is good once, and the answer brings the next"() {
    let renewed;
    const conn = new Connection({
      version, oauth2: oauth2(), instanceUrl: url, accessToken: "00D!old", refreshToken: credentials.refresh_token,
    });
    conn.on("refresh", (_, answer) => (renewed = answer));
    assert.equal((await conn.query("SELECT Id FROM Organization")).totalSize, 1);
    assert.notEqual(renewed.refresh_token, credentials.refresh_token);
    await assert.rejects(oauth2().refreshToken(credentials.refresh_token), /expired access\/refresh token/);
    assert.equal((await oauth2().refreshToken(renewed.refresh_token)).instance_url, url);
  },

  async "a bulk query brings every row once"() {
    const stream = await connect().bulk2.query("SELECT Id, Name FROM Account", { pollInterval: 100, pollTimeout: 30000 });
    const rows = await stream.toArray();
    assert.equal(new Set(rows.map((one) => one.Id)).size, 260);
    assert.ok(rows.every((one) => one.Name));
    await assert.rejects(connect().bulk2.query("SELECT COUNT() FROM Account"), { errorCode: "API_ERROR" });
  },

  async "stages and owners leave a history"() {
    const conn = connect();
    const maria = (await conn.sobject("User").findOne({ Email: "maria@acme.test" }, "Id")).Id;
    const made = await conn.sobject("Case").create({ Subject: "Help" }, NO_RULES);
    await conn.sobject("Case").update({ Id: made.id, Status: "Working", OwnerId: maria }, NO_RULES);
    const rows = await conn.sobject("CaseHistory").find({ CaseId: made.id }, "Field, OldValue, NewValue, CreatedById");
    assert.deepEqual(new Set(rows.map((one) => one.Field)), new Set(["created", "Status", "Owner"]));
    assert.equal(rows.find((one) => one.Field === "Status").NewValue, "Working");
    assert.equal(rows.filter((one) => one.Field === "Owner").length, 2);
    const lead = await conn.sobject("Lead").create({ LastName: "Ito", Company: "Dune" }, NO_RULES);
    await conn.sobject("Lead").update({ Id: lead.id, Status: "Working - Contacted" }, NO_RULES);
    assert.ok(await conn.sobject("LeadHistory").count({ LeadId: lead.id, Field: "Status" }));
  },

  async "posts stand on the feed"() {
    const conn = connect();
    const made = await conn.sobject("Case").create({ Subject: "Help" }, NO_RULES);
    await act({ do: "post", id: made.id, by: "maria@acme.test", text: "We are on it" });
    const [post] = await conn.sobject("FeedItem").find({ ParentId: made.id, Type: "TextPost" }, "Body, CreatedById");
    assert.match(post.CreatedById, /^005/);
  },

  async "a custom field is made and shown once it is granted"() {
    const conn = connect();
    const field = { FullName: "Lead.Node__c", Metadata: { type: "Text", label: "Node", length: 20 } };
    await assert.rejects(conn.tooling.sobject("CustomField").create(field), { errorCode: "INSUFFICIENT_ACCESS" });
    await act({ do: "setup", permissions: ["CustomizeApplication", "ModifyMetadata", "ViewSetup"] });
    assert.ok((await conn.limits()).DailyApiRequests.Max > 0);
    const made = await conn.tooling.sobject("CustomField").create(field);
    assert.equal(made.success, true);
    await assert.rejects(conn.query("SELECT Node__c FROM Lead"), { errorCode: "INVALID_FIELD" });
    await assert.rejects(conn.tooling.sobject("CustomField").create(field), { errorCode: "DUPLICATE_DEVELOPER_NAME" });
  },

  async "business hours are read as metadata"() {
    const read = await connect().metadata.read("BusinessHoursSettings", "BusinessHours");
    assert.equal(read.businessHours[0].name, "Default");
  },

  async "a wrong query says where"() {
    await assert.rejects(connect().query("SELECT Nme FROM Lead"), (error) => {
      assert.equal(error.errorCode, "INVALID_FIELD");
      return /No such column 'Nme' on entity 'Lead'/.test(error.message);
    });
  },
};

async function act(order) {
  const answer = await fetch(`${url}/_emulator/act`, { method: "POST", body: JSON.stringify(order) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

function oauth2() {
  return new OAuth2({
    loginUrl: url,
    clientId: credentials.consumer_key,
    clientSecret: credentials.consumer_secret,
    redirectUri: "http://127.0.0.1/unused",
  });
}

function connect(more = {}) {
  return new Connection({ version, instanceUrl: url, accessToken: credentials.access_token, ...more });
}

(async () => {
  for (const [name, step] of Object.entries(steps)) {
    await step();
    process.stdout.write(`${name}\n`);
  }
})().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
