// The gallery's script: more pictures as one scrolls, a picture's label, and what can be done with it.
// All texts come with the page, in the reader's language; all addresses are relative to it.

import { ask, toast, top, trouble } from "./page.js";

const album = document.getElementById("album");
const words = album.dataset;
const list = document.getElementById("pictures");
const dialog = document.getElementById("picture");
const at = (id) => document.getElementById(id);
const STEP = 0.05; // of the picture's side, for one press of an arrow key

for (const choice of document.querySelectorAll(".search select")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}

// Tiles

function mark(sign, label) {
  const made = document.createElement("span");
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", label);
  made.textContent = sign;
  return made;
}

function dress(tile, line) {
  const link = tile.querySelector("a");
  link.href = top + line.original;
  link.dataset.id = line.id;
  link.classList.toggle("concealed", line.hidden);
  const image = link.querySelector("img");
  const address = top + line.thumbnail;
  if (image.getAttribute("src") !== address) image.src = address;
  image.alt = line.prompt || line.name;
  const marks = link.querySelector(".marks");
  marks.replaceChildren();
  if (line.favourite) marks.append(mark("★", words.favourite));
  if (line.hidden) marks.append(mark("⊘", words.concealed));
  return tile;
}

const tileOf = (id) => list.querySelector(`a[data-id="${id}"]`)?.parentElement;
const newTile = (line) => dress(at("tile").content.firstElementChild.cloneNode(true), line);

function putIn(line) {
  if (tileOf(line.id)) return dress(tileOf(line.id), line);
  const later = [...list.children].find((tile) => Number(tile.firstElementChild.dataset.id) < line.id);
  const tile = newTile(line);
  list.insertBefore(tile, later ?? null);
  return tile;
}

for (const hidden of list.querySelectorAll(`[aria-label="${words.concealed}"]`)) hidden.closest("a").classList.add("concealed");

// More as one scrolls

let after = words.after;
let isLoading = false;
const watcher = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && loadMore(), {
  rootMargin: "600px",
});

async function loadMore() {
  if (isLoading || !after) return;
  isLoading = true;
  list.setAttribute("aria-busy", "true");
  try {
    const page = await ask("GET", `${words.api}&after=${after}`);
    list.append(...page.pictures.filter((line) => !tileOf(line.id)).map(newTile));
    if (page.pictures.length) document.querySelector(".nothing")?.remove();
    after = page.after ?? "";
    at("more").parentElement.hidden = !after;
    watcher.disconnect(); // observed anew, it tells at once whether the end is still in sight
    if (after) watcher.observe(at("more"));
  } catch (error) {
    trouble(error);
  } finally {
    isLoading = false;
    list.removeAttribute("aria-busy");
  }
}

at("more").addEventListener("click", (event) => {
  event.preventDefault();
  loadMore();
});
if (after) watcher.observe(at("more"));

// A picture and its label

let shown = null;
let spot = null;

function fact(name, value) {
  const place = dialog.querySelector(`[data-fact="${name}"]`);
  place.hidden = value === null || value === undefined || value === "";
  place.querySelector("dd").textContent = place.hidden ? "" : value;
}

const day = (seconds) => (seconds === null ? null : new Date(seconds * 1000).toLocaleString(document.documentElement.lang));

function tell(label) {
  shown = label;
  at("picture-title").textContent = label.prompt || label.name;
  const isDead = label.deleted !== null;
  at("living").hidden = isDead;
  at("dead").hidden = !isDead;
  if (at("show")) at("show").hidden = isDead || label.hidden;
  at("favourite").setAttribute("aria-pressed", label.favourite);
  at("hide").setAttribute("aria-pressed", label.hidden);
  at("nofocus").hidden = label.focus === null;
  fact("provider", label.provider ?? words.yours);
  fact("when", day(label.created));
  fact("why", label.why);
  fact("drawn", label.values.map((drawn) => `${drawn.place}: ${drawn.value}`).join("\n"));
  fact("negative", label.negative);
  fact("model", label.model);
  fact("seed", label.provider === null ? null : label.seed);
  fact("details", Object.entries(label.details).map(([name, value]) => `${name}: ${value}`).join("\n"));
  fact("price", label.price);
  fact("file", `${label.name}, ${Math.ceil(label.size / 1024).toLocaleString(document.documentElement.lang)} KB`);
  fact("until", day(label.kept_until));
  at("download").href = top + label.original;
  spot = label.focus;
  showSpot();
}

function showSpot() {
  at("spot").hidden = spot === null;
  if (spot === null) return;
  at("spot").style.left = `${spot[0] * 100}%`;
  at("spot").style.top = `${spot[1] * 100}%`;
}

async function open(id) {
  try {
    const label = await ask("GET", `api/v1/pictures/${id}`);
    at("picture-said").textContent = "";
    aim(false);
    tell(label);
    at("picture-image").src = top + label.original;
    at("picture-image").alt = label.prompt || label.name;
    dialog.showModal();
  } catch (error) {
    trouble(error);
  }
}

list.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-id]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link.dataset.id);
});
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside it
dialog.addEventListener("close", () => {
  at("picture-image").removeAttribute("src");
  if (shown) tileOf(shown.id)?.firstElementChild.focus();
});

/** Do something with the picture that is shown; what is wrong is said in the dialog. */
async function act(work) {
  at("picture-said").textContent = "";
  dialog.setAttribute("aria-busy", "true");
  try {
    await work(shown);
  } catch (error) {
    at("picture-said").textContent = error.message;
  } finally {
    dialog.removeAttribute("aria-busy");
  }
}

async function change(what) {
  await act(async (label) => {
    const changed = await ask("PATCH", `api/v1/pictures/${label.id}`, what);
    tell(changed);
    if (tileOf(label.id)) dress(tileOf(label.id), changed);
    if ("focus" in what && what.focus) at("picture-said").textContent = words.focused;
  });
}

at("favourite").addEventListener("click", () => change({ favourite: !shown.favourite }));
at("hide").addEventListener("click", () => change({ hidden: !shown.hidden }));
at("nofocus").addEventListener("click", () => change({ focus: null }));

async function bringBack(id) {
  try {
    const back = await ask("POST", `api/v1/pictures/${id}/restore`);
    if (words.api.includes("deleted=true")) tileOf(id)?.remove();
    else putIn(back).firstElementChild.focus();
    toast(words.back);
  } catch (error) {
    trouble(error);
  }
}

at("delete").addEventListener("click", () =>
  act(async ({ id }) => {
    const done = await ask("DELETE", `api/v1/pictures/${id}`);
    const tile = tileOf(id);
    const next = tile?.nextElementSibling ?? tile?.previousElementSibling;
    if (done.outcome === "deleted") tile?.remove();
    else if (tile) dress(tile, { ...shown, hidden: true });
    dialog.close();
    (done.outcome === "deleted" ? next : tile)?.firstElementChild.focus();
    toast(done.outcome === "deleted" ? words.deleted : words.hidden, { undo: () => bringBack(id) });
  }),
);
at("restore").addEventListener("click", () => {
  dialog.close();
  bringBack(shown.id);
});
at("show")?.addEventListener("submit", (event) => {
  event.preventDefault();
  act(async ({ id }) => {
    await ask("POST", `api/v1/frames/${encodeURIComponent(at("frame").value)}/next`, { picture: id });
    at("picture-said").textContent = words.shown;
  });
});

// The spot that a crop must keep

function aim(isOn) {
  at("focus").setAttribute("aria-pressed", isOn);
  at("whole").disabled = !isOn;
  if (!isOn) return;
  at("picture-said").textContent = words.tap;
  spot = shown.focus ?? [0.5, 0.5];
  showSpot();
  at("whole").focus();
}

at("focus").addEventListener("click", () => {
  const isOn = at("focus").getAttribute("aria-pressed") !== "true";
  aim(isOn);
  if (!isOn) tell(shown);
});
at("whole").addEventListener("click", (event) => {
  if (event.detail > 0) {
    // not by the keyboard, which presses the button where the spot is
    const box = at("picture-image").getBoundingClientRect();
    spot = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }
  const focus = spot.map((share) => Math.min(1, Math.max(0, Number(share.toFixed(4)))));
  aim(false);
  change({ focus });
});
at("whole").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
  if (!step) return;
  event.preventDefault();
  spot = spot.map((share, side) => Math.min(1, Math.max(0, share + step[side])));
  showSpot();
});

// Bringing pictures

let queue = Promise.resolve(); // one after the other, as the server takes them

function bring(files) {
  for (const file of files) {
    const line = document.createElement("li");
    const name = document.createElement("span");
    const bar = document.createElement("progress");
    const end = document.createElement("span");
    name.textContent = file.name;
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", file.name);
    line.append(name, bar, end);
    at("arrivals").append(line);
    queue = queue.then(() => send(file, bar)).then(
      async (brought) => {
        end.textContent = brought.outcome === "refused" ? `${words.refused} ${brought.message}` : words[brought.outcome];
        bar.remove();
        if (brought.picture === null) return;
        document.querySelector(".nothing")?.remove();
        putIn(await ask("GET", `api/v1/pictures/${brought.picture}`));
      },
    ).catch((error) => {
      end.textContent = `${words.refused} ${error.message}`;
      bar.remove();
    });
  }
}

function send(file, bar) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how much has gone
    request.open("POST", `${top}api/v1/pictures?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("Content-Type", file.type.startsWith("image/") ? file.type : "application/octet-stream");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => (bar.value = event.loaded / event.total));
    request.addEventListener("error", () => reject(new Error(document.body.dataset.unreachable)));
    request.addEventListener("load", () => {
      if (request.status === 200) resolve(request.response.files[0]);
      else reject(new Error(request.response?.error?.message ?? `${request.status}`));
    });
    request.send(file);
  });
}

at("bring").hidden = false;
at("files").addEventListener("change", () => {
  bring(at("files").files);
  at("files").value = "";
});
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  at("bring").classList.add("over");
});
for (const name of ["dragleave", "drop"]) document.addEventListener(name, () => at("bring").classList.remove("over"));
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  bring(event.dataTransfer.files);
});
