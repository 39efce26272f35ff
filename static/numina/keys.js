// Keys of the staff site: / searches, g then a letter goes somewhere, ? shows what there is. Ctrl+K is Unfold's own.
(function () {
  "use strict";

  // By the end of the address, so that only what the navigation shows this user can be reached.
  const PLACES = {
    d: (link) => link.pathname.endsWith("/admin/"),
    m: (link) => link.pathname.endsWith("/members/member/"),
    a: (link) => link.pathname.endsWith("/accounts/account/"),
    j: (link) => link.pathname.endsWith("/ledger/journalentry/"),
    t: (link) => link.pathname.endsWith("/ledger/trial-balance/"),
  };
  const SEQUENCE_MS = 1500;
  let waitingSince = 0;

  // The palette's field keeps the focus for a moment after the palette was closed; nobody types into what is not shown.
  function typing(target) {
    const takesText = target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName);
    return takesText && target.checkVisibility();
  }

  function go(letter) {
    const isPlace = PLACES[letter];
    if (!isPlace) return false;
    const link = [...document.querySelectorAll("#nav-sidebar a[href]")].find(isPlace);
    if (!link) return false;
    window.location.assign(link.href);
    return true;
  }

  function search() {
    const field = document.querySelector("#searchbar, [data-keys-search]");
    if (field) {
      field.focus();
      field.select();
    } else {
      window.dispatchEvent(new CustomEvent("opencommand"));
    }
  }

  function help() {
    const dialog = document.getElementById("nm-keys");
    if (dialog && !dialog.open) dialog.showModal();
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const waiting = Date.now() - waitingSince < SEQUENCE_MS;
    waitingSince = 0;
    if (waiting && go(event.key)) {
      event.preventDefault();
    } else if (event.key === "g") {
      waitingSince = Date.now();
    } else if (event.key === "/") {
      event.preventDefault();
      search();
    } else if (event.key === "?") {
      event.preventDefault();
      help();
    }
  });

  document.addEventListener("click", function (event) {
    if (event.target.closest("[data-keys-help]")) help();
    // A click on the dialog itself is a click on its backdrop: the content lies in children.
    if (event.target.id === "nm-keys") event.target.close();
  });

  // Of more tabs than there is room for, the open one is in sight.
  function tabShow() {
    document.querySelectorAll(".nm-tabs [aria-current]").forEach((tab) => {
      const bar = tab.parentElement;
      bar.scrollLeft = tab.offsetLeft - bar.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2;
    });
  }

  // A table wider than its card is moved by the arrow keys, too: it can have the focus, and a name.
  function scrollersOpen() {
    document.querySelectorAll(".nm-scroll:not([tabindex])").forEach((box) => {
      if (box.scrollWidth <= box.clientWidth) return;
      const heading = box.closest(".nm-card")?.querySelector("h3");
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", heading ? heading.textContent.trim() : "Table");
    });
  }

  // This script stands in the head, before what it looks for.
  document.addEventListener("DOMContentLoaded", function () {
    tabShow();
    scrollersOpen();
  });
  window.addEventListener("resize", scrollersOpen);
})();
