// The page on which a picture is asked for: its price before the click, and how it is being made.

import { top } from "./page.js";

const form = document.getElementById("wish");
const making = document.getElementById("making");
const part = (name) => document.getElementById(`making-${name}`);
const ENDS = ["done", "failed", "unknown"];

function showCost() {
  document.getElementById("cost").textContent = form.elements.provider.selectedOptions[0].dataset.cost;
}

function sentence(job) {
  if (job.state === "done" && job.picture === null) return making.dataset.nothing;
  if (job.state === "done" && job.error !== null && !/ painted(;| picture|$)/.test(job.why)) return making.dataset.stored;
  return making.dataset[job.state].replace("{provider}", job.provider ?? "");
}

function watch(id) {
  form.hidden = true;
  making.hidden = false;
  part("after").hidden = true;
  part("picture").hidden = true;
  let since = Date.now();
  const state = part("state");
  state.classList.add("working");
  const tick = () => {
    part("time").textContent = making.dataset.seconds.replace("{n}", Math.round((Date.now() - since) / 1000));
  };
  const ticking = setInterval(tick, 1000);
  const source = new EventSource(`${top}api/v1/jobs/${encodeURIComponent(id)}/events`);
  source.addEventListener("message", (event) => {
    const job = JSON.parse(event.data);
    since = Date.now() - job.seconds * 1000;
    state.textContent = sentence(job);
    part("why").textContent = [job.message, ["failed", "unknown"].includes(job.state) ? job.why : ""].filter(Boolean).join(" – ");
    if (!ENDS.includes(job.state)) return tick();
    source.close();
    clearInterval(ticking);
    tick();
    state.classList.remove("working");
    part("after").hidden = false;
    if (job.picture !== null) {
      const image = part("picture").querySelector("img");
      image.src = `${top}current.jpg?picture=${job.picture}&frame=${encodeURIComponent(form.elements.frame.value)}`;
      part("picture").hidden = false;
    }
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) {
      clearInterval(ticking);
      part("after").hidden = false;
    }
    state.textContent = making.dataset.gone;
  });
}

form.elements.provider.addEventListener("change", showCost);
form.addEventListener("reset", showCost);
form.addEventListener("sent", (event) => {
  const { id } = event.detail;
  part("prompt").textContent = form.elements.prompt.value;
  history.replaceState(null, "", `?job=${encodeURIComponent(id)}`);
  watch(id);
});
document.getElementById("another").addEventListener("click", () => {
  making.hidden = true;
  form.hidden = false;
  history.replaceState(null, "", location.pathname);
  form.elements.prompt.focus();
});
showCost();
if (making.dataset.job) watch(making.dataset.job);
