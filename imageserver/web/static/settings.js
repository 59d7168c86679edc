// Forms with settings: only what was changed is sent, as the kind of value that it is, and an empty field as null.
//
//   form   data-changes  the request, as in data-send; data-version  of the options file that the page shows
//   field  data-path     where its value goes in the body, `options/quality`; data-kind  what it is made into

import { send, toast } from "./page.js";

const items = (text, mark) => text.split(mark).map((item) => item.trim()).filter(Boolean);

const KINDS = {
  number: Number,
  number_or_none: (text) => (/^\d+$/.test(text) ? Number(text) : text),
  switch: (text) => text === "true",
  list: (text) => items(text, /[\s,]+/),
  lines: (text) => items(text, "\n"),
};

/** What a field holds: null where it is empty. */
function valueOf(field) {
  if (field.dataset.kind === "windows") return windowsOf(field);
  const text = field.value.trim();
  if (text === "") return null;
  if ("number" in field.dataset) return Number(text);
  return (KINDS[field.dataset.kind] ?? String)(text);
}

/** The hours of a field: rows that are filled in; one with half of its times is sent, so that the server says so. */
function windowsOf(field) {
  const found = [];
  for (const row of field.querySelectorAll(".window")) {
    const [begin, end] = [...row.querySelectorAll("input[type=time]")].map((input) => input.value);
    if (!begin && !end) continue;
    const window = { time_range: { start_time: begin, end_time: end } };
    const days = JSON.parse(row.dataset.days);
    if (days.length) window.days = days;
    if (row.querySelector("input[type=checkbox]")?.checked) window.black_image_mode = true;
    found.push(window);
  }
  return found.length ? found : null;
}

const before = new Map();
for (const field of document.querySelectorAll("[data-path]")) before.set(field, JSON.stringify(valueOf(field)));

// After a change the page comes anew, with the same part open.
const here = document.getElementById(decodeURIComponent(location.hash.slice(1)));
if (here?.matches("details")) here.open = true;

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-changes]")) return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  const content = {};
  for (const field of form.querySelectorAll("[data-path]")) {
    const value = valueOf(field);
    if (JSON.stringify(value) === before.get(field)) continue;
    const path = field.dataset.path.split("/");
    let inner = content;
    for (const name of path.slice(0, -1)) inner = inner[name] ??= {};
    inner[path.at(-1)] = value;
  }
  if (!Object.keys(content).length) {
    toast(form.dataset.same);
    return;
  }
  content.version = form.dataset.version;
  const part = form.closest("details[id]");
  if (part) history.replaceState(null, "", `#${encodeURIComponent(part.id)}`);
  await send(form, content, form.dataset.changes);
});
