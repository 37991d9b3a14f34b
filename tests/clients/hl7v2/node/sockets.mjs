// A hospital written in plain Node: frames cut into bytes, several in one write, noise between them, TLS, its own listener.
import fs from "node:fs";
import net from "node:net";
import tls from "node:tls";

const START = "\x0b", END = "\x1c\r";
const port = Number(process.env.HL7_LISTENER), secure = Number(process.env.HL7_SECURE);

async function run(steps) {
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

const admission = (control) =>
  ["MSH|^~\\&|HIS|H01|HIE|ZB|20261124080000||ADT^A04^ADT_A01|" + control + "|P|2.5.1||||||UNICODE UTF-8",
    "EVN||20261124080000", "PID|1||L" + control + "^^^H01^MR||王^晓梅||19850612|F", "PV1|1|O|W1", ""].join("\r");

function same(expected, found) {
  if (JSON.stringify(expected) !== JSON.stringify(found))
    throw new Error(`expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
}

// Everything that is answered until so many frames have come.
function answers(socket, count) {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.setTimeout(20000, () => reject(new Error("no answer in time: " + text)));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed: " + text)));
    socket.on("data", (chunk) => {
      text += chunk.toString("utf8");
      const frames = text.split(END).slice(0, -1);
      if (frames.length >= count) resolve(frames.map((frame) => /MSA\|(\w\w)\|([^|\r]*)/.exec(frame).slice(1).join(" ")));
    });
  });
}

async function talk(socket, count, write) {
  socket.setNoDelay(true);
  const told = answers(socket, count);
  await write(socket);
  const found = await told;
  socket.removeAllListeners("close");
  socket.destroy();
  return found;
}

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

await run({
  async byteByByte() {
    const frame = Buffer.from(START + admission("N1") + END);
    const found = await talk(net.connect(port, "127.0.0.1"), 1, async (socket) => {
      for (const byte of frame) {
        socket.write(Buffer.from([byte]));
        if (byte % 16 === 0) await pause(1);
      }
    });
    same(["AA N1"], found);
  },
  async manyInOneWrite() {
    const controls = Array.from({ length: 12 }, (_, at) => "M" + at);
    const frames = controls.map((control) => START + admission(control) + END).join("\r\nnoise\r\n");
    same(controls.map((control) => "AA " + control), await talk(net.connect(port, "127.0.0.1"), 12, (s) => s.write(frames)));
  },
  async withoutCarriageReturn() {
    const found = await talk(net.connect(port, "127.0.0.1"), 1, (s) => s.write(START + admission("R1") + "\x1c"));
    same(["AA R1"], found);
  },
  async abandoned() {
    const socket = net.connect(port, "127.0.0.1");
    await new Promise((done) => socket.write(START + admission("X1").slice(0, 90), done));
    socket.destroy();
    same(["AA X2"], await talk(net.connect(port, "127.0.0.1"), 1, (s) => s.write(START + admission("X2") + END)));
  },
  async atOnce() {
    const controls = Array.from({ length: 20 }, (_, at) => "P" + at);
    const found = await Promise.all(controls.map((control) =>
      talk(net.connect(port, "127.0.0.1"), 1, (s) => s.write(START + admission(control) + END))));
    same(controls.map((control) => ["AA " + control]), found);
  },
  async secured() {
    const ca = fs.readFileSync(process.env.HL7_CERTIFICATE);
    const socket = tls.connect({ port: secure, host: "127.0.0.1", servername: "localhost", ca });
    same(["AA T1"], await talk(socket, 1, (s) => s.write(START + admission("T1") + END)));
  },
  async notTrusted() {
    const refused = await new Promise((resolve) => {
      const socket = tls.connect({ port: secure, host: "127.0.0.1", servername: "localhost" }, () => resolve("taken"));
      socket.on("error", (error) => resolve(error.code));
    });
    same("DEPTH_ZERO_SELF_SIGNED_CERT", refused);
  },
});
