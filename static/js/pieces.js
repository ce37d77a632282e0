// Sends one file in pieces: hashed first, asked about, then sent from where the server has it.
// A lost connection is waited for; what the server has got is never sent again.

const PIECE = 4 * 1024 * 1024;
const WAITS = [1, 2, 4, 8, 15, 30];
const PATIENCE = 120_000;
const HASHING = new URL("./hashing.js", import.meta.url);

// What a person should read; everything else is a fault of ours.
export class Refusal extends Error {}

class Away extends Error {}

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export function hashOf(file, signal, told) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(HASHING, { type: "module" });
    const stop = (end, value) => { worker.terminate(); end(value); };
    signal.addEventListener("abort", () => stop(reject, signal.reason), { once: true });
    worker.addEventListener("error", () => stop(reject, new Refusal("This browser could not hash the file.")));
    worker.addEventListener("message", ({ data }) => {
      if (data.sha256) stop(resolve, data.sha256);
      else if (data.fault) stop(reject, new Refusal(`${file.name} could not be read (${data.fault}). Choose it again.`));
      else told("Reading", data.read);
    });
    worker.postMessage(file);
  });
}

async function ask(url, body, headers, signal) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST", body, headers: { "X-CSRFToken": token(), ...headers },
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
    });
  } catch (fault) {
    if (signal.aborted) throw signal.reason;
    throw new Away(String(fault));
  }
  if (response.headers.get("content-type")?.startsWith("application/json")) return response.json();
  if (response.status >= 500) throw new Away(String(response.status));
  if (response.redirected) throw new Refusal("You are signed out, or are to prove again who you are. Open this page anew and choose the file again: it goes on where it stopped.");
  throw new Refusal(`Not received: the server answered ${response.status}.`);
}

function later(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    window.addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}

// Asks again and again until the server answers, or it has been away for a minute.
async function patiently(act, signal, told) {
  for (let tried = 0; ; tried += 1) {
    try {
      return await act();
    } catch (fault) {
      if (!(fault instanceof Away)) throw fault;
      if (tried === WAITS.length) throw new Refusal("The connection is lost. Choose the same file again later: it goes on where it stopped.");
      told("Waiting for the connection");
      await later(WAITS[tried], signal);
    }
  }
}

function understood(answer) {
  if (answer.state === "refused" && answer.offset === undefined) throw new Refusal(answer.words);
  return answer;
}

// `asked` gives the form's other fields anew. Answers {state, url, words} as the server did.
export async function sendInPieces(file, { begin, asked, signal, told, begun }) {
  const sha256 = await hashOf(file, signal, told);
  const stated = () => {
    const body = asked();
    for (const [name, value] of Object.entries({ name: file.name, size: file.size, sha256 })) body.set(name, value);
    return body;
  };
  const opened = understood(await patiently(() => ask(begin, stated(), {}, signal), signal, told));
  if (opened.state !== "open") return opened;
  begun(opened.end);
  let { offset } = opened;
  while (offset < file.size) {
    told("Sending", offset);
    const piece = file.slice(offset, offset + PIECE);
    const headers = { "Content-Type": "application/octet-stream", "Upload-Offset": String(offset) };
    // A refused offset carries the right one: a piece may have arrived whose answer was lost.
    ({ offset } = understood(await patiently(() => ask(opened.url, piece, headers, signal), signal, told)));
  }
  told("Checking", file.size);
  const end = () => { const body = asked(); body.set("step", "finish"); return body; };
  return understood(await patiently(() => ask(opened.end, end(), {}, signal), signal, told));
}

export function giveUp(end) {
  const body = new FormData();
  body.set("step", "cancel");
  return fetch(end, { method: "POST", body, headers: { "X-CSRFToken": token() } });
}
