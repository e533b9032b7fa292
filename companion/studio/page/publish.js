// To other people's devices: a key, a signed catalogue, a folder or the local network.

import { ask, say, state } from "./api.js";
import { field, h, keyed, put, size } from "./dom.js";

export function publishView() {
  const key = h("div", {});
  const boxes = h("div", { class: "chips" });
  const model = h("input", { type: "checkbox", id: "model" });
  const publisher = h("input", { maxLength: 128, autocomplete: "organization", placeholder: "Anna" });
  const password = h("input", { type: "password", autocomplete: "off" });
  const passwordField = field("The key's password", password);
  const listed = h("ul", { class: "plainlist" });
  const folder = h("code", {});
  const done = h("section", { class: "panel", hidden: true }, h("h2", {}, "3. What is published"), listed, h("p", {}, "The folder below goes as it is to any static host: ", folder));
  const sharing = h("div", {});
  const share = h("section", { class: "panel", hidden: true }, h("h2", {}, "4. To the phone in this network"), sharing);
  const chosen = new Set();
  const go = h("button", { class: "main" }, "Sign and publish");
  const form = h(
    "form",
    { class: "panel", onsubmit: publish },
    h("h2", {}, "2. What to publish"),
    boxes,
    h("label", { class: "check", for: "model" }, model, " The base model, too: for phones that do not have it"),
    field("Who publishes", publisher, "Shown to whoever installs it."),
    passwordField,
    h("div", { class: "row" }, go),
  );
  let keyed_ = null;
  let shared = null;

  async function publish(event) {
    event.preventDefault();
    const wanted = { subjects: [...chosen], model: model.checked, publisher: publisher.value || null, password: password.value || null };
    go.disabled = true;
    say("Signing…");
    const view = await ask("POST", "publishing", wanted);
    go.disabled = false;
    password.value = "";
    if (view) say("Published.");
  }

  function box(subject) {
    const input = h("input", { type: "checkbox", id: `publish-${subject.id}`, onchange: () => (input.checked ? chosen.add(subject.id) : chosen.delete(subject.id)) });
    return h("label", { class: "check", for: input.id }, input, ` ${subject.name}, ${size(subject.pack.bytes)}`);
  }

  function showKey(view) {
    const now = JSON.stringify(view.key);
    if (now === keyed_) return;
    keyed_ = now;
    passwordField.hidden = !view.key?.encrypted;
    if (view.key) {
      return put(key, h("p", {}, "Catalogues are signed with your key. Apps pin its public half: ", h("code", {}, view.key.public)), h("p", {}, h("small", {}, "Keep a copy of the file publisher.key in the studio's folder: without it nobody can publish in your name, nor can you.")));
    }
    const fresh = h("input", { type: "password", autocomplete: "new-password" });
    const file = h("input", { type: "file" });
    const old = h("input", { type: "password", autocomplete: "off" });
    const take = async () => file.files[0] && ask("PUT", "publishing/key", { key: await file.files[0].text(), password: old.value || null });
    put(
      key,
      h("p", {}, "A key says that packs come from you. One is enough for all of them."),
      field("Password for a new key (may be left out)", fresh, "Without one whoever can read its file can publish in your name."),
      h("div", { class: "row" }, h("button", { type: "button", class: "main", onclick: () => ask("POST", "publishing/key", { password: fresh.value || null }) }, "Make a key")),
      h("details", {}, h("summary", {}, "I have a key"), field("The secret key's file", file), field("Its password", old), h("div", { class: "row" }, h("button", { type: "button", onclick: take }, "Take it"))),
    );
  }

  function showSharing(view) {
    const now = JSON.stringify([view.sharing, view.address, view.listed]);
    if (now === shared) return;
    shared = now;
    const what = view.listed.map((entry) => `${entry.name}${entry.kind === "model" ? " (base model)" : ""}`).join(", ");
    if (view.sharing) {
      return put(
        sharing,
        h("p", {}, h("strong", {}, "Visible now"), ` to everybody in this network: ${what}. Nothing else of this machine is.`),
        h("div", { class: "row codes" }, code(view.sharing.url, false, "Any phone: point its camera here"), view.sharing.app && code(view.sharing.app, true, "A phone with the app: scan this one, your key is in it")),
        h("p", {}, "Or open ", h("code", { id: "link" }, view.sharing.url)),
        h("div", { class: "row" }, h("button", { type: "button", class: "main", onclick: () => ask("DELETE", "sharing") }, "Stop sharing")),
      );
    }
    put(
      sharing,
      h("p", {}, `Whoever is in the same network could then fetch: ${what}. It ends when you stop it, or close the studio. Photos, prompts and pictures stay here.`),
      h("p", {}, view.address ? `This machine is ${view.address} there.` : "This machine is in no local network now."),
      h("div", { class: "row" }, h("button", { type: "button", class: "main", disabled: !view.address, onclick: () => ask("POST", "sharing", {}) }, "Share in this network")),
    );
  }

  function code(link, app, caption) {
    // The address changes with the link, so that no older picture of it is shown.
    const source = `/api/sharing/qr.svg?app=${app}&for=${encodeURIComponent(link)}`;
    return h("figure", { class: "code" }, h("img", { class: "qr", src: source, alt: `QR code of ${link}` }), h("figcaption", {}, caption));
  }

  function update() {
    const view = state.publishing;
    const found = state.subjects.filter((subject) => subject.pack);
    keyed(boxes, found, (subject) => `${subject.id} ${subject.pack.bytes}`, box);
    if (!found.length) put(boxes, h("p", {}, "No subject was found yet."));
    if (!view) return;
    showKey(view);
    go.disabled = !view.key;
    done.hidden = share.hidden = view.listed.length === 0;
    keyed(listed, view.listed, (entry) => `${entry.kind} ${entry.name} ${entry.version}`, (entry) => h("li", {}, entry.kind === "model" ? `${entry.name}, the base model, ${size(entry.bytes)}` : `${entry.name}, version ${entry.version}, ${size(entry.bytes)}`));
    folder.textContent = view.folder;
    showSharing(view);
  }

  return { title: "Publish", element: h("div", {}, h("h1", {}, "To a phone"), h("section", { class: "panel" }, h("h2", {}, "1. Your key"), key), form, done, share), update };
}
