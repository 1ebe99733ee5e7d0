// Keeps what is filled in, and saves it as the CSV that evalsuite reads back.
"use strict";

// As evalsuite.runs.tables.guarded: no cell starts a formula.
const guarded = (text) => (/^[=+\-@\t\r\n']/.test(text) ? `'${text}` : text);
const quoted = (cell) => `"${cell.replaceAll('"', '""')}"`;

// `filled` maps row and column to what a person answered.
const csvText = (sheet, filled) => {
  const given = sheet.columns.length - sheet.asked.length;
  const rows = sheet.entries.map((entry, at) => [
    ...sheet.cells[at].slice(0, given),
    ...sheet.asked.map((one) => guarded((filled[`${entry.code}-${one.name}`] ?? "").trim())),
  ]);
  return "\ufeff" + [sheet.columns, ...rows].map((row) => row.map(quoted).join(",") + "\r\n").join("");
};

const openRows = (sheet, filled) => sheet.entries.filter((entry) =>
  sheet.asked.some((one) => one.needed && !(filled[`${entry.code}-${one.name}`] ?? "").trim()));

if (typeof document !== "undefined") {
  const find = (selector) => document.querySelector(selector);
  const sheet = JSON.parse(find("#sheet").textContent);
  const form = find("#rows");
  const kept = `evalsuite-sheet-${sheet.id}`;
  let keeps = true;
  let saved = true;

  const filled = () => Object.fromEntries(new FormData(form));
  const tell = () => {
    const open = openRows(sheet, filled()).length;
    const done = `${sheet.entries.length - open} of ${sheet.entries.length} rows are answered.`;
    find("#progress").textContent = keeps ? done : `${done} This browser keeps nothing: save before you leave.`;
  };

  try {
    const before = JSON.parse(localStorage.getItem(kept) ?? "{}");
    for (const field of form.elements) {
      if (!field.name || !(field.name in before)) continue;
      if (field.type === "radio") field.checked = field.value === before[field.name];
      else field.value = before[field.name];
    }
  } catch { keeps = false; }

  form.addEventListener("input", () => {
    saved = false;
    try { localStorage.setItem(kept, JSON.stringify(filled())); } catch { keeps = false; }
    tell();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("beforeunload", (event) => { if (!keeps && !saved) event.preventDefault(); });
  find("#next").addEventListener("click", () => {
    const open = openRows(sheet, filled())[0];
    if (!open) return;
    const row = document.getElementById(`row-${open.code}`);
    row.scrollIntoView({ block: "start" });
    row.querySelector("input, select, textarea").focus({ preventScroll: true });
  });
  find("#save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csvText(sheet, filled())], { type: "text/csv;charset=utf-8" }));
    link.download = `${sheet.id}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    saved = true;
  });
  tell();
}
