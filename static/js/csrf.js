// Puts the token of the page on every htmx request that may change something.

const token = document.querySelector('meta[name="csrf-token"]')?.content;

document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  if (token && request.method !== "GET") request.headers["X-CSRFToken"] = token;
});
