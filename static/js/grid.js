// Line grids: Enter goes to the line below, Tab past the last cell opens a line, and cells copied in
// a spreadsheet are spread over the grid. Sums are whole numbers of millionths: no figure is a float.
// Without this module the grid is an ordinary form with a button that asks for more lines.

const say = (text) => document.dispatchEvent(new CustomEvent("prodacct:say", { detail: text }));
const MOST_LINES = 200;
const ONE = 1_000_000n;
const TICKS = /^(x|yes|y|true|1|final)$/i;

const lines = (table) => [...table.tBodies[0].rows];
const cells = (line) => [...line.querySelectorAll("input[data-column]")];
const isBlank = (line) => cells(line).every((cell) => (cell.type === "checkbox" ? !cell.checked : !cell.value.trim()));
const counter = (table) => table.closest("form").querySelector("input[data-lines]");

// --- lines ---
function addLine(table) {
  const all = lines(table);
  if (all.length >= MOST_LINES) {
    say(`A form holds ${MOST_LINES} lines. Send these first.`);
    return null;
  }
  const number = all.length;
  const line = all.at(-1).cloneNode(true);
  line.querySelector("th").textContent = String(number + 1);
  for (const fault of line.querySelectorAll(".fault")) fault.remove();
  for (const cell of cells(line)) {
    cell.name = `${cell.dataset.column}-${number}`;
    cell.id = `f-${cell.name}`;
    const label = cell.getAttribute("aria-label").replace(/\d+$/, String(number + 1));
    cell.setAttribute("aria-label", label);
    cell.parentElement.dataset.label = label;
    cell.removeAttribute("aria-invalid");
    cell.removeAttribute("aria-describedby");
    if (cell.type === "checkbox") cell.checked = false;
    else cell.value = "";
  }
  all.at(-1).after(line);
  counter(table).value = String(number + 1);
  return line;
}

function lineAt(table, number) {
  while (lines(table).length <= number) if (!addLine(table)) return null;
  return lines(table)[number];
}

function below(table, cell, by) {
  const line = cell.closest("tr");
  const number = lines(table).indexOf(line) + by;
  if (number < 0) return;
  const next = lineAt(table, number);
  const target = next && cells(next)[cells(line).indexOf(cell)];
  target?.focus();
  if (target?.type === "text") target.select();
}

function keydown(table, event) {
  const cell = event.target;
  if (!cell.matches("input[data-column]") || event.isComposing) return;
  if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    below(table, cell, event.shiftKey ? -1 : 1);
  }
  const line = cell.closest("tr");
  const isLast = line === lines(table).at(-1) && cell === cells(line).at(-1);
  if (event.key === "Tab" && !event.shiftKey && isLast && !isBlank(line)) {
    const added = addLine(table);
    if (!added) return;
    event.preventDefault();
    cells(added)[0].focus();
  }
}

// --- paste ---
// Rows of tab-separated cells; a cell with a tab or a line end in it stands in quotes.
function pasted(text) {
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    const row = rows.at(-1);
    if (quoted && sign === '"' && text[at + 1] === '"') { row[row.length - 1] += '"'; at += 1; }
    else if (sign === '"' && (quoted || row.at(-1) === "")) quoted = !quoted;
    else if (sign === "\t" && !quoted) row.push("");
    else if (sign === "\n" && !quoted) rows.push([""]);
    else if (sign !== "\r") row[row.length - 1] += sign === "\n" ? " " : sign;
  }
  if (rows.at(-1).every((value) => value === "")) rows.pop();
  return rows;
}

function put(cell, value) {
  if (cell.type === "checkbox") cell.checked = TICKS.test(value.trim());
  else cell.value = value.trim();
}

function paste(table, event) {
  const cell = event.target;
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!cell.matches("input[data-column]") || !/[\t\n]/.test(text.trimEnd())) return;
  event.preventDefault();
  const line = cell.closest("tr");
  const first = lines(table).indexOf(line);
  const column = cells(line).indexOf(cell);
  const rows = pasted(text);
  let filled = 0;
  for (const [down, row] of rows.entries()) {
    const target = lineAt(table, first + down);
    if (!target) break;
    row.forEach((value, right) => {
      const to = cells(target)[column + right];
      if (to) put(to, value);
    });
    filled += 1;
  }
  total(table);
  say(`${filled} line${filled === 1 ? "" : "s"} pasted`);
}

// --- sums ---
function millionths(text) {
  if (text.includes(",") && !/^[(+-]?\s*\d{1,3}(,\d{3})+(\.\d*)?\s*[)-]?$/.test(text.trim())) return null;
  const bare = text.replace(/[\s,]/g, "");
  const found = /^(\()?([+-]?)(\d*)(?:\.(\d{1,6}))?(\))?(-)?$/.exec(bare);
  if (!found || !(found[3] || found[4])) return bare ? null : 0n;
  const size = BigInt(found[3] || "0") * ONE + BigInt((found[4] ?? "").padEnd(6, "0"));
  return found[1] || found[2] === "-" || found[6] ? -size : size;
}

function shown(amount) {
  const cents = (amount < 0n ? -amount : amount) + 5_000n;
  const whole = (cents / ONE).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  const text = `${whole}.${((cents % ONE) / 10_000n).toString().padStart(2, "0")}`;
  return amount < 0n ? `(${text})` : text;
}

const value = (line, column) => millionths(line.querySelector(`[data-column="${column}"]`)?.value ?? "");

function sum(table, read) {
  let all = 0n;
  for (const line of lines(table)) {
    const amount = read(line);
    if (amount === null) return null;
    all += amount;
  }
  return all;
}

function product(table) {
  const [left, right] = table.dataset.product.split(" ");
  return sum(table, (line) => {
    const rate = value(line, right);
    const blank = !line.querySelector(`[data-column="${left}"]`).value.trim();
    const count = blank ? ONE : value(line, left);
    if (rate === null || count === null) return null;
    const exact = rate * count;
    return ((exact + (exact < 0n ? -5_000n * ONE : 5_000n * ONE)) / (10_000n * ONE)) * 10_000n;
  });
}

function total(table) {
  const sums = {};
  for (const output of table.querySelectorAll("output[data-sum]")) {
    const column = output.dataset.sum;
    const all = table.dataset.product ? product(table) : sum(table, (line) => value(line, column));
    sums[column] = all;
    output.textContent = all === null ? "?" : shown(all);
  }
  const difference = table.closest("form").querySelector("output[data-difference]");
  if (!difference || !table.dataset.balance) return;
  const [debit, credit] = table.dataset.balance.split(" ").map((column) => sums[column]);
  const known = debit !== null && credit !== null;
  difference.textContent = known ? shown(debit - credit) : "?";
  difference.classList.toggle("off", known && debit !== credit);
}

for (const table of document.querySelectorAll("table[data-grid]")) {
  table.addEventListener("keydown", (event) => keydown(table, event));
  table.addEventListener("paste", (event) => paste(table, event));
  table.addEventListener("input", () => total(table));
  table.querySelector(".needs-script")?.removeAttribute("hidden");
  const button = table.closest("form").querySelector("button[data-add]");
  button?.addEventListener("click", (event) => {
    event.preventDefault();
    const first = addLine(table);
    for (let more = 1; more < 5; more += 1) addLine(table);
    if (first) cells(first)[0].focus();
  });
  total(table);
}

// --- what is ticked of a list of amounts ---
function ticked(table) {
  const all = [...table.tBodies[0].rows]
    .filter((line) => line.querySelector('input[type="checkbox"]').checked)
    .map((line) => millionths(line.querySelector('input[type="text"]').value));
  const known = !all.includes(null);
  table.querySelector("[data-ticked]").textContent = known ? shown(all.reduce((a, b) => a + b, 0n)) : "?";
}

for (const table of document.querySelectorAll("table[data-ticks]")) {
  table.tFoot.hidden = false;
  table.addEventListener("input", () => ticked(table));
  ticked(table);
}
