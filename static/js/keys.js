// The key map. One table: the dialog under "?" is drawn from it, and so is what the keys do.
// keys: what is pressed, in order. needs: a selector that must be on the page, or the key is not offered.

export const KEYS = [
  { keys: "g c", says: "Go to the cost report", go: "c" },
  { keys: "g b", says: "Go to the budget", go: "b" },
  { keys: "g i", says: "Go to import", go: "i" },
  { keys: "g q", says: "Go to quarantine", go: "q" },
  { keys: "g t", says: "Go to the cost codes", go: "t" },
  { keys: "g o", says: "Go to orders", go: "o" },
  { keys: "g n", says: "Go to invoices", go: "n" },
  { keys: "g y", says: "Go to payments", go: "y" },
  { keys: "g j", says: "Go to journals", go: "j" },
  { keys: "g h", says: "Go to petty cash and cards", go: "h" },
  { keys: "g v", says: "Go to vendors", go: "v" },
  { keys: "g k", says: "Go to the bible", go: "k" },
  { keys: "g l", says: "Go to the trial balance", go: "l" },
  { keys: "g p", says: "Go to the periods", go: "p" },
  { keys: "g a", says: "Go to the audit", go: "a" },
  { keys: "f p", says: "Choose the period", needs: '[data-focus="p"]', run: focusOn('[data-focus="p"] summary') },
  { keys: "j", says: "Next row", needs: "table[data-rows] tbody a, table[data-rows] tbody button", act: "row-next" },
  { keys: "k", says: "Previous row", needs: "table[data-rows] tbody a, table[data-rows] tbody button", act: "row-previous" },
  { keys: "Enter", says: "Open the row", needs: "table[data-rows] tbody a" },
  { keys: "u", says: "Up one level", needs: ".crumbs a", run: follow(".crumbs li:last-child a, .crumbs li:has(+ li:last-child) a") },
  { keys: "[", says: "Previous record, page or period", needs: 'a[rel="prev"]', run: follow('a[rel="prev"]') },
  { keys: "]", says: "Next record, page or period", needs: 'a[rel="next"]', run: follow('a[rel="next"]') },
  { keys: "e", says: "Edit the first field with a problem", needs: "form[data-primary] table input", run: edit },
  { keys: "Ctrl+Enter", says: "Commit the form", needs: "form[data-primary] button.main", run: commit },
  { keys: "Esc", says: "Leave the field, close what is open", run: leave },
  { keys: "p", says: "Print", run: () => window.print() },
  { keys: "X", says: "Export", needs: "a[data-export]", run: follow("a[data-export]") },
  { keys: "?", says: "Show these keys", run: toggleDialog },
];

const CHORD_MS = 1200;
const STORE = "prodacct.single-keys";
const dialog = document.getElementById("keys");
const single = document.getElementById("keys-single");
let prefix = "";
let prefixTimer = 0;

function follow(selector) {
  return () => [...document.querySelectorAll(selector)].at(-1)?.click();
}

function focusOn(selector) {
  return () => {
    const target = document.querySelector(selector);
    target?.focus();
    if (target?.parentElement instanceof HTMLDetailsElement) target.parentElement.open = true;
  };
}

function edit() {
  const inForm = (selector) => document.querySelector(`form[data-primary] ${selector}`);
  const field = inForm('input[aria-invalid="true"]') ?? inForm("table input");
  field?.focus();
  field?.select();
}

function commit() {
  const form = document.activeElement?.closest("form[data-primary]") ?? document.querySelector("form[data-primary]");
  const button = form?.querySelector("button.main:not([disabled])");
  if (button) form.requestSubmit(button);
}

function leave() {
  if (typing(document.activeElement)) document.activeElement.blur();
}

function toggleDialog() {
  if (!dialog) return;
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

function typing(element) {
  if (!element) return false;
  if (element.isContentEditable || element.matches("select, textarea")) return true;
  return element.matches("input") && !element.matches('[type="checkbox"], [type="radio"], [type="file"], [type="submit"], [type="button"]');
}

function goLink(letter) {
  return [...document.querySelectorAll("a[data-go]")].find((link) => link.dataset.go.split(" ").at(-1) === letter);
}

const offered = (entry) => (entry.go ? Boolean(goLink(entry.go)) : !entry.needs || document.querySelector(entry.needs) !== null);

function perform(entry) {
  if (entry.go) goLink(entry.go)?.click();
  else if (entry.act) document.dispatchEvent(new CustomEvent("prodacct:key", { detail: entry.act }));
  else entry.run?.();
}

function singleKeysOn() {
  try { return localStorage.getItem(STORE) !== "off"; } catch { return true; }
}

function pressed(event) {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") return "Ctrl+Enter";
  if (event.ctrlKey || event.metaKey || event.altKey) return "";
  return event.key === "Escape" ? "Esc" : event.key;
}

function find(name) {
  return KEYS.find((entry) => entry.keys === name && (entry.run || entry.act || entry.go) && offered(entry));
}

document.addEventListener("keydown", (event) => {
  const name = pressed(event);
  if (!name || event.defaultPrevented || event.isComposing) return;
  const always = name === "Ctrl+Enter" || name === "Esc";
  if (!always && (typing(event.target) || !singleKeysOn())) return;
  if (dialog?.open && name !== "?") return;
  const chord = prefix ? `${prefix} ${name}` : name;
  clearTimeout(prefixTimer);
  prefix = "";
  const entry = find(chord);
  if (entry) {
    if (name !== "Esc") event.preventDefault();
    perform(entry);
  } else if (KEYS.some((other) => other.keys.startsWith(`${chord} `))) {
    prefix = chord;
    prefixTimer = setTimeout(() => { prefix = ""; }, CHORD_MS);
  }
});

function kbd(text) {
  const key = document.createElement("kbd");
  key.textContent = text;
  return key;
}

function listKeys() {
  const body = dialog.querySelector("tbody");
  body.replaceChildren(...KEYS.filter(offered).map((entry) => {
    const row = document.createElement("tr");
    const name = document.createElement("th");
    name.scope = "row";
    entry.keys.split(" ").forEach((key, at) => name.append(...(at ? [" "] : []), kbd(key)));
    const what = document.createElement("td");
    what.textContent = entry.says;
    row.append(name, what);
    return row;
  }));
}

if (dialog && single) {
  single.checked = singleKeysOn();
  single.addEventListener("change", () => {
    try { localStorage.setItem(STORE, single.checked ? "on" : "off"); } catch { /* storage refused */ }
  });
  listKeys();
  const opener = document.querySelector("[data-keys-open]");
  if (opener) {
    opener.hidden = false;
    opener.addEventListener("click", toggleDialog);
  }
}
