// The counter's keys: digits choose an account, notes add up to the amount, Escape goes back. All of it works without.
(function () {
  "use strict";

  // The page is shown late by Unfold's own script, after the browser has tried to focus.
  function focus() {
    const field = document.querySelector("#content [autofocus]") || document.querySelector("[autofocus]");
    if (field) field.focus();
  }
  window.addEventListener("load", focus);

  function typing(target) {
    return /^(input|textarea|select)$/i.test(target.tagName) && target.type !== "radio";
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const hits = [...document.querySelectorAll("[data-counter-hit]")];
    if (/^[1-9]$/.test(event.key) && !typing(event.target) && hits[event.key - 1]) {
      event.preventDefault();
      hits[event.key - 1].click();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && hits.length) {
      event.preventDefault();
      const at = hits.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      if (hits[at]) hits[at].focus();
      else if (at < 0) document.querySelector("[data-keys-search]").focus();
    } else if (event.key === "Escape") {
      const back = document.querySelector("[data-counter-back]");
      if (back) back.click();
    } else if (event.key.toLowerCase() === "p" && !typing(event.target) && document.querySelector(".nm-receipt")) {
      window.print();
    }
  });

  // In the amount, + and - say pay in and pay out.
  function choose(event) {
    const kind = document.querySelector(`input[name=kind][value=${event.key === "+" ? "deposit" : "withdrawal"}]`);
    if (!kind) return;
    event.preventDefault();
    kind.checked = true;
  }

  document.addEventListener("keydown", function (event) {
    if (event.target.name === "amount" && (event.key === "+" || event.key === "-")) choose(event);
  });

  function shown(minor, exponent) {
    const digits = String(minor).padStart(exponent + 1, "0");
    const whole = digits.slice(0, digits.length - exponent).replace(/\B(?=(\d{3})+$)/g, ",");
    return exponent ? `${whole}.${digits.slice(-exponent)}` : whole;
  }

  function count(group) {
    let total = 0n;
    for (const field of group.querySelectorAll("input[data-minor]")) {
      if (/^[0-9]{1,6}$/.test(field.value)) total += BigInt(field.dataset.minor) * BigInt(field.value);
    }
    const text = shown(total, Number(group.dataset.exponent));
    group.querySelector("[data-pieces-sum]").textContent = text;
    return { total, text };
  }

  // A form that comes back with what was typed says its sum again.
  for (const group of document.querySelectorAll("[data-pieces]")) count(group);

  document.addEventListener("input", function (event) {
    const group = event.target.closest("[data-pieces]");
    if (!group) return;
    const { total, text } = count(group);
    const amount = document.querySelector("input[name=amount][data-from-pieces]");
    if (amount && total > 0n && (!amount.value || amount.dataset.counted === amount.value)) {
      amount.value = text.replace(/,/g, "");
      amount.dataset.counted = amount.value;
    }
  });
})();
