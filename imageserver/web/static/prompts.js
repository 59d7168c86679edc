// What a template becomes: ten draws of it, shown in a dialog.

import { ask, fieldsOf, trouble } from "./page.js";

const dialog = document.getElementById("draws");

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.try");
  if (!button) return;
  const form = button.closest("form");
  const { prompt, negative } = form ? fieldsOf(form) : button.dataset;
  try {
    const { draws, problems } = await ask("POST", "api/v1/prompts/try", { prompt, negative });
    const lines = problems.length ? problems : draws.map((one) => one.prompt + (one.negative ? ` (– ${one.negative})` : ""));
    document.getElementById("draws-list").replaceChildren(
      ...lines.map((line) => {
        const item = document.createElement("li");
        item.textContent = line;
        return item;
      }),
    );
    dialog.showModal();
  } catch (error) {
    trouble(error);
  }
});
