// Files dropped on the form are put into its file field; the form is then sent in place
// and the page goes where the server says. Without this module the form is an ordinary one.

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
  list.replaceChildren(...[...field.files].map((file) => {
    const item = document.createElement("li");
    const name = document.createElement("b");
    name.textContent = file.name;
    item.append(name, ` ${size(file.size)}`);
    return item;
  }));
  if (field.files.length) say(`${field.files.length} chosen: ${[...field.files].map((file) => file.name).join(", ")}`);
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

// The server answers a good file with a redirect, a bad one with the same page and its reason.
async function send(event) {
  event.preventDefault();
  failure.hidden = true;
  const body = new FormData(form);
  const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
  busy(true);
  say("Sending");
  try {
    const response = await fetch(form.action, { method: "POST", body, headers: { "X-CSRFToken": token } });
    if (response.redirected) {
      location.assign(response.url);
      return;
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const reason = page.querySelector("#form-error p")?.textContent.trim() || page.querySelector("main p")?.textContent.trim();
    fail(reason || `Not received: the server answered ${response.status}.`);
  } catch {
    fail("Not sent: no connection. Nothing was received; send the file again.");
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
