// What the tests share: people, the simulated cluster, and a page that may not complain.
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect } from "@playwright/test";

const control = process.env.LOCKDOWN_CONTROL;

/** Where does a call go now? */
export async function dial(css, digits) {
  const query = new URLSearchParams({ css, digits });
  const answer = await fetch(`${control}/sim/dial?${query}`);
  return (await answer.json()).outcome;
}

/** An administrator changes something by hand in CUCM. */
export async function edit(change) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${control}/sim/edit`, { method: "POST", headers, body: JSON.stringify(change) });
  expect(answer.status).toBe(204);
}

export async function faults(wanted) {
  const headers = { "content-type": "application/json" };
  await fetch(`${control}/sim/faults`, { method: "POST", headers, body: JSON.stringify(wanted) });
}

/** Signs in by the simulated provider, as a person would. */
export async function signIn(page, name) {
  await page.goto("/console");
  await page.locator("main a.button.primary").click();
  await page.getByRole("button", { name: new RegExp(`^${name}`) }).click();
  await page.waitForURL("**/console");
}

/** The plain form's release, for cleaning up: only a senior can. */
export async function makeNormal(browser) {
  const context = await browser.newContext({ baseURL: process.env.LOCKDOWN_URL, javaScriptEnabled: true });
  const page = await context.newPage();
  await signIn(page, "Senior 1");
  const headline = page.locator(".banner-headline");
  await expect(headline).not.toHaveText(/…/);
  if (await page.getByRole("button", { name: "Give the all-clear" }).isVisible()) {
    await page.getByLabel(/Type the site/).fill("Acme North");
    await page.getByRole("button", { name: "Give the all-clear" }).click();
  }
  await expect(headline).toHaveText("Normal calling");
  await context.close();
}

/** Locks as those do who cannot hold. Until the page is awake the two steps stand open, and a press on them shuts them. */
export async function lockInTwoSteps(page) {
  await expect(page.locator(".lock-switch")).toHaveAttribute("data-awake", "true");
  await page.getByText("Lock in two steps").click();
  await page.getByRole("button", { name: "Lock now" }).click();
}

/** Counts what a hand does from now on: presses of a pointer or a key. Give the page, or a frame's locator within. */
export async function countGestures(inside) {
  await inside.locator("body").evaluate(() => {
    const listening = window.gestures !== undefined;
    window.gestures = 0;
    if (listening) return;
    for (const kind of ["pointerdown", "keydown"]) {
      addEventListener(kind, (event) => (window.gestures += event.repeat ? 0 : 1), true);
    }
  });
  return () => inside.locator("body").evaluate(() => window.gestures);
}

export const shots = process.env.LOCKDOWN_SHOTS;
const widths = [320, 768, 1280];

/** A page at three widths, in both themes: pictures of it, nothing sticks out, and axe finds nothing. */
export async function look(page, name) {
  const before = page.viewportSize();
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${shots}/${name}-${width}-${scheme}.png`, fullPage: true });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      expect(wide, `${name} at ${width} does not scroll sideways`).toBe(false);
    }
    const found = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
    expect(found.violations.map((v) => `${v.id}: ${v.nodes[0].html}`), `${name} ${scheme}`).toEqual([]);
  }
  await page.setViewportSize(before);
}

/** Any console error or page error fails the test: refused scripts and broken islands show only there. */
export const test = base.extend({
  page: async ({ page }, use) => {
    const complaints = [];
    page.on("console", (message) => {
      const ours = message.location().url.startsWith(process.env.LOCKDOWN_URL);
      if (message.type() === "error" && ours) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await use(page);
    expect(complaints.filter((text) => !/status of (40[134]|422|503)/.test(text))).toEqual([]);
  },
});

export { expect };
