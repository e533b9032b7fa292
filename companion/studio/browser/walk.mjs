// The whole way through the studio in a real Chromium: six pictures, a subject, drawings, a phone's QR code. Run by `cargo xtask studio`,
// which fetches Chromium and these packages; never by CI.
//
//   node walk.mjs CONES CHROMIUM PHOTOS OUT [STEPS]
//
// It ends with a screenshot of each page, light and dark, wide and as a phone has it, in OUT, and fails where the browser logs an
// error, asks another host, scrolls sideways on a phone, or where axe finds what a screen reader or a keyboard cannot use.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [cones, executablePath, photos, out, steps = "100"] = process.argv.slice(2);
const need = createRequire(join(process.cwd(), "package.json"));
const { chromium } = need("playwright-core");
const axe = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");
const { PNG } = need("pngjs");
const jsqr = need("jsqr");

const folder = mkdtempSync(join(tmpdir(), "cones-studio-"));
mkdirSync(out, { recursive: true });

/** Starts the studio, and gives its address. */
async function start(port = 0) {
  const child = spawn(cones, ["studio", "--no-open", "--port", String(port), "--folder", folder, "--threads", "1"], { stdio: ["ignore", "pipe", "inherit"] });
  const address = await new Promise((done, failed) => {
    let text = "";
    child.stdout.on("data", (data) => (text += data).includes("\n") && done(text.trim()));
    child.on("exit", (code) => failed(new Error(`cones studio ended with ${code}`)));
  });
  return { child, address };
}

/** Stops it as Ctrl-C does. */
async function stop({ child }) {
  const ended = new Promise((done) => child.on("exit", done));
  child.kill("SIGINT");
  assert.equal(await ended, 0, "Ctrl-C closes it");
}

let studio = await start();
const { host } = new URL(studio.address);
const port = new URL(studio.address).port;
// Chromium's own libraries are for it alone.
const { CHROMIUM_LIBRARIES: libraries = "" } = process.env;
const env = libraries ? { ...process.env, LD_LIBRARY_PATH: libraries } : process.env;
const browser = await chromium.launch({ executablePath, env, args: ["--no-sandbox", "--disable-gpu"] });
const troubles = [];
// The policy of the page is tried by the first pages; axe has to be put into one.
const context = await browser.newContext({ viewport: { width: 1180, height: 900 }, acceptDownloads: true });

function watch(page) {
  page.on("console", (message) => message.type() === "error" && !expected(message.text()) && troubles.push(message.text()));
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.host !== host && url.protocol !== "blob:") troubles.push(`asked ${url}`);
  });
  page.setDefaultTimeout(60000);
  return page;
}

/** While the studio is closed and opened again, the browser says that it is not there. */
let away = false;
const expected = (text) => away && /ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/.test(text);

const page = watch(await context.newPage());
const step = (text) => console.log(`- ${text}`);
const SLOW = { timeout: 900000 };

try {
  step("a stranger is turned away");
  const stranger = await (await browser.newContext()).newPage();
  await stranger.goto(`http://${host}/`);
  assert.match(await stranger.textContent("body"), /What to do/);
  await stranger.context().close();

  step("a new subject, by keyboard");
  await page.goto(studio.address);
  await page.getByRole("heading", { name: "Subjects", exact: true }).waitFor();
  assert.equal(new URL(page.url()).search, "", "the token does not stay in the address");
  await page.getByLabel("Name").focus();
  await page.keyboard.type("Rex");
  await page.keyboard.press("Tab");
  await page.keyboard.type("dog");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "rex", exact: true }).waitFor();

  step("six pictures");
  const files = readdirSync(photos).filter((name) => name.endsWith(".png")).map((name) => join(photos, name));
  await page.setInputFiles("#photos", files.slice(0, 2));
  await page.getByText("two pictures only").waitFor();
  await page.setInputFiles("#photos", files.slice(2, 6));
  await page.locator(".photos li").nth(5).waitFor();
  await page.waitForFunction(() => !document.querySelector(".warnings li"));

  step("one is cut out and put straight");
  await page.getByRole("button", { name: /^Cut out/ }).first().click();
  await page.getByLabel("Straighten").focus();
  for (let i = 0; i < 8; i++) await page.keyboard.press("ArrowRight");
  await page.locator("dialog canvas").focus();
  await page.keyboard.press("ArrowRight");
  await page.screenshot({ path: join(out, "crop.png") });
  await page.getByRole("button", { name: "As it was" }).click();
  await page.getByLabel("What is seen").fill("a dog on grass");
  await page.getByRole("button", { name: "Use this part" }).click();
  await page.locator("dialog.crop").waitFor({ state: "detached" });

  step("Find; the page is reloaded, a second window sees the same");
  await page.getByLabel("How long").selectOption(steps);
  await page.getByLabel("Previews").selectOption("25");
  await page.getByRole("button", { name: "Find", exact: true }).click();
  await page.locator(".chart path.mean").waitFor(SLOW);
  await page.reload();
  await page.locator(".chart path.mean").waitFor();
  const second = watch(await context.newPage());
  await second.goto(page.url());
  await second.locator(".chart path.mean").waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".strip li").length >= 3, null, SLOW);
  await second.waitForFunction(() => document.querySelectorAll(".strip li").length >= 3);
  await page.screenshot({ path: join(out, "finding.png"), fullPage: true });

  step("the studio is closed and opened again: it goes on");
  away = true;
  await stop(studio);
  await page.getByText("The studio does not answer").first().waitFor();
  studio = await start(port);
  await page.waitForFunction(() => !document.querySelector(".queue.offline"), null, SLOW);
  away = false;
  await page.getByText("Found.", { exact: true }).waitFor(SLOW);
  await second.getByText("Found.", { exact: true }).waitFor();
  await second.close();

  step("the sheet");
  await page.getByRole("button", { name: "Draw the sheet" }).click();
  await page.waitForFunction(() => document.querySelectorAll(".sheet td img").length === 12, null, SLOW);
  const [pack] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Save the pack" }).click()]);
  assert.equal(pack.suggestedFilename(), "rex.cones");

  step("drawn beside the base model, then live, then kept");
  await page.getByRole("link", { name: "Draw it" }).click();
  await page.waitForFunction(() => document.querySelector("textarea").value === "a {rex} on grass");
  await page.getByRole("button", { name: "Draw", exact: true }).click();
  await page.waitForFunction(() => document.querySelectorAll(".pictures img").length === 2, null, SLOW);
  await page.getByRole("button", { name: "Keep" }).last().click();
  await page.getByText("It is in the gallery").waitFor();
  const size = await page.locator(".pictures img").last().evaluate((image) => image.decode().then(() => image.naturalWidth));
  assert.ok(size >= 64, "a picture was drawn");
  await shoot("draw");
  await page.getByLabel("Draw again whenever a slider is moved").check();
  await page.getByLabel("Strength of rex").focus();
  for (let i = 0; i < 6; i++) await page.keyboard.press("ArrowLeft");
  await page.waitForFunction(() => document.querySelectorAll(".pictures img").length === 1, null, SLOW);

  step("painted over");
  await page.getByText("Start from a kept picture").click();
  await page.getByLabel("Start from", { exact: true }).selectOption("g1");
  await page.locator("canvas.brush").waitFor();
  const box = await page.locator("canvas.brush").boundingBox();
  await page.mouse.move(box.x + 40, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 160, box.y + 160, { steps: 8 });
  await page.mouse.up();
  await page.screenshot({ path: join(out, "brush.png"), fullPage: true });
  const before = await page.locator(".pictures img").first().getAttribute("src");
  await page.getByRole("button", { name: "Draw", exact: true }).click();
  await page.waitForFunction((before) => document.querySelector(".pictures img")?.getAttribute("src") !== before, before, SLOW);

  step("the gallery, with the recipe");
  await page.getByRole("link", { name: "Gallery" }).click();
  await page.getByText("Recipe", { exact: true }).click();
  await page.getByText(/Steps: \d+/).waitFor();
  await page.getByRole("button", { name: "Draw like this" }).click();
  await page.waitForFunction(() => document.querySelector("textarea").value.includes("{rex}"));

  step("published, and shared with a phone");
  await page.getByRole("link", { name: "To a phone" }).first().click();
  await page.getByRole("button", { name: "Make a key" }).click();
  await page.getByLabel(/rex, \d/).check();
  await page.getByLabel("Who publishes").fill("Anna");
  await page.getByRole("button", { name: "Sign and publish" }).click();
  await page.getByText(/rex, version \d/).waitFor();
  const token = new URL(studio.address).searchParams.get("token");
  const share = page.getByRole("button", { name: "Share in this network" });
  if (await share.isEnabled()) await share.click();
  else await page.request.post(`http://${host}/api/sharing`, { data: { address: "127.0.0.1" }, headers: { Authorization: `Bearer ${token}` } });
  const codes = page.locator("img.qr");
  await codes.first().waitFor();
  const link = await page.locator("#link").textContent();
  for (const [i, wanted] of [/^http:.*index\.html$/, /^cones:\/\/catalog\?url=http.*&key=RW/].entries()) {
    await codes.nth(i).evaluate((image) => image.decode());
    const png = PNG.sync.read(await codes.nth(i).screenshot());
    assert.match(jsqr(new Uint8ClampedArray(png.data), png.width, png.height)?.data ?? "", wanted, "another reader reads the link");
  }
  await shoot("publish");
  const phone = await (await browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme: "dark" })).newPage();
  await phone.goto(link);
  const open = await phone.getByRole("link", { name: "Open in the app" }).getAttribute("href");
  assert.match(open, /^cones:\/\/catalog\?url=http%3A%2F%2F.*catalog\.json&key=RW/);
  await phone.locator("img").evaluate((image) => image.decode());
  await phone.screenshot({ path: join(out, "phone.png"), fullPage: true });
  await phone.context().close();
  await page.getByRole("button", { name: "Stop sharing" }).click();
  await share.waitFor();

  await page.getByRole("link", { name: "Subjects" }).click();
  await shoot("subjects");
  await page.locator(".cards a").first().click();
  await page.locator(".sheet td img").nth(11).waitFor();
  await shoot("subject");
  await page.getByRole("link", { name: "Gallery" }).click();
  await shoot("gallery");
  await stop(studio);
  assert.deepEqual(troubles, [], "nothing was amiss in the browser");
  console.log(`the whole way was walked; pictures of it are in ${resolve(out)}`);
} catch (error) {
  await page.screenshot({ path: join(out, "failed.png"), fullPage: true });
  console.error(troubles.join("\n"));
  throw error;
} finally {
  await browser.close();
  studio.child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}

/** The page as it is, light and dark, wide and narrow; axe looks at each. */
async function shoot(name) {
  for (const colorScheme of ["light", "dark"]) {
    for (const [kind, width] of [["wide", 1180], ["phone", 390]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode().catch(() => {}))));
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(sideways <= 0, `${name} scrolls sideways by ${sideways} pixels at ${width}`);
      await page.screenshot({ path: join(out, `${name}-${kind}-${colorScheme}.png`), fullPage: true });
      await check(`${name} ${kind} ${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1180, height: 900 });
}

/** What axe finds in the page as it is. */
async function check(where) {
  // Put in by the debugger, which the page's policy does not bind.
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] })).violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.target).join(", ")}`));
  assert.deepEqual(found, [], `axe: ${where}`);
}
