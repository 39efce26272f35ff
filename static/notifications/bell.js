// The bell: asks for news every half a minute while somebody looks, and shows them in a panel.
(function () {
  "use strict";

  const PAUSE_MS = 30000;
  const bell = document.querySelector("[data-bell]");
  if (!bell) return;
  const part = (name) => bell.querySelector(`[data-bell-${name}]`);
  const badge = part("badge");
  const status = part("status");
  const items = part("items");
  const button = bell.querySelector("button[popovertarget]");
  let tag = null;
  let shown = null;
  let timer = null;

  function entry(item) {
    const row = document.createElement("li");
    const link = document.createElement("a");
    link.href = item.url;
    const title = document.createElement("strong");
    title.textContent = item.title;
    const body = document.createElement("span");
    body.textContent = item.body;
    const when = document.createElement("small");
    when.textContent = item.when;
    link.append(title, body, when);
    if (!item.read) {
      row.className = "nm-bell-new";
      const mark = document.createElement("span");
      mark.className = "nm-visually-hidden";
      mark.textContent = "New: ";
      title.prepend(mark);
    }
    row.append(link);
    return row;
  }

  function show(news) {
    const count = news.unread > 99 ? "99+" : String(news.unread);
    badge.textContent = count;
    badge.hidden = news.unread === 0;
    const words = news.unread === 0 ? "Notifications" : `Notifications, ${count} unread`;
    button.setAttribute("aria-label", words);
    // Said aloud only when more came, not at every page.
    if (shown !== null && news.unread > shown) status.textContent = `${count} unread notifications`;
    shown = news.unread;
    items.replaceChildren(...news.items.map(entry));
    part("none").hidden = news.items.length > 0;
    part("read").hidden = news.unread === 0;
  }

  async function ask() {
    clearTimeout(timer);
    let again = true;
    try {
      const headers = { Accept: "application/json" };
      if (tag) headers["If-None-Match"] = tag;
      const answer = await fetch(bell.dataset.feed, { headers, cache: "no-store", redirect: "manual" });
      if (answer.status === 200) {
        tag = answer.headers.get("ETag");
        show(await answer.json());
      }
      again = answer.type !== "opaqueredirect"; // signed out: the next page says so
    } catch (error) {
      // The network is away: the next round asks again.
    }
    if (again && document.visibilityState === "visible") timer = setTimeout(ask, PAUSE_MS);
  }

  part("read").addEventListener("submit", async function (event) {
    event.preventDefault();
    const form = event.target;
    await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
    ask();
    button.focus();
  });

  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "visible") ask();
  });

  ask();
})();

// "Have them in this browser" on the page of one's choices.
(function () {
  "use strict";

  const button = document.querySelector("[data-push-key]");
  if (!button) return;
  const status = document.querySelector("[data-push-status]");
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
    button.disabled = true;
    status.textContent = "This browser takes no push messages.";
    return;
  }

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

  button.addEventListener("click", async function () {
    try {
      const worker = await navigator.serviceWorker.register(button.dataset.pushWorker);
      const taken = await worker.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: bytes(button.dataset.pushKey),
      });
      const { endpoint, keys } = taken.toJSON();
      const device = `${navigator.platform} ${/Firefox|Edg|Chrome|Safari/.exec(navigator.userAgent) || ""}`.trim();
      const answer = await fetch(button.dataset.pushUrl, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "X-CSRFToken": document.querySelector("input[name=csrfmiddlewaretoken]").value,
        },
        body: JSON.stringify({ endpoint, p256dh: keys.p256dh, auth: keys.auth, device }),
      });
      if (answer.ok) window.location.reload();
      else status.textContent = (await answer.json()).detail;
    } catch (error) {
      status.textContent = "The browser did not allow it.";
    }
  });
})();
