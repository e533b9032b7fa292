// Subjects: photos, words, finding, and the sheet of what was found.

import { ask, curve, picture, push, refresh, say, state } from "./api.js";
import { chart, drawCurve } from "./chart.js";
import { openCrop } from "./crop.js";
import { field, h, keyed, percent, put, size, span } from "./dom.js";

/** All subjects, and a form for a new one. */
export function subjectsView() {
  const list = h("ul", { class: "cards" });
  const name = h("input", { required: true, maxLength: 64, autocomplete: "off", placeholder: "rex" });
  const kind = h("input", { required: true, maxLength: 64, autocomplete: "off", placeholder: "dog" });
  const form = h(
    "form",
    { class: "panel", onsubmit: add },
    h("h2", {}, "A new subject"),
    h("p", {}, "A pet, a toy, a thing, a friend who agreed: whatever you have a few photos of."),
    field("Name", name, "What you call it in prompts."),
    field("What kind of thing is it?", kind, "One plain word, as a child would say it: dog, cat, robot, car."),
    h("div", { class: "row" }, h("button", { class: "main" }, "Make it")),
  );
  const file = h("input", { type: "file", accept: ".cones", onchange: bring });
  const other = h("details", { class: "panel" }, h("summary", {}, "I have a pack already"), field("A .cones file for this model", file));

  async function add(event) {
    event.preventDefault();
    const made = await ask("POST", "subjects", { name: name.value, class: kind.value });
    if (!made) return;
    form.reset();
    location.hash = `#subject/${made.id}`;
  }

  async function bring() {
    const [pack] = file.files;
    if (pack) await ask("POST", `packs?name=${encodeURIComponent(pack.name)}`, pack);
    file.value = "";
  }

  function card(subject) {
    return h("li", {}, h("a", { href: `#subject/${subject.id}` }, h("span", { class: "thumb" }), h("strong", {}, subject.name), h("small", {})));
  }

  function update(element, subject) {
    const [photo] = subject.photos;
    const image = photo && h("img", { src: partOf(subject, photo), alt: "" });
    put(element.querySelector(".thumb"), image ?? h("span", { class: "none" }, subject.pack ? "a pack" : "no photos"));
    element.querySelector("strong").textContent = subject.name;
    element.querySelector("small").textContent = `a ${subject.class}, ${status(subject)}`;
  }

  return {
    title: "Subjects",
    element: h("div", {}, h("h1", {}, "Subjects"), list, form, other),
    update: () => keyed(list, state.subjects, (subject) => subject.id, card, update),
  };
}

function status(subject) {
  const job = findingOf(subject);
  if (job?.state === "running") return "being found";
  if (job?.state === "queued") return "waiting to be found";
  return subject.pack ? "found" : `${subject.photos.length} photos`;
}

/** The newest finding of a subject. */
function findingOf(subject) {
  return state.jobs.findLast((job) => job.work.kind === "find" && job.work.subject === subject.id);
}

function partOf(subject, photo) {
  return `/api/subjects/${subject.id}/photos/${photo.id}/part.png?${photo.version}`;
}

/** One subject. */
export function subjectView(id) {
  const here = () => state.subjects.find((subject) => subject.id === id);
  const title = h("h1", {});
  const parts = [photosPart(here), wordsPart(here), findPart(here), foundPart(here)];
  const gone = h("p", {}, "There is no such subject (any more). ", h("a", { href: "#subjects" }, "All subjects"));
  const whole = h("div", {}, title, parts.map((part) => part.element), removePart(here));
  const element = h("div", {});
  return {
    title: "Subject",
    element,
    update() {
      const subject = here();
      if (!subject) return put(element, gone);
      if (element.firstChild !== whole) put(element, whole);
      title.textContent = subject.name;
      parts.forEach((part) => part.update(subject));
    },
  };
}

function photosPart(here) {
  const grid = h("ul", { class: "photos" });
  const told = h("ul", { class: "warnings" });
  const input = h("input", { type: "file", id: "photos", accept: "image/png,image/jpeg,image/webp", multiple: true, onchange: () => send([...input.files]) });
  const zone = h("label", { class: "drop", for: "photos" }, h("strong", {}, "Drop photos here, or choose them"), h("span", {}, "Three to ten, in different places. They stay on this machine."), input);
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    send([...event.dataTransfer.files]);
  });

  async function send(files) {
    for (const [i, file] of files.entries()) {
      say(`Photo ${i + 1} of ${files.length}…`);
      if (!(await ask("POST", `subjects/${here().id}/photos?name=${encodeURIComponent(file.name)}`, file))) break;
      if (i + 1 === files.length) say(files.length === 1 ? "One photo was added." : `${files.length} photos were added.`);
    }
    input.value = "";
    refresh("subjects");
  }

  const edit = (photo) => () => openCrop(here(), here().photos.find((it) => it.id === photo.id), state.model);
  const remove = (photo) => () => ask("DELETE", `subjects/${here().id}/photos/${photo.id}`);
  const build = (photo) =>
    h(
      "li",
      {},
      h("img", { src: partOf(here(), photo), alt: photo.caption || photo.name }),
      h("span", { class: "name" }, photo.name),
      h("div", { class: "row" }, h("button", { type: "button", onclick: edit(photo), "aria-label": `Cut out ${photo.name}` }, "Cut out"), h("button", { type: "button", onclick: remove(photo), "aria-label": `Remove ${photo.name}` }, "Remove")),
    );
  return {
    element: h("section", { class: "panel" }, h("h2", {}, "1. Photos"), zone, grid, h("div", { role: "status" }, told)),
    update(subject) {
      keyed(grid, subject.photos, (photo) => `${photo.id} ${photo.version} ${photo.caption}`, build);
      keyed(told, subject.photos.length ? subject.warnings : [], (warning) => warning, (warning) => h("li", {}, sentence(warning)));
    },
  };
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (text.endsWith(".") ? "" : ".");
}

function wordsPart(here) {
  const name = h("input", { required: true, maxLength: 64, autocomplete: "off" });
  const kind = h("input", { required: true, maxLength: 64, autocomplete: "off" });
  const trigger = h("input", { maxLength: 128, autocomplete: "off" });
  const form = h(
    "form",
    { onsubmit: save, class: "fields" },
    field("Name", name),
    field("Kind of thing", kind),
    field("Trigger", trigger, "The words that stand for it inside. It need not be changed."),
    h("div", { class: "row" }, h("button", {}, "Save")),
  );
  async function save(event) {
    event.preventDefault();
    const said = { name: name.value, class: kind.value, trigger: trigger.value };
    shown = (await ask("PUT", `subjects/${here().id}`, said)) ? null : shown;
  }
  let shown = null;
  return {
    element: h("section", { class: "panel" }, h("h2", {}, "2. Words"), form),
    update(subject) {
      // What is being typed is left alone.
      const now = JSON.stringify([subject.name, subject.class, subject.trigger]);
      if (shown === now) return;
      shown = now;
      [name.value, kind.value, trigger.value] = [subject.name, subject.class, subject.trigger];
    },
  };
}

function findPart(here) {
  const steps = h(
    "select",
    {},
    h("option", { value: "100" }, "A quick look (100 steps)"),
    h("option", { value: "300", selected: true }, "As usual (300 steps)"),
    h("option", { value: "600" }, "Thoroughly (600 steps)"),
  );
  const every = h("select", {}, ["25", "50", "100", "0"].map((n) => h("option", { value: n, selected: n === "50" }, n === "0" ? "never" : `every ${n} steps`)));
  const go = h("button", { type: "button", class: "main", onclick: () => push({ kind: "find", subject: here().id, steps: Number(steps.value), preview_every: Number(every.value) }) }, "Find");
  const stop = h("button", { type: "button", onclick: () => ask("DELETE", `jobs/${findingOf(here()).id}`) }, "Cancel");
  const bar = h("progress", { max: 1, value: 0 });
  const line = h("p", { role: "status" });
  const figures = h("dl", { class: "figures" });
  const svg = chart();
  const strip = h("ul", { class: "strip" });
  const told = h("ul", { class: "warnings" });
  const run = h("div", { hidden: true }, line, bar, figures, svg, h("h3", {}, "As it becomes"), strip, told);
  const settings = h("div", { class: "fields" }, field("How long", steps), field("Previews", every));

  function update(subject) {
    const job = findingOf(subject);
    const under = job && (job.state === "running" || job.state === "queued");
    go.hidden = under;
    settings.hidden = under;
    stop.hidden = !under;
    go.disabled = subject.photos.length === 0;
    go.textContent = job?.state === "cancelled" || job?.state === "failed" ? "Go on finding" : subject.pack ? "Find again" : "Find";
    run.hidden = !job;
    if (!job) return;
    line.textContent = said(job);
    line.className = job.state === "failed" ? "wrong" : "";
    bar.hidden = !under;
    if (job.progress.of > 0) bar.value = job.progress.done / job.progress.of;
    else bar.removeAttribute("value");
    const losses = curve(job);
    drawCurve(svg, losses, job.work.steps);
    const { share, seconds_left: left, loss } = job.progress;
    keyed(
      figures,
      [
        loss !== null && ["Loss", loss.toFixed(4)],
        share !== null && ["Weights shut", percent(share)],
        left !== null && ["Steps done in about", span(left)],
      ].filter(Boolean),
      ([name]) => name,
      ([name]) => h("div", {}, h("dt", {}, name), h("dd", {})),
      (element, [, value]) => (element.lastChild.textContent = value),
    );
    keyed(strip, job.pictures, (made) => made.name, (made) => preview(job, made));
    strip.previousSibling.hidden = job.pictures.length === 0;
    keyed(told, job.warnings, (warning) => warning, (warning) => h("li", {}, sentence(warning)));
  }
  return { element: h("section", { class: "panel" }, h("h2", {}, "3. Find"), settings, h("div", { class: "row" }, go, stop), run), update };
}

function said(job) {
  const { stage, done, of } = job.progress;
  if (job.state === "queued") return "It waits for other work on this machine.";
  if (job.state === "running") return `${sentence(stage).slice(0, -1)}: ${done} of ${of}. You may close this page; the work goes on.`;
  if (job.state === "cancelled") return "Stopped. Nothing is lost: it goes on from here.";
  if (job.state === "failed") return [job.failure?.error, job.failure?.hint].filter(Boolean).map(sentence).join(" ");
  return "Found.";
}

function preview(job, made) {
  const caption = made.base ? "without it (base model)" : `after ${made.step} steps`;
  return h("li", {}, h("img", { src: picture(job.id, made.name), alt: `${made.prompt}, ${caption}` }), h("span", {}, caption));
}

function foundPart(here) {
  const facts = h("p", {});
  const get = h("a", { class: "button", download: "" }, "Save the pack");
  const draw = h("a", { class: "button main", href: "#draw" }, "Draw it");
  const sheet = h("button", { type: "button", onclick: () => push({ kind: "sheet", subject: here().id }) }, "Draw the sheet");
  const line = h("p", { role: "status" });
  const table = h("div", { class: "sheet" });
  const element = h("section", { class: "panel", hidden: true }, h("h2", {}, "4. What was found"), facts, h("div", { class: "row" }, draw, sheet, get, h("a", { class: "button", href: "#publish" }, "To a phone")), line, table);
  let shown = "";
  return {
    element,
    update(subject) {
      element.hidden = !subject.pack;
      if (!subject.pack) return;
      const { neurons, share, bytes, version } = subject.pack;
      facts.textContent = `${neurons.toLocaleString("en")} weights are shut (${percent(share)}), ${size(bytes)}, version ${version}.`;
      get.href = `/api/subjects/${subject.id}/pack`;
      draw.href = `#draw/${subject.id}`;
      const job = state.jobs.findLast((job) => job.work.kind === "sheet" && job.work.subject === subject.id);
      const under = job && (job.state === "queued" || job.state === "running");
      sheet.disabled = Boolean(under);
      line.textContent = !job ? "" : under ? `The sheet: ${job.pictures.length} of ${job.work.contexts.length * job.work.strengths.length} pictures.` : job.state === "failed" ? said(job) : "";
      const now = job ? `${job.id} ${job.pictures.length}` : "";
      if (now !== shown) put(table, job && sheetTable(job));
      shown = now;
    },
  };
}

/** Contexts down, strengths across. */
function sheetTable(job) {
  const { contexts, strengths } = job.work;
  const cell = (i, k) => {
    const made = job.pictures[i * strengths.length + k];
    return h("td", {}, made ? h("img", { src: picture(job.id, made.name), alt: `${made.prompt}, strength ${strengths[k]}` }) : h("span", { class: "none" }, "…"));
  };
  const name = (strength) => (strength === 0 ? "base model" : `strength ${strength}`);
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, h("td", {}), strengths.map((strength) => h("th", { scope: "col" }, name(strength))))),
    h("tbody", {}, contexts.map((line, i) => h("tr", {}, h("th", { scope: "row" }, line.replace("{}", "…")), strengths.map((_, k) => cell(i, k))))),
  );
}

function removePart(here) {
  const sure = h("dialog", {}, h("p", {}, "Remove this subject with its photos and its pack? This cannot be undone."), h("div", { class: "row end" }, h("button", { type: "button", onclick: () => sure.close() }, "Keep it"), h("button", { type: "button", class: "main", onclick: remove }, "Remove it")));
  async function remove() {
    sure.close();
    if (await ask("DELETE", `subjects/${here().id}`)) location.hash = "#subjects";
  }
  return h("p", { class: "end" }, h("button", { type: "button", class: "quiet", onclick: () => sure.showModal() }, "Remove this subject"), sure);
}
