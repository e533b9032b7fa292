// Drawing: a prompt, subjects with their strengths, and what came of it.

import { ask, picture, push, say, state } from "./api.js";
import { brush } from "./brush.js";
import { field, h, keyed, put } from "./dom.js";

/** What was typed last, kept while the page is open. */
const form = { prompt: "", on: new Map(), seed: 0 };

/** Takes a recipe over, to draw like it. */
export function drawLike(recipe) {
  form.prompt = recipe.prompt;
  form.seed = recipe.seed;
  form.recipe = recipe;
  form.on.clear();
  for (const { name, strength, trigger } of recipe.subjects ?? []) {
    const subject = state.subjects.find((subject) => subject.name === name && subject.pack);
    if (!subject) continue;
    form.on.set(subject.id, strength);
    form.prompt = form.prompt.replace(trigger, `{${name}}`);
  }
}

/** The page; `first` is a subject to begin with. */
export function drawView(first) {
  if (first) form.on = new Map([[first, 1]]);
  const prompt = h("textarea", { rows: 2, maxLength: 4000, spellcheck: true, oninput: () => (form.prompt = prompt.value) });
  const chips = h("div", { class: "chips" });
  const live = h("input", { type: "checkbox", id: "live" });
  const beside = h("input", { type: "checkbox", id: "beside", checked: true });
  const number = (min, max, value, step = 1) => h("input", { type: "number", min, max, step, value: String(value) });
  const seed = number(0, 2 ** 53 - 1, form.seed);
  const steps = number(1, 1000, state.model?.steps ?? 20);
  const guidance = number(0, 30, state.model?.guidance ?? 7, 0.1);
  const count = number(1, 16, 1);
  const away = h("input", { maxLength: 4000, placeholder: "blurry" });
  const start = brush();
  const results = h("div", { class: "results" });
  const overlap = h("div", {});
  const go = h("button", { class: "main" }, "Draw");
  let drawn = null;
  let asked = "";
  let shown = "";

  async function submit(event) {
    event?.preventDefault();
    drawn = await push(await work(false)) ?? drawn;
  }

  async function work(isLive) {
    const init = isLive ? null : await start.init();
    return {
      kind: "draw",
      prompt: prompt.value,
      negative_prompt: away.value,
      subjects: [...form.on].map(([subject, strength]) => ({ subject, strength })),
      seed: Number(seed.value),
      steps: Number(steps.value),
      guidance: Number(guidance.value),
      count: isLive ? 1 : Number(count.value),
      beside_base: !isLive && beside.checked && !init,
      live: isLive,
      init,
    };
  }

  /** A slider was moved: the picture is drawn again, the newest place of it only. */
  async function moved() {
    if (!live.checked || !prompt.value.trim()) return;
    const job = await push(await work(true));
    if (job) drawn = job;
  }

  function chip(subject) {
    const on = h("input", { type: "checkbox", id: `on-${subject.id}`, onchange: toggle });
    const value = h("output", {}, "");
    const slider = h("input", { type: "range", min: 0, max: 1, step: 0.05, value: "1", oninput: slide, onchange: moved, "aria-label": `Strength of ${subject.name}` });
    function toggle() {
      if (on.checked) {
        form.on.set(subject.id, Number(slider.value));
        if (!prompt.value.includes(`{${subject.name}}`)) insert(`{${subject.name}}`);
      } else {
        form.on.delete(subject.id);
        prompt.value = form.prompt = prompt.value.replaceAll(`{${subject.name}}`, subject.class);
      }
      update();
      moved();
    }
    function slide() {
      form.on.set(subject.id, Number(slider.value));
      value.textContent = Number(slider.value).toFixed(2);
    }
    return h("div", { class: "chip" }, h("label", { for: on.id }, on, ` ${subject.name}`), slider, value);
  }

  function insert(name) {
    const text = prompt.value.trim();
    // Beside the subject that is named last, else at the end.
    const place = text.lastIndexOf("}") + 1 || text.length;
    prompt.value = form.prompt = text ? `${text.slice(0, place)} and a ${name}${text.slice(place)}` : `a ${name} on grass`;
  }

  function updateChip(element, subject) {
    const [on, slider] = element.querySelectorAll("input");
    const value = element.querySelector("output");
    on.checked = form.on.has(subject.id);
    slider.disabled = !on.checked;
    if (document.activeElement !== slider) slider.value = form.on.get(subject.id) ?? 1;
    value.textContent = on.checked ? Number(slider.value).toFixed(2) : "off";
  }

  function update() {
    const found = state.subjects.filter((subject) => subject.pack);
    if (first && found.some((subject) => subject.id === first) && !form.prompt.includes(`{${nameOf(first)}}`)) {
      prompt.value = "";
      insert(`{${nameOf(first)}}`);
      first = null;
    }
    keyed(chips, found, (subject) => subject.id, chip, updateChip);
    if (!found.length) put(chips, h("p", {}, "No subject was found yet: the base model draws alone. ", h("a", { href: "#subjects" }, "Make one")));
    start.update();
    showResults();
    showOverlap();
  }

  function showResults() {
    const drawings = state.jobs.filter((job) => job.work.kind === "draw");
    const place = drawings.findIndex((job) => job.id === drawn?.id);
    const until = place < 0 ? drawings : drawings.slice(0, place + 1);
    const job = until.at(-1);
    if (!job) return;
    line.textContent = told(job);
    line.className = job.state === "failed" ? "wrong" : "";
    stop.hidden = job.state !== "running" && job.state !== "queued";
    stop.onclick = () => ask("DELETE", `jobs/${job.id}`);
    // Until the first picture is there, those before stay: nothing flickers.
    const now = until.findLast((job) => job.pictures.length);
    if (now) showPictures(now);
  }

  /** Shows a job's pictures once the browser has read them. */
  async function showPictures(job) {
    const key = `${job.id} ${job.pictures.length}`;
    if (key === shown) return;
    shown = key;
    const next = pictures(job);
    await Promise.all([...next.querySelectorAll("img")].map((image) => image.decode().catch(() => {})));
    if (key === shown) put(results, next);
  }

  const line = h("p", { role: "status" });
  const stop = h("button", { type: "button", hidden: true }, "Cancel");

  async function showOverlap() {
    const two = [...form.on.keys()].slice(0, 2);
    const now = two.join(" ");
    if (now === asked) return;
    asked = now;
    put(overlap);
    if (two.length < 2) return;
    const shared = await ask("GET", `overlap?first=${two[0]}&second=${two[1]}`);
    if (!shared || now !== asked) return;
    const times = shared.by_chance > 0 ? (shared.shared / shared.by_chance).toFixed(1) : "–";
    const most = [...shared.layers].sort((a, b) => b.shared - a.shared).slice(0, 8);
    put(
      overlap,
      h("h3", {}, `What ${nameOf(two[0])} and ${nameOf(two[1])} share`),
      h("p", {}, `${shared.shared.toLocaleString("en")} weights of ${shared.first.toLocaleString("en")} and ${shared.second.toLocaleString("en")}: ${times} times as many as by chance. Each changes the rows of its own words only, so they do not meet; the more they share, the more alike they may look.`),
      h("details", {}, h("summary", {}, "By layer"), h("table", { class: "plain" }, h("thead", {}, h("tr", {}, ["layer", "shared", "by chance"].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, most.map((layer) => h("tr", {}, h("th", { scope: "row" }, layer.name), h("td", {}, layer.shared), h("td", {}, layer.by_chance.toFixed(0))))))),
    );
  }

  const another = () => {
    seed.value = Math.floor(Math.random() * 1e6);
    form.seed = Number(seed.value);
    submit();
  };
  seed.addEventListener("input", () => (form.seed = Number(seed.value)));
  prompt.value = form.prompt;
  if (form.recipe) {
    steps.value = form.recipe.steps;
    guidance.value = form.recipe.guidance;
    away.value = form.recipe.negative_prompt;
    form.recipe = null;
  }
  const element = h(
    "form",
    { onsubmit: submit },
    h("h1", {}, "Draw"),
    h(
      "section",
      { class: "panel" },
      field("What to draw", prompt, "A name in braces stands for your subject: a {rex} on the beach."),
      h("fieldset", {}, h("legend", {}, "Subjects and how strong they are"), chips, h("label", { class: "check", for: "live" }, live, " Draw again whenever a slider is moved")),
      h("label", { class: "check", for: "beside" }, beside, " Beside what the base model makes of it"),
      h("details", {}, h("summary", {}, "More"), h("div", { class: "fields" }, field("Seed", seed), field("Steps", steps), field("Guidance", guidance), field("Pictures", count), field("Stay away from", away))),
      start.element,
      h("div", { class: "row" }, go, h("button", { type: "button", onclick: another }, "Another one"), stop),
      line,
    ),
    results,
    overlap,
  );
  return { title: "Draw", element, update };
}

function nameOf(id) {
  return state.subjects.find((subject) => subject.id === id)?.name ?? id;
}

function told(job) {
  if (job.state === "queued") {
    const before = state.jobs.find((other) => other.state === "running");
    return before?.work.kind === "find" ? `It waits: ${nameOf(before.work.subject)} is being found.` : "It waits for its turn.";
  }
  if (job.state === "running") return job.progress.of ? `Drawing: step ${job.progress.done} of ${job.progress.of}.` : "Loading the model.";
  if (job.state === "failed") return [job.failure?.error, job.failure?.hint].filter(Boolean).join(". ");
  return job.warnings.join(" ");
}

function pictures(job) {
  const several = job.pictures.some((made) => made.base);
  return h("div", { class: "pictures" }, job.pictures.map((made) => figure(job, made, several)));
}

function figure(job, made, several) {
  const source = picture(job.id, made.name);
  const caption = made.base ? "base model" : several ? "with the subject" : made.prompt;
  const keep = async (event) => {
    if (await ask("POST", "gallery", { job: job.id, picture: made.name })) {
      event.target.disabled = true;
      event.target.textContent = "Kept";
      say("It is in the gallery, with its recipe.");
    }
  };
  return h(
    "figure",
    {},
    h("img", { src: source, alt: `${made.prompt}${made.base ? ", base model" : ""}` }),
    h("figcaption", {}, caption, made.blurred && " (blurred: it may not be safe)"),
    h("div", { class: "row" }, h("button", { type: "button", onclick: keep }, "Keep"), h("a", { class: "button", href: source, download: `${job.id}-${made.name}.png` }, "Save PNG")),
  );
}
