// Says aloud, in the one role=status region, what changed without a page load.
// Other modules ask by dispatching "prodacct:say" on the document with the text as detail.

const region = document.getElementById("status");
const VISIBLE_MS = 6000;
let hiding = 0;
let lastSaid = "";

function say(text) {
  if (!region || !text) return;
  region.textContent = text;
  clearTimeout(hiding);
  hiding = setTimeout(() => { region.textContent = ""; }, VISIBLE_MS);
}

document.addEventListener("prodacct:say", (event) => say(event.detail));

const watched = () => document.querySelector("[data-say]");
lastSaid = watched()?.dataset.say ?? "";

// A polled fragment speaks only when its state changes, not at every tick.
document.addEventListener("htmx:after:swap", () => {
  const text = watched()?.dataset.say ?? "";
  if (text !== lastSaid) say(text);
  lastSaid = text;
});

// A morph keeps focus. Should the focused element itself have gone, do not strand the keyboard.
let focusedId = "";
document.addEventListener("htmx:before:swap", () => { focusedId = document.activeElement?.id ?? ""; });
document.addEventListener("htmx:after:settle", () => {
  if (document.activeElement && document.activeElement !== document.body) return;
  if (focusedId) (document.getElementById(focusedId) ?? document.getElementById("main"))?.focus();
});

// After the session ends a poll is redirected to the sign-in page: go there instead of swapping it in.
document.addEventListener("htmx:before:response", (event) => {
  const response = event.detail?.ctx?.response?.raw;
  if (response?.redirected && response.headers.get("content-type")?.startsWith("text/html")) {
    event.preventDefault();
    location.reload();
  }
});
