// The door that needs no internet, with Chromium's virtual authenticator.
import { virtualKey } from "./virtual_key.mjs";
import { expect, faults, lockInTwoSteps, makeNormal, signIn, test } from "./world.mjs";

const headline = (page) => page.locator(".banner-headline");

async function provider(state) {
  await fetch(`${process.env.LOCKDOWN_IDENTITY}/sim/${state}`, { method: "POST" });
}

test.beforeEach(async ({ browser }) => {
  await faults({});
  await makeNormal(browser);
});

test("a senior adds a passkey, releases with it, and comes in with it while the provider is away", async ({ page, browser }) => {
  const key = await virtualKey(page);
  await signIn(page, "Senior 2");
  await page.goto("/me");
  await page.getByLabel("Name of the key").fill("Blue key");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByRole("alert"), "an open session alone is not the person").toContainText("Prove first");
  await page.getByRole("link", { name: "Sign in again with your password" }).click();
  await page.getByRole("button", { name: /^Senior 2/ }).click();
  await page.waitForURL("**/me");
  await page.getByLabel("Name of the key").fill("Blue key");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByText("Blue key")).toBeVisible();
  await page.getByRole("button", { name: "Remove" }).click();
  await expect(page.getByText("Blue key"), "and a key is not taken away by whoever sits there").toBeVisible();

  const eoc = await (await browser.newContext()).newPage();
  await signIn(eoc, "EOC 1");
  await lockInTwoSteps(eoc);
  await expect(headline(eoc)).toHaveText("PSTN LOCKED");

  await page.goto("/console");
  await page.getByLabel(/Type the site/).fill("Acme North");
  await key.verifies(false);
  await page.getByRole("button", { name: "Give the all-clear" }).click();
  await expect(page.getByRole("alert")).toContainText("No passkey answered");
  await expect(headline(eoc)).toHaveText("PSTN LOCKED");
  await key.verifies(true);
  await page.getByRole("button", { name: "Give the all-clear" }).click();
  await expect(headline(page)).toHaveText("Normal calling");

  await provider("down");
  try {
    await page.context().clearCookies();
    await page.goto("/sign-in");
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.waitForURL("**/console");
    await expect(page.locator(".me")).toContainText("Senior 2");
    await expect(page.locator(".events").first()).toContainText("Signed in by passkey");
  } finally {
    await provider("up");
  }

  // New keys are taken only while the provider is there, as the server saw it last.
  await expect(async () => {
    await page.goto("/sign-in");
    await expect(page.getByText("cannot be reached")).toHaveCount(0, { timeout: 100 });
  }).toPass();
  await page.goto("/me");
  await page.getByLabel("Name of the key").fill("Second key");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  // The same authenticator has one already: it was asked for the first, and refuses to be a second.
  await expect(page.getByRole("alert")).toContainText("No passkey answered");
  await page.getByRole("button", { name: "Remove" }).click();
  await expect(page.getByText("None yet.", { exact: true })).toBeVisible();
});

test("a passkey of nobody opens nothing", async ({ page }) => {
  await virtualKey(page);
  await page.goto("/sign-in");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expect(page.getByRole("alert")).toContainText("No passkey answered");
});
