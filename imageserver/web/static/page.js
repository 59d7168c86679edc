// What all pages have in common: asking the server, saying what came of it, asking back before something is lost.
//
// A button or form with data-send="POST api/v1/…" needs no script of its own:
//   data-body   JSON that is sent; a form sends its fields
//   data-sure   a question that is asked first
//   data-done   what is said when it is done
//   data-undo   what takes it back, as in data-send; offered beside data-done
//   data-then   "reload", or the address of a page of ours to go to, with {…} from the answer

const body = document.body;
const KEPT = "imageserver-said";
const LONG = 6000; // milliseconds that something said stays; what can be taken back stays twice as long

export const top = body.dataset.top;

/** Ask the API. Gives the answer's JSON, and throws an Error with a sentence for people. */
export async function ask(method, path, content) {
  let answer;
  try {
    answer = await fetch(top + path, {
      method,
      headers: { Accept: "application/json", ...(content === undefined ? {} : { "Content-Type": "application/json" }) },
      body: content === undefined ? undefined : JSON.stringify(content),
    });
  } catch {
    throw new Error(body.dataset.unreachable);
  }
  if (answer.status === 401) location.reload(); // the session has ended: the server leads to the door
  let said = null;
  try {
    said = await answer.json();
  } catch {
    if (answer.ok) return null;
  }
  if (!answer.ok) throw new Error(said?.error?.message ?? `${answer.status} ${answer.statusText}`);
  return said;
}

/** Say something for a while, with a way back where there is one. */
export function toast(text, { undo = null, isTrouble = false } = {}) {
  const line = document.createElement("div");
  line.className = isTrouble ? "toast trouble" : "toast";
  if (isTrouble) line.setAttribute("role", "alert");
  line.append(text);
  const button = (label, action) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    made.addEventListener("click", () => {
      line.remove();
      action();
    });
    line.append(made);
  };
  if (undo) button(body.dataset.undo, undo);
  if (isTrouble) button(body.dataset.close, () => {});
  else setTimeout(() => line.remove(), undo ? 2 * LONG : LONG);
  document.getElementById("toasts").append(line);
}

/** Say what went wrong. It stays until somebody has read it. */
export function trouble(error) {
  toast(error.message, { isTrouble: true });
}

/** Whether the person says yes. */
export function sure(question, yes) {
  const dialog = document.getElementById("sure");
  document.getElementById("sure-text").textContent = question;
  if (yes) document.getElementById("sure-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Say something on the page that comes next. */
export function sayThere(text, undo = null) {
  sessionStorage.setItem(KEPT, JSON.stringify({ text, undo }));
}

/** A form's fields; what is empty is left out, numbers are numbers. */
export function fieldsOf(form) {
  const found = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== "string" || value.trim() === "") continue;
    found[name] = form.elements[name].dataset?.kind === "number" ? Number(value) : value;
  }
  return found;
}

/** Do what an element's data-… say, or the request `what`. */
export async function send(element, content, what = element.dataset.send) {
  const { sure: question, done, undo, then } = element.dataset;
  if (question && !(await sure(question, element.dataset.yes))) return null;
  const [method, path] = what.split(" ");
  element.setAttribute("aria-busy", "true");
  try {
    const answer = await ask(method, path, content);
    element.dispatchEvent(new CustomEvent("sent", { bubbles: true, detail: answer }));
    if (then) {
      if (done) sayThere(done, undo);
      if (then === "reload") location.reload();
      else location.assign(top + then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name])));
    } else if (done) {
      toast(done, { undo: undo ? () => takeBack(undo) : null });
    }
    return answer;
  } catch (error) {
    trouble(error);
    return null;
  } finally {
    element.removeAttribute("aria-busy");
  }
}

async function takeBack(undo) {
  const [method, path, ...rest] = undo.split(" ");
  try {
    await ask(method, path, rest.length ? JSON.parse(rest.join(" ")) : undefined);
    location.reload();
  } catch (error) {
    trouble(error);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-send]");
  if (!button || button.getAttribute("aria-busy") === "true") return;
  event.preventDefault();
  send(button, button.dataset.body === undefined ? undefined : JSON.parse(button.dataset.body));
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-send]")) return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") !== "true") send(form, fieldsOf(form));
});

// A menu closes when somebody goes on elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.narrow[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.narrow[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

const kept = sessionStorage.getItem(KEPT);
if (kept) {
  sessionStorage.removeItem(KEPT);
  const { text, undo } = JSON.parse(kept);
  toast(text, { undo: undo ? () => takeBack(undo) : null });
}
