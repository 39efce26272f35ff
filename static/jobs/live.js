// Keeps parts of a page up to date: an element with data-live is filled anew from that address while it changes.
// The server answers 304 as long as nothing has changed, and puts data-live-end into the part when nothing will.
(function () {
  "use strict";

  const PAUSE_MS = 1500;
  const PAUSE_MAX_MS = 30000;

  function watch(part) {
    let tag = part.dataset.liveTag || "";
    let pause = PAUSE_MS;

    async function look() {
      if (part.querySelector("[data-live-end]") || part.matches("[data-live-end]")) return;
      if (!document.hidden) {
        try {
          const answer = await fetch(part.dataset.live, {
            headers: tag ? { "If-None-Match": tag } : {},
            cache: "no-store",
            redirect: "error",
          });
          if (answer.status === 200) {
            tag = answer.headers.get("ETag") || "";
            part.innerHTML = await answer.text();
            window.dispatchEvent(new Event("resize")); // what fits the window is looked at again
            pause = PAUSE_MS;
          } else if (answer.status !== 304) {
            pause = Math.min(pause * 2, PAUSE_MAX_MS);
          }
        } catch {
          pause = Math.min(pause * 2, PAUSE_MAX_MS);
        }
      }
      window.setTimeout(look, pause);
    }

    window.setTimeout(look, pause);
  }

  document.querySelectorAll("[data-live]").forEach(watch);
})();
