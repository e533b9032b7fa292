// The server, as this page asks it; API.md lists the requests. What it says goes into `state`, and whoever listens is told.

export const state = { model: null, subjects: [], jobs: [], gallery: [], publishing: null, online: true };

const listeners = new Set();
/** Losses of findings by job: they come step by step. */
const curves = new Map();

/** Tells of changes, and ends with what it gives back. */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell() {
  for (const listener of listeners) listener(state);
}

/** Says something to whoever sees or hears the page. */
export function say(text, wrong = false) {
  const box = document.querySelector("#said");
  box.className = wrong ? "wrong" : "";
  box.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (box.textContent = ""), wrong ? 12000 : 5000);
}

/** Asks; an error is said, and gives null. */
export async function ask(method, path, body = undefined) {
  const raw = body instanceof Blob;
  const options = { method, body: raw || body === undefined ? body : JSON.stringify(body) };
  try {
    const answer = await fetch(`/api/${path}`, options);
    const told = await answer.json();
    if (answer.ok) return told;
    say(told.hint ? `${told.error}. ${sentence(told.hint)}` : told.error, true);
  } catch {
    say("The studio does not answer. Start it again; this page goes on by itself.", true);
  }
  return null;
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

const PARTS = { subjects: "subjects", jobs: "jobs", gallery: "gallery", publishing: "publishing" };

/** Gets a list anew. One that changes again meanwhile is asked for once more, not at once. */
const asking = new Map();
export async function refresh(what) {
  if (asking.has(what)) return asking.set(what, true);
  asking.set(what, false);
  const got = await ask("GET", PARTS[what]);
  if (got) state[what] = got;
  const again = asking.get(what);
  asking.delete(what);
  tell();
  if (again) refresh(what);
}

export async function refreshAll() {
  state.model = (await ask("GET", "model")) ?? state.model;
  await Promise.all(Object.keys(PARTS).map(refresh));
}

/** The losses of a finding, from the start; they grow while it runs. */
export function curve(job) {
  if (!curves.has(job.id)) {
    curves.set(job.id, { losses: [], whole: false });
    loadCurve(job.id);
  }
  return curves.get(job.id).losses;
}

async function loadCurve(id) {
  const job = await ask("GET", `jobs/${id}`);
  if (job) curves.set(id, { losses: job.history, whole: true });
  tell();
}

function further({ job: id, progress }) {
  const job = state.jobs.find((job) => job.id === id);
  if (!job) return refresh("jobs");
  job.progress = progress;
  const known = curves.get(id);
  if (progress.stage === "finding" && progress.loss !== null && known?.whole) {
    if (known.losses.length === progress.done - 1) known.losses.push(progress.loss);
    else if (known.losses.length !== progress.done) loadCurve(id);
  }
  tell();
}

/** Hears what happens, in this window or another, for as long as the page is open. */
export function hear() {
  const source = new EventSource("/api/events");
  source.addEventListener("open", () => {
    state.online = true;
    curves.clear();
    refreshAll();
  });
  source.addEventListener("error", () => {
    state.online = false;
    tell();
    // A browser gives up where the answer is no event stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(hear, 2000);
  });
  source.addEventListener("changed", ({ data }) => {
    const { what } = JSON.parse(data);
    if (what in PARTS) refresh(what);
    else refreshAll();
  });
  source.addEventListener("progress", ({ data }) => further(JSON.parse(data)));
}

/** Adds a job; gives it, or null. */
export async function push(work) {
  const job = await ask("POST", "jobs", work);
  if (job) await refresh("jobs");
  return job;
}

/** Where a job's picture is. */
export function picture(job, name) {
  return `/api/jobs/${job}/${name}.png`;
}
