// Shows push messages, and opens what they are about. The payload is what apps.notifications sends: title, body, link.
"use strict";

self.addEventListener("push", function (event) {
  let message;
  try {
    message = event.data.json();
  } catch (error) {
    return;
  }
  event.waitUntil(
    self.registration.showNotification(String(message.title), {
      body: String(message.body || ""),
      tag: String(message.id || ""), // the same message twice is shown once
      data: { link: String(message.link || "") },
    })
  );
});

self.addEventListener("notificationclick", function (event) {
  event.notification.close();
  const target = new URL(event.notification.data.link || "/", self.location.origin);
  if (target.origin !== self.location.origin) return;
  event.waitUntil(self.clients.openWindow(target.href));
});
