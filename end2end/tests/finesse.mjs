// A browser as agents have it: third-party cookies blocked, storage partitioned. Playwright's own flags switch
// that off, so this one is started with flags of ours.
import { chromium, expect } from "@playwright/test";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const nodes = JSON.parse(process.env.LOCKDOWN_FINESSE ?? "[]");

export const EOC = "1001";
export const OTHER = "1002";

/** An agent's browser, and how to put it away. */
export async function agentsBrowser() {
  const profile = await mkdtemp(join(tmpdir(), "agent-"));
  await mkdir(join(profile, "Default"));
  const preferences = { profile: { cookie_controls_mode: 1 }, signin: { allowed: false } };
  await writeFile(join(profile, "Default", "Preferences"), JSON.stringify(preferences));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    ignoreDefaultArgs: true,
    viewport: { width: 1280, height: 900 },
    args: [
      "--headless=new",
      "--remote-debugging-pipe",
      `--user-data-dir=${profile}`,
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--no-default-browser-check",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--password-store=basic",
      "--use-mock-keychain",
      "about:blank",
    ],
  });
  // A refused script or a broken island shows only here.
  const complaints = [];
  context.on("page", (page) => {
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      const ours = message.location().url.startsWith(process.env.LOCKDOWN_URL);
      if (message.type() === "error" && ours) complaints.push(message.text());
    });
  });
  // What a pointer did in each frame: a press that nobody took shows only here.
  await context.addInitScript(() => {
    window.lately = [];
    const note = (event) => window.lately.push(`${Math.round(event.timeStamp)} ${event.type} ${event.target?.className ?? ""} ${event.target?.textContent?.trim().slice(0, 30) ?? ""}`);
    for (const kind of ["pointerdown", "pointerup", "click", "submit", "pagehide"]) addEventListener(kind, note, true);
  });
  const away = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { context, away, complaints };
}

/** Opens an agent's desktop on one of the nodes; the gadget's frame within it. */
export async function desktop(context, agent, node = 0) {
  const page = await context.newPage();
  await page.goto(`${nodes[node]}/desktop?agent=${agent}`);
  return { page, gadget: gadgetOf(page) };
}

/** One press, once the pointer is on it in the frame, too: a frame's height may just have changed, and the browser looks up
 * for a moment in the picture before which frame a pointer is over. */
export async function press(button) {
  await expect(async () => {
    await button.hover();
    expect(await button.evaluate((one) => one.matches(":hover"))).toBe(true);
  }).toPass();
  await button.click();
}

/** What the gadgets of a browser show, and what was pressed in them. */
export async function told(context) {
  const frames = context.pages().flatMap((page) => page.frames()).filter((frame) => frame.url().includes("/embed/"));
  return Promise.all(frames.map((frame) => frame.evaluate(() => `${location.href}\n${document.body.innerText}\n${window.lately.slice(-30).join("\n")}`)));
}

export function gadgetOf(page) {
  return page.frameLocator("iframe[id^=gadget-]").frameLocator("#lockdown-frame");
}

/** A call of an agent, as the telephone system would make it; its dialog's id. */
export async function call(agent, fields) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ agent, ...fields });
  const answer = await fetch(`${nodes[0]}/sim/call`, { method: "POST", headers, body });
  return (await answer.json()).id;
}

export async function hangUp(id) {
  await fetch(`${nodes[0]}/sim/call/${id}`, { method: "DELETE" });
}

/** Signs in in the gadget's window, as a person would, and connects the gadget. */
export async function signInHere(page, gadget, name) {
  const opened = page.waitForEvent("popup");
  await gadget.getByRole("link", { name: "Sign in" }).click();
  const popup = await opened;
  const code = await gadget.locator("[data-say=waiting] strong").textContent();
  const person = popup.getByRole("button", { name: new RegExp(`^${name}`) });
  const connect = popup.getByRole("button", { name: "Connect my gadget" });
  await person.or(connect).first().waitFor();
  if (await person.isVisible()) await person.click();
  await popup.getByText(code).waitFor();
  await connect.click();
  await popup.getByRole("heading", { name: "Connected" }).waitFor();
  await popup.close();
}
