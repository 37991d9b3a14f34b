// SMART's JavaScript client (fhirclient) in its server edition, against a running exchange.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { base, mark, run, token } from "./steps.js";

const FHIR = createRequire(import.meta.url)("fhirclient");
// A session as it is after sign-in: where the server is, and the token that came back.
const client = FHIR({ headers: {} }, {}, {}).client({
  serverUrl: base,
  tokenResponse: { access_token: token, token_type: "Bearer", expires_in: 3600 },
});
const patient = (family, more = {}) => ({ resourceType: "Patient", name: [{ family }], ...more });

async function refused(work) {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("it was not refused");
}

await run({
  async capabilities() {
    assert.equal(await client.getFhirVersion(), "4.0.1");
    assert.equal(await client.getFhirRelease(), 4);
  },

  async life() {
    const made = await client.create(patient(`${mark} life`));
    assert.equal((await client.request(`Patient/${made.id}`)).name[0].family, `${mark} life`);
    const changed = await client.update({ ...made, gender: "female" });
    assert.equal(changed.meta.versionId, "2");
    const patched = await client.patch(`Patient/${made.id}`, [{ op: "replace", path: "/gender", value: "other" }]);
    assert.equal(patched.gender, "other");
    await client.delete(`Patient/${made.id}`);
    assert.match(String(await refused(() => client.request(`Patient/${made.id}`))), /410|Gone|deleted/i);
  },

  async everyPage() {
    for (let number = 0; number < 7; number++) {
      await client.create({ resourceType: "Organization", name: `${mark} ${number}` });
    }
    const flat = await client.request(`Organization?name=${mark}&_count=3`, { pageLimit: 0, flat: true });
    assert.equal(new Set(flat.map((one) => one.id)).size, 7);
    const pages = [];
    await client.request(`Organization?name=${mark}&_count=3`, {
      pageLimit: 0,
      onPage: (page) => { pages.push(page.entry.length); },
    });
    assert.deepEqual(pages, [3, 3, 1]);
  },

  async resolvedReferences() {
    const subject = await client.create(patient(`${mark} graph`));
    const body = {
      resourceType: "Observation", status: "final", code: { text: mark },
      subject: { reference: `Patient/${subject.id}` },
    };
    const made = await client.create(body);
    const found = await client.request(`Observation/${made.id}`, { resolveReferences: ["subject"], graph: true });
    assert.equal(found.subject.name[0].family, `${mark} graph`);
  },

  async units() {
    const body = {
      resourceType: "Observation", status: "final",
      code: { coding: [{ system: "http://loinc.org", code: "29463-7" }], text: mark },
      valueQuantity: { value: 61.50, unit: "kg", system: "http://unitsofmeasure.org", code: "kg" },
    };
    const made = await client.create(body);
    const read = await client.request(`Observation/${made.id}`);
    const byCode = client.byCode([read], "code");
    assert.equal(client.getPath(byCode["29463-7"][0], "valueQuantity.value"), 61.5);
    const raw = await client.request({ url: `Observation/${made.id}`, includeResponse: true });
    assert.equal(raw.response.status, 200);
  },

  async errors() {
    const unknown = await refused(() => client.request("Patient?favourite=blue"));
    assert.equal(unknown.status ?? unknown.statusCode, 400);
    assert.match(unknown.message, /favourite/);
    const nobody = FHIR({ headers: {} }, {}, {}).client({ serverUrl: base });
    const refusal = await refused(() => nobody.request("Patient"));
    assert.equal(refusal.status ?? refusal.statusCode, 401);
  },
});
