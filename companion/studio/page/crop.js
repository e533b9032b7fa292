// Cutting a photo out and putting it straight. The numbers go to the server, which cuts the original; the canvas only shows it.

import { ask } from "./api.js";
import { field, h } from "./dom.js";

const SIDE = 320;

/** Opens the editor of a photo. */
export function openCrop(subject, photo, model) {
  const crop = { ...photo.crop };
  const canvas = h("canvas", { width: SIDE, height: Math.round((SIDE * model.height) / model.width), tabIndex: 0, role: "img" });
  canvas.setAttribute("aria-label", "The part that is learned from. Drag to move it, or use the sliders.");
  const image = new Image();
  const slider = (name, min, max, step) =>
    h("input", { type: "range", min, max, step, value: String(crop[name]), oninput: (event) => set(name, Number(event.target.value)) });
  const sliders = { size: slider("size", 0.1, 1, 0.01), angle: slider("angle", -180, 180, 0.5), x: slider("x", 0, 1, 0.005), y: slider("y", 0, 1, 0.005) };
  const caption = h("input", { type: "text", maxLength: 200, value: photo.caption, placeholder: `a ${subject.class} on grass` });

  function set(name, value) {
    crop[name] = value;
    sliders[name].value = value;
    paint();
  }

  /** Pixels of the shown photo in one pixel of the canvas. */
  function scale() {
    return crop.size * Math.min(image.naturalWidth / canvas.width, image.naturalHeight / canvas.height);
  }

  function paint() {
    if (!image.naturalWidth) return;
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.translate(canvas.width / 2, canvas.height / 2);
    context.rotate((-crop.angle * Math.PI) / 180);
    context.scale(1 / scale(), 1 / scale());
    context.drawImage(image, -crop.x * image.naturalWidth, -crop.y * image.naturalHeight);
  }

  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = [event.clientX, event.clientY];
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last || !image.naturalWidth) return;
    const shown = canvas.getBoundingClientRect().width / canvas.width;
    move((last[0] - event.clientX) / shown, (last[1] - event.clientY) / shown);
    last = [event.clientX, event.clientY];
  });
  canvas.addEventListener("pointerup", () => (last = null));
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-8, 0], ArrowRight: [8, 0], ArrowUp: [0, -8], ArrowDown: [0, 8] }[event.key];
    if (!by) return;
    event.preventDefault();
    move(...by);
  });

  function move(dx, dy) {
    const turn = (crop.angle * Math.PI) / 180;
    const [u, v] = [dx * scale(), dy * scale()];
    const clamp = (value) => Math.min(1, Math.max(0, value));
    set("x", clamp(crop.x + (u * Math.cos(turn) - v * Math.sin(turn)) / image.naturalWidth));
    set("y", clamp(crop.y + (u * Math.sin(turn) + v * Math.cos(turn)) / image.naturalHeight));
  }

  async function save() {
    const change = { crop, caption: caption.value };
    if (await ask("PATCH", `subjects/${subject.id}/photos/${photo.id}`, change)) dialog.close();
  }

  const quarter = (by) => () => set("angle", ((crop.angle + by + 540) % 360) - 180);
  const whole = () => Object.entries({ x: 0.5, y: 0.5, size: 1, angle: 0 }).forEach(([name, value]) => set(name, value));
  const dialog = h(
    "dialog",
    { class: "crop", onclose: () => dialog.remove() },
    h("h2", {}, `Cut out ${photo.name}`),
    canvas,
    h("div", { class: "row" }, h("button", { type: "button", onclick: quarter(-90) }, "Turn left"), h("button", { type: "button", onclick: quarter(90) }, "Turn right"), h("button", { type: "button", onclick: whole }, "As it was")),
    field("How much of it", sliders.size),
    field("Straighten", sliders.angle),
    h("details", {}, h("summary", {}, "Place, without a mouse"), field("Left or right", sliders.x), field("Up or down", sliders.y)),
    field("What is seen (may be left out)", caption, `With the word ${subject.class} in it, what is around it is less taken for a part of it.`),
    h("div", { class: "row end" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), h("button", { type: "button", class: "main", onclick: save }, "Use this part")),
  );
  document.body.append(dialog);
  dialog.showModal();
  image.onload = paint;
  image.src = `/api/subjects/${subject.id}/photos/${photo.id}/whole.jpg`;
}
