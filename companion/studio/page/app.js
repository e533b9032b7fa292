// Which page is shown, and the queue that all of them share.

import { ask, hear, listen, state } from "./api.js";
import { h, keyed, put, span } from "./dom.js";
import { drawView } from "./draw.js";
import { galleryView } from "./gallery.js";
import { publishView } from "./publish.js";
import { subjectView, subjectsView } from "./subject.js";

const PAGES = { subjects: subjectsView, subject: subjectView, draw: drawView, gallery: galleryView, publish: publishView };
const KINDS = { find: "Finding", draw: "Drawing", sheet: "Drawing the sheet of" };

const main = document.querySelector("main");
let view = null;

function open() {
  const [name, id] = location.hash.slice(1).split("/");
  const page = Object.hasOwn(PAGES, name) ? name : "subjects";
  view = PAGES[page](id);
  put(main, view.element);
  document.title = `${view.title} – Cones studio`;
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.hash === `#${page}` || (page === "subject" && link.hash === "#subjects");
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  view.update();
  // Readers begin where the new page begins.
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function name(job) {
  const subject = state.subjects.find((subject) => subject.id === job.work.subject);
  return job.work.kind === "draw" ? `${KINDS.draw} “${job.work.prompt}”` : `${KINDS[job.work.kind]} ${subject?.name ?? ""}`;
}

const list = h("ul", { class: "jobs" });
const summary = h("summary", {});
const queue = h("details", { class: "queue" }, summary, list);
document.querySelector("#queue").append(queue);

function showQueue() {
  const waiting = state.jobs.filter((job) => job.state === "queued" || job.state === "running");
  const running = waiting.find((job) => job.state === "running");
  const left = running?.progress.seconds_left;
  summary.textContent = !state.online
    ? "The studio does not answer"
    : !waiting.length
      ? "The machine is idle"
      : `${name(running ?? waiting[0])}${left ? `, about ${span(left)}` : ""}${waiting.length > 1 ? `, ${waiting.length - 1} waiting` : ""}`;
  queue.classList.toggle("busy", waiting.length > 0);
  queue.classList.toggle("offline", !state.online);
  keyed(
    list,
    waiting,
    (job) => job.id,
    (job) => h("li", {}, h("span", {}, name(job)), h("progress", { max: 1 }), h("button", { type: "button", onclick: () => ask("DELETE", `jobs/${job.id}`), "aria-label": `Cancel ${name(job)}` }, "Cancel")),
    (element, job) => {
      const bar = element.querySelector("progress");
      if (job.state === "running" && job.progress.of) bar.value = job.progress.done / job.progress.of;
      else bar.value = 0;
    },
  );
  if (!waiting.length) put(list, h("li", {}, "Nothing to do."));
}

// The token that let this page in need not stand in the address any longer.
if (location.search) history.replaceState(null, "", location.pathname + location.hash);
addEventListener("hashchange", open);
let due = false;
listen(() => {
  // Steps may come faster than a screen shows them.
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    document.querySelector("#model").textContent = state.model ? state.model.name : "";
    showQueue();
    view?.update();
  });
});
hear();
open();
