// Kept pictures, with how they were drawn.

import { ask, state } from "./api.js";
import { drawLike } from "./draw.js";
import { h, keyed } from "./dom.js";

export function galleryView() {
  const list = h("ul", { class: "gallery" });
  const none = h("p", {}, "Nothing is kept yet. Pictures come here from the page ", h("a", { href: "#draw" }, "Draw"), ".");
  const build = (kept) => {
    const source = `/api/gallery/${kept.id}.png`;
    const like = () => {
      drawLike(kept.recipe);
      location.hash = "#draw";
    };
    return h(
      "li",
      {},
      h("img", { src: source, alt: kept.recipe?.prompt ?? "a picture", loading: "lazy" }),
      h("p", {}, kept.recipe?.prompt ?? "a picture"),
      kept.parameters && h("details", {}, h("summary", {}, "Recipe"), h("pre", {}, kept.parameters)),
      h(
        "div",
        { class: "row" },
        kept.recipe && h("button", { type: "button", onclick: like }, "Draw like this"),
        h("a", { class: "button", href: source, download: `${kept.id}.png` }, "Save PNG"),
        h("button", { type: "button", class: "quiet", onclick: () => ask("DELETE", `gallery/${kept.id}`) }, "Remove"),
      ),
    );
  };
  return {
    title: "Gallery",
    element: h("div", {}, h("h1", {}, "Gallery"), none, list),
    update() {
      none.hidden = state.gallery.length > 0;
      keyed(list, [...state.gallery].reverse(), (kept) => kept.id, build);
    },
  };
}
