// A kept picture to start from, and a brush over it: what is painted is drawn anew.

import { ask, state } from "./api.js";
import { field, h, put } from "./dom.js";

const SIDE = 320;

/** The part of the form, and what it comes to. */
export function brush() {
  const which = h("select", { onchange: choose });
  const strength = h("input", { type: "range", min: 0, max: 1, step: 0.05, value: "0.8" });
  const width = h("input", { type: "range", min: 4, max: 80, step: 2, value: "28" });
  const canvas = h("canvas", { width: SIDE, height: SIDE, class: "brush" });
  const painted = h("canvas", { width: SIDE, height: SIDE });
  canvas.setAttribute("aria-label", "Paint over what is to be drawn anew");
  const tools = h(
    "div",
    { hidden: true },
    canvas,
    h("div", { class: "row" }, h("button", { type: "button", onclick: clear }, "Paint nothing"), h("button", { type: "button", onclick: () => band(0) }, "Paint the left half"), h("button", { type: "button", onclick: () => band(1) }, "Paint the right half"), h("button", { type: "button", onclick: () => band(2) }, "Paint the middle")),
    field("Brush", width),
    field("How much is drawn anew", strength, "Painted parts alone, or all of it where nothing is painted."),
  );
  const image = new Image();
  let touched = false;
  let last = null;
  let known = "";

  function choose() {
    tools.hidden = !which.value;
    if (!which.value) return;
    image.onload = clear;
    image.src = `/api/gallery/${which.value}.png`;
  }

  function clear() {
    canvas.height = painted.height = Math.round((SIDE * image.naturalHeight) / image.naturalWidth);
    const context = painted.getContext("2d");
    context.fillStyle = "#000";
    context.fillRect(0, 0, painted.width, painted.height);
    touched = false;
    paint();
  }

  /** Half of the picture, or its middle, for those who do not use a pointer. */
  function band(which) {
    const context = painted.getContext("2d");
    context.fillStyle = "#fff";
    const [left, part] = [[0, 0.5], [0.5, 0.5], [0.25, 0.5]][which];
    context.fillRect(left * painted.width, which === 2 ? painted.height / 4 : 0, part * painted.width, which === 2 ? painted.height / 2 : painted.height);
    touched = true;
    paint();
  }

  function paint() {
    const context = canvas.getContext("2d");
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = 1;
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    context.globalAlpha = 0.45;
    context.globalCompositeOperation = "lighten";
    context.drawImage(painted, 0, 0);
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
  }

  function stroke(event) {
    if (!last) return;
    const context = painted.getContext("2d");
    const to = at(event);
    context.strokeStyle = "#fff";
    context.lineCap = "round";
    context.lineWidth = Number(width.value);
    context.beginPath();
    context.moveTo(...last);
    context.lineTo(...to);
    context.stroke();
    last = to;
    touched = true;
    paint();
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
    stroke(event);
  });
  canvas.addEventListener("pointermove", stroke);
  canvas.addEventListener("pointerup", () => (last = null));

  /** What the request says of it; null where nothing was chosen. */
  async function init() {
    if (!which.value) return null;
    const from = { picture: which.value, strength: Number(strength.value) };
    if (!touched) return from;
    const blob = await new Promise((done) => painted.toBlob(done, "image/png"));
    const held = await ask("POST", "masks", blob);
    return held ? { ...from, mask: held.mask } : from;
  }

  function update() {
    const now = state.gallery.map((kept) => kept.id).join(" ");
    if (now === known) return;
    known = now;
    const chosen = which.value;
    put(which, h("option", { value: "" }, "noise alone"), state.gallery.map((kept) => h("option", { value: kept.id }, `${kept.id}: ${kept.recipe?.prompt ?? "a picture"}`)));
    which.value = state.gallery.some((kept) => kept.id === chosen) ? chosen : "";
    tools.hidden = !which.value;
  }

  const element = h("details", {}, h("summary", {}, "Start from a kept picture, and paint over it"), field("Start from", which), tools);
  return { element, init, update };
}
