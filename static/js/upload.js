// Files dropped on the form are put into its file field; each is then sent in pieces, and the page
// goes where the server says. Without this module the form is an ordinary one.

import { giveUp, Refusal, sendInPieces } from "./pieces.js";

const form = document.querySelector("form[data-upload]");
const field = form?.querySelector('input[type="file"]');
const list = form?.querySelector(".file-list");
const failure = form?.querySelector("#form-error");
const button = form?.querySelector("button.main");
const say = (text) => document.dispatchEvent(new CustomEvent("prodacct:say", { detail: text }));

function size(bytes) {
  const units = ["bytes", "KB", "MB", "GB"];
  const power = Math.min(Math.floor(Math.log2(bytes || 1) / 10), units.length - 1);
  if (power) return `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
  return bytes === 1 ? "1 byte" : `${bytes} bytes`;
}

function show() {
  list.replaceChildren(...[...field.files].map(line));
  if (field.files.length) say(`${field.files.length} chosen: ${[...field.files].map((file) => file.name).join(", ")}`);
}

function line(file) {
  const item = document.createElement("li");
  const name = document.createElement("b");
  name.textContent = file.name;
  item.append(name, ` ${size(file.size)}`);
  return item;
}

function fail(text) {
  failure.querySelector("p").textContent = text;
  failure.hidden = false;
}

function busy(on) {
  form.setAttribute("aria-busy", String(on));
  button.disabled = on;
  button.textContent = on ? "Sending…" : "Receive";
}

const signOf = () => new DOMException("given up", "AbortError");

// What stands beside a file while it is on its way: how far it is, and a way to give it up.
function follow(item, file) {
  const bar = document.createElement("progress");
  const words = document.createElement("span");
  const cancel = document.createElement("button");
  bar.max = file.size;
  bar.value = 0;
  bar.setAttribute("aria-label", `Progress of ${file.name}`);
  cancel.type = "button";
  cancel.textContent = "Cancel";
  cancel.setAttribute("aria-label", `Cancel the upload of ${file.name}`);
  item.append(bar, words, cancel);
  return {
    cancel,
    told(step, bytes) {
      if (bytes !== undefined) bar.value = bytes;
      words.textContent = bytes === undefined ? `${step}…` : `${step} ${Math.floor((100 * bytes) / file.size)} %`;
    },
    end(text, url) {
      bar.remove();
      cancel.remove();
      words.textContent = text;
      if (!url) return;
      const link = document.createElement("a");
      link.href = url;
      link.textContent = "Open it";
      item.append(link);
    },
  };
}

async function sendOne(file, item) {
  const control = new AbortController();
  const shown = follow(item, file);
  let end = "";
  shown.cancel.addEventListener("click", () => control.abort(signOf()));
  try {
    const answer = await sendInPieces(file, {
      begin: form.dataset.begin, asked, signal: control.signal, told: shown.told,
      begun: (url) => { end = url; },
    });
    if (answer.state === "wrong") throw new Refusal(answer.words);
    shown.end(answer.words ?? "Received.", answer.url);
    return answer;
  } catch (fault) {
    if (control.signal.aborted) {
      if (end) await giveUp(end).catch(() => undefined);
      shown.end("Cancelled; nothing of it was kept.");
      return { state: "cancelled" };
    }
    shown.end("Not received.");
    if (!(fault instanceof Refusal)) throw fault;
    return { state: "refused", words: fault.message };
  }
}

// The form's fields without its files, which go by themselves.
function asked() {
  const body = new FormData(form);
  body.delete("file");
  return body;
}

async function sendAll(files) {
  show();
  const answers = [];
  for (const [n, file] of files.entries()) answers.push(await sendOne(file, list.children[n]));
  const refused = answers.filter((answer) => answer.state === "refused");
  if (refused.length) fail([...new Set(refused.map((answer) => answer.words))].join(" "));
  else if (files.length === 1 && answers[0].url) location.assign(answers[0].url);
  else if (answers.every((answer) => answer.state === "received")) location.assign(form.action);
}

// The server answers a good form with a redirect, a bad one with the same page and its reason.
async function sendWhole() {
  const headers = { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]')?.content ?? "" };
  const response = await fetch(form.action, { method: "POST", body: new FormData(form), headers });
  if (response.redirected) {
    location.assign(response.url);
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const reason = page.querySelector("#form-error p")?.textContent.trim() || page.querySelector("main p")?.textContent.trim();
  fail(reason || `Not received: the server answered ${response.status}.`);
}

async function send(event) {
  event.preventDefault();
  failure.hidden = true;
  busy(true);
  say("Sending");
  const files = [...field.files];
  try {
    // Without a file, and for one without a byte, there is nothing to send in pieces.
    await (files.length && files.every((file) => file.size) ? sendAll(files) : sendWhole());
  } catch {
    fail("Not sent: no connection. Send the file again; what has arrived of it is not sent twice.");
  }
  busy(false);
}

let depth = 0;
function over(on) {
  depth = on === null ? 0 : depth + (on ? 1 : -1);
  form.classList.toggle("over", depth > 0);
}

if (form && field) {
  form.classList.add("ready");
  field.addEventListener("change", show);
  form.addEventListener("submit", send);
  form.addEventListener("dragenter", (event) => { event.preventDefault(); over(true); });
  form.addEventListener("dragleave", () => over(false));
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    over(null);
    if (!event.dataTransfer.files.length) return;
    field.files = event.dataTransfer.files;
    show();
    button.focus();
  });
  // A file that misses the zone would otherwise replace the page.
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
}
