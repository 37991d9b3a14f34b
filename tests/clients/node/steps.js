// Runs steps one after the other and prints one JSON line for each: what went wrong, empty where nothing did.
export async function run(steps) {
  for (const [step, work] of Object.entries(steps)) {
    let error = "";
    try {
      await work();
    } catch (reason) {
      error = String(reason?.stack ?? reason) || "failed";
    }
    console.log(JSON.stringify({ step, error }));
  }
}

export const mark = Math.random().toString(36).slice(2, 12);
export const base = process.env.FHIR_BASE;
export const token = process.env.FHIR_TOKEN;
export const reader = process.env.FHIR_READER;
