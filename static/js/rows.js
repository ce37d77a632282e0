// Moves along table rows, opens and closes groups of accounts, and offers hashes for copying.
// The row one stands on is the row that holds the focus: nothing else has to be remembered.

const say = (text) => document.dispatchEvent(new CustomEvent("prodacct:say", { detail: text }));

// --- rows ---
const handle = (row) => row.querySelector("th a[href], th button:not([disabled]), td a[href]");
const visible = (row) => row.getClientRects().length > 0;

function rows() {
  return [...document.querySelectorAll("table[data-rows] tbody tr")]
    .filter((row) => visible(row) && handle(row));
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const here = all.indexOf(document.activeElement?.closest("tr"));
  const first = by > 0 ? 0 : all.length - 1;
  const next = here < 0 ? first : Math.min(Math.max(here + by, 0), all.length - 1);
  handle(all[next]).focus();
}

function enter() {
  const row = document.activeElement?.closest("table[data-rows] tbody tr");
  if (row) handle(row)?.click();
}

const ACTIONS = { "row-next": () => step(1), "row-previous": () => step(-1), "row-open": enter };
document.addEventListener("prodacct:key", (event) => ACTIONS[event.detail]?.());

// --- groups ---
// What is folded stays folded while the tab is open; account codes are kept, never figures.
const STORE = `prodacct.folded:${location.pathname}`;
const toggles = [...document.querySelectorAll("button[data-toggle]")];
const toggleAll = document.querySelector("[data-toggle-all]");
const isOpen = (button) => button.getAttribute("aria-expanded") === "true";

function fold(button, open) {
  button.setAttribute("aria-expanded", String(open));
  document.getElementById(button.dataset.toggle).hidden = !open;
}

function remember() {
  const folded = toggles.filter((button) => !isOpen(button)).map((button) => button.textContent);
  try { sessionStorage.setItem(STORE, JSON.stringify(folded)); } catch { /* storage refused */ }
  if (toggleAll) toggleAll.textContent = toggles.some(isOpen) ? "Collapse all" : "Expand all";
}

function recall() {
  try { return new Set(JSON.parse(sessionStorage.getItem(STORE) ?? "[]")); } catch { return new Set(); }
}

if (toggles.length) {
  const folded = recall();
  for (const button of toggles) {
    button.disabled = false;
    if (folded.has(button.textContent)) fold(button, false);
    button.addEventListener("click", () => { fold(button, !isOpen(button)); remember(); });
  }
  if (toggleAll) {
    toggleAll.hidden = false;
    toggleAll.addEventListener("click", () => {
      const open = !toggles.some(isOpen);
      toggles.forEach((button) => fold(button, open));
      remember();
      say(open ? "All categories expanded" : "All categories collapsed");
    });
  }
  remember();
}

// --- one menu open at a time, closed by a click elsewhere or Esc ---
const menus = () => [...document.querySelectorAll("details.menu[open]")];
document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    const inside = menu.contains(document.activeElement);
    menu.open = false;
    if (inside) menu.querySelector("summary").focus();
  }
});

// --- hashes ---
for (const cell of document.querySelectorAll("[data-copy]")) {
  const text = cell.textContent.trim();
  if (!/^[0-9a-f]{16,}$/.test(text)) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${cell.previousElementSibling?.textContent ?? "hash"}`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      getSelection().selectAllChildren(cell.firstElementChild ?? cell);
      say("Selected: press Ctrl+C to copy");
    }
  });
  cell.append(button);
}
