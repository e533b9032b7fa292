// A curve of losses: faint as they come, and their running mean.

import { s, put } from "./dom.js";

const WIDTH = 640;
const HEIGHT = 200;
const LEFT = 56;
const BOTTOM = 26;
const TOP = 16;

/** An empty chart. */
export function chart() {
  return s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", class: "chart" });
}

/** Draws losses of so many steps. */
export function drawCurve(svg, losses, steps) {
  const label = losses.length
    ? `Loss after ${losses.length} of ${steps} steps: ${losses.at(-1).toFixed(4)}, at first ${losses[0].toFixed(4)}`
    : "No step was made yet";
  svg.setAttribute("aria-label", label);
  if (losses.length === 0) return put(svg, s("text", { x: WIDTH / 2, y: HEIGHT / 2, class: "middle" }, "waiting for the first step"));
  const most = Math.max(...losses) || 1;
  const x = (step) => LEFT + (step / Math.max(1, steps)) * (WIDTH - LEFT - 6);
  const y = (loss) => TOP + (1 - loss / most) * (HEIGHT - BOTTOM - TOP);
  const line = (values) => values.map((loss, i) => `${i ? "L" : "M"}${x(i + 1).toFixed(1)} ${y(loss).toFixed(1)}`).join("");
  put(
    svg,
    [0, 0.5, 1].map((part) => [
      s("line", { x1: LEFT, x2: WIDTH - 6, y1: y(part * most), y2: y(part * most), class: "grid" }),
      s("text", { x: LEFT - 6, y: y(part * most) + 4, class: "end" }, (part * most).toFixed(2)),
    ]),
    s("text", { x: LEFT, y: HEIGHT - 4 }, "0"),
    s("text", { x: WIDTH - 6, y: HEIGHT - 4, class: "end" }, `${steps} steps`),
    s("path", { d: line(losses), class: "faint" }),
    s("path", { d: line(means(losses)), class: "mean" }),
  );
}

/** Running means over a tenth of what there is, at least ten. */
function means(losses) {
  const rate = 1 / Math.max(10, losses.length / 10);
  let mean = losses[0];
  return losses.map((loss, i) => (mean += Math.max(rate, 1 / (i + 1)) * (loss - mean)));
}
