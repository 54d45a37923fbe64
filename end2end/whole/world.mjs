// What the tests of the whole product share.
import { writeFileSync } from "node:fs";
import { expect } from "../tests/world.mjs";

/** The provider's control address, the database's process and command, the program and its configuration. */
export const whole = JSON.parse(process.env.LOCKDOWN_WHOLE ?? "{}");

export async function signIn(page, name) {
  await page.goto("/console");
  await page.locator("main a.button.primary").click();
  await page.getByRole("button", { name, exact: true }).click();
  await page.waitForURL("**/console");
}

export function refused(what, count) {
  expect(count, what).toBeGreaterThan(0);
  if (process.env.LOCKDOWN_COUNTS) writeFileSync(`${process.env.LOCKDOWN_COUNTS}/${what}`, String(count));
}

/** Nobody comes in with any of the tokens the provider can make wrong. Returns how many that were. */
export async function forgedIdTokens(browser) {
  const kinds = await (await fetch(`${whole.provider}/sim/forgeries`)).json();
  for (const kind of kinds) {
    const forged = await fetch(`${whole.provider}/sim/forge?kind=${kind}`, { method: "POST" });
    expect(forged.ok, kind).toBe(true);
    const page = await (await browser.newContext()).newPage();
    await page.goto("/console");
    await page.locator("main a.button.primary").click();
    await page.getByRole("button", { name: "Resident 1", exact: true }).click();
    await page.waitForURL("**/sign-in?trouble=refused");
    await page.goto("/me");
    await expect(page.getByRole("alert"), kind).toContainText("Please sign in first");
    await page.context().close();
  }
  return kinds.length;
}
