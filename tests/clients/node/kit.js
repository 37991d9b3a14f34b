// fhir-kit-client against a running exchange: each step is what the client is made for.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Client } from "fhir-kit-client";
import { base, mark, reader, run, token } from "./steps.js";

const client = new Client({ baseUrl: base, bearerToken: token });
const system = "urn:example:kit";
const patient = (value, more = {}) => ({
  resourceType: "Patient",
  identifier: [{ system, value }],
  name: [{ family: "王", given: ["晓梅"] }],
  ...more,
});

async function refused(work) {
  try {
    await work();
  } catch (error) {
    const outcome = error.response?.data;
    assert.equal(outcome?.resourceType, "OperationOutcome", String(error));
    return { status: error.response.status, outcome };
  }
  throw new Error("it was not refused");
}

await run({
  async capabilities() {
    const statement = await client.capabilityStatement();
    assert.equal(statement.fhirVersion, "4.0.1");
    assert.ok(statement.rest[0].resource.some((one) => one.type === "Patient"));
  },

  async smartConfiguration() {
    const found = await client.smartAuthMetadata();
    assert.match(String(found.tokenUrl), /\/token$/);
    assert.match(String(found.authorizeUrl), /\/auth$/);
  },

  async life() {
    const made = await client.create({ resourceType: "Patient", body: patient(`${mark}-life`) });
    const { response } = Client.httpFor(made);
    assert.equal(response.status, 201);
    assert.match(response.headers.get("location"), /_history\/1$/);
    const read = await client.read({ resourceType: "Patient", id: made.id });
    assert.equal(read.name[0].family, "王");
    await client.update({ resourceType: "Patient", id: made.id, body: { ...read, gender: "female" } });
    const first = await client.vread({ resourceType: "Patient", id: made.id, version: "1" });
    assert.equal(first.gender, undefined);
    await client.delete({ resourceType: "Patient", id: made.id });
    assert.equal((await refused(() => client.read({ resourceType: "Patient", id: made.id }))).status, 410);
  },

  async patch() {
    const made = await client.create({ resourceType: "Patient", body: patient(`${mark}-patch`) });
    const jsonPatch = [{ op: "add", path: "/active", value: true }];
    const patched = await client.patch({ resourceType: "Patient", id: made.id, jsonPatch });
    assert.equal(patched.active, true);
  },

  async conditionalUpdate() {
    const searchParams = { identifier: `${system}|${mark}-cu` };
    const body = patient(`${mark}-cu`);
    const first = await client.update({ resourceType: "Patient", searchParams, body });
    const second = await client.update({ resourceType: "Patient", searchParams, body: { ...body, active: true } });
    assert.equal(Client.httpFor(first).response.status, 201);
    assert.equal(Client.httpFor(second).response.status, 200);
    assert.equal(first.id, second.id);
  },

  async conditionalCreate() {
    const options = { headers: { "If-None-Exist": `identifier=${system}|${mark}-cc` } };
    const body = patient(`${mark}-cc`);
    const first = await client.create({ resourceType: "Patient", body, options });
    const second = await client.create({ resourceType: "Patient", body, options });
    assert.equal(Client.httpFor(second).response.status, 200);
    assert.equal(first.id, second.id);
  },

  async lostUpdate() {
    const made = await client.create({ resourceType: "Patient", body: patient(`${mark}-lost`) });
    await client.update({ resourceType: "Patient", id: made.id, body: { ...made, active: true } });
    const options = { headers: { "If-Match": 'W/"1"' } };
    const late = () => client.update({ resourceType: "Patient", id: made.id, body: made, options });
    assert.equal((await refused(late)).status, 412);
  },

  async everyPage() {
    const entry = Array.from({ length: 23 }, (_, number) => ({
      resource: { resourceType: "Organization", name: `${mark} ${number}` },
      request: { method: "POST", url: "Organization" },
    }));
    await client.transaction({ body: { resourceType: "Bundle", type: "transaction", entry } });
    let page = await client.search({ resourceType: "Organization", searchParams: { name: mark, _count: "5" } });
    const [ids, pages] = [new Set(), []];
    while (page) {
      pages.push(page);
      page.entry.forEach((one) => ids.add(one.resource.id));
      page = await client.nextPage({ bundle: page });
    }
    assert.deepEqual([ids.size, pages.length], [23, 5]);
  },

  async include() {
    const subject = await client.create({ resourceType: "Patient", body: patient(`${mark}-inc`) });
    const body = {
      resourceType: "Observation", status: "final", code: { text: mark },
      subject: { reference: `Patient/${subject.id}` },
    };
    const made = await client.create({ resourceType: "Observation", body });
    const searchParams = { _id: made.id, _include: "Observation:subject" };
    const found = await client.search({ resourceType: "Observation", searchParams });
    assert.deepEqual(found.entry.map((one) => one.search.mode), ["match", "include"]);
    const resolved = await client.resolve({ reference: made.subject.reference, context: found });
    assert.equal(resolved.id, subject.id);
    const inside = await client.search({
      resourceType: "Observation", compartment: { resourceType: "Patient", id: subject.id },
    });
    assert.deepEqual(inside.entry.map((one) => one.resource.id), [made.id]);
    const posted = await client.search({
      resourceType: "Observation", searchParams: { subject: `Patient/${subject.id}` }, options: { postSearch: true },
    });
    assert.equal(posted.total, 1);
  },

  async transaction() {
    const urn = `urn:uuid:${randomUUID()}`;
    const body = {
      resourceType: "Bundle", type: "transaction",
      entry: [
        { fullUrl: urn, resource: patient(`${mark}-tx`), request: { method: "POST", url: "Patient" } },
        {
          resource: { resourceType: "Condition", subject: { reference: urn }, code: { text: mark } },
          request: { method: "POST", url: "Condition" },
        },
      ],
    };
    const answer = await client.transaction({ body });
    assert.deepEqual(answer.entry.map((one) => one.response.status.slice(0, 3)), ["201", "201"]);
    const broken = structuredClone(body);
    broken.entry[1].resource.code = "no concept";
    assert.equal((await refused(() => client.transaction({ body: broken }))).status, 422);
  },

  async batch() {
    const answer = await client.batch({
      body: {
        resourceType: "Bundle", type: "batch",
        entry: [
          { request: { method: "GET", url: "Patient?_count=1" } },
          { request: { method: "GET", url: `Patient/none-${mark}` } },
        ],
      },
    });
    assert.deepEqual(answer.entry.map((one) => one.response.status.slice(0, 3)), ["200", "404"]);
  },

  async history() {
    const made = await client.create({ resourceType: "Patient", body: patient(`${mark}-hist`) });
    await client.update({ resourceType: "Patient", id: made.id, body: { ...made, active: true } });
    const found = await client.history({ resourceType: "Patient", id: made.id });
    assert.deepEqual(found.entry.map((one) => one.resource.meta.versionId), ["2", "1"]);
    assert.ok((await client.history({ resourceType: "Patient" })).entry.length >= 2);
    assert.equal((await client.history({})).type, "history");
  },

  async operations() {
    const made = await client.create({ resourceType: "Patient", body: patient(`${mark}-ops`) });
    const everything = await client.operation({
      name: "everything", resourceType: "Patient", id: made.id, method: "GET",
    });
    assert.equal(everything.entry[0].resource.id, made.id);
    const input = patient(`${mark}-ops`, { gender: "f" });
    const outcome = await client.operation({ name: "validate", resourceType: "Patient", input });
    assert.equal(outcome.issue[0].code, "code-invalid");
  },

  async errors() {
    const search = () => client.search({ resourceType: "Patient", searchParams: { favourite: "blue" } });
    assert.equal((await refused(search)).status, 400);
    const nobody = new Client({ baseUrl: base });
    assert.equal((await refused(() => nobody.search({ resourceType: "Patient" }))).status, 401);
    const onlyReads = new Client({ baseUrl: base, bearerToken: reader });
    const create = () => onlyReads.create({ resourceType: "Patient", body: patient(mark) });
    assert.equal((await refused(create)).status, 403);
  },
});
