// Keys of the inbox (j, k, x, o, Enter), sum of what is chosen, and keys of a task: A and R only move the focus.
(function () {
  "use strict";

  const rows = [...document.querySelectorAll("tbody[data-row]")];
  const bar = document.getElementById("inbox-bulk");
  const every = document.getElementById("inbox-every");
  const ticks = [...document.querySelectorAll("input[name=item]")];
  let at = -1;

  function typing(target) {
    return target.isContentEditable || /^(textarea|select)$/i.test(target.tagName) || (target.tagName === "INPUT" && target.type !== "checkbox");
  }

  // Unfold's own script looks for a text field beside every file field and fails where there is none.
  document.querySelectorAll("input[type=file]").forEach((field) => (field.hasChangeListener = true));

  function move(step) {
    if (!rows.length) return;
    if (at >= 0) delete rows[at].dataset.at;
    at = Math.min(Math.max(at + step, 0), rows.length - 1);
    rows[at].dataset.at = "";
    rows[at].querySelector("[data-open]").focus({ preventScroll: true });
    rows[at].scrollIntoView({ block: "nearest" });
  }

  function unfold(row) {
    const button = row.querySelector("[data-unfold]");
    const more = document.getElementById(button.getAttribute("aria-controls"));
    more.hidden = !more.hidden;
    button.setAttribute("aria-expanded", String(!more.hidden));
  }

  function chosenChanged() {
    if (!bar) return;
    const chosen = ticks.filter((tick) => tick.checked);
    const kind = chosen.length ? chosen[0].dataset.kind : "";
    // One kind at a time: the others cannot be chosen with it.
    ticks.forEach((tick) => {
      if (!("barred" in tick.dataset)) tick.disabled = Boolean(kind) && tick.dataset.kind !== kind;
    });
    const sum = chosen.reduce((total, tick) => total + BigInt(tick.dataset.amount || "0"), 0n);
    const places = Number(bar.dataset.exponent);
    const digits = sum.toString().padStart(places + 1, "0");
    const whole = digits.slice(0, digits.length - places).replace(/\B(?=(\d{3})+$)/g, ",");
    const text = places ? whole + "." + digits.slice(-places) : whole;
    document.getElementById("inbox-chosen").textContent = chosen.length + " chosen" + (sum ? ", together " + text : "");
    bar.hidden = !chosen.length;
  }

  ticks.forEach((tick) => {
    if (tick.disabled) tick.dataset.barred = "";
    tick.addEventListener("change", chosenChanged);
  });
  if (every) {
    every.addEventListener("change", function () {
      const first = ticks.find((tick) => !("barred" in tick.dataset));
      ticks.forEach((tick) => {
        if (!("barred" in tick.dataset)) tick.checked = every.checked && tick.dataset.kind === first.dataset.kind;
      });
      chosenChanged();
    });
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-unfold]");
    if (button) unfold(button.closest("tbody"));
  });

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const button = document.querySelector('[data-key="' + CSS.escape(key) + '"]');
    if (button) {
      event.preventDefault();
      button.focus();
    } else if (rows.length && key === "j") {
      move(1);
    } else if (rows.length && key === "k") {
      move(-1);
    } else if (at >= 0 && key === "o") {
      unfold(rows[at]);
    } else if (at >= 0 && key === "x") {
      const tick = rows[at].querySelector("input[name=item]");
      if (tick && !tick.disabled) {
        tick.checked = !tick.checked;
        chosenChanged();
      }
    }
  });
})();
