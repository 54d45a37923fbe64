// A new site's first day, from the first sign-in to a night without database and identity provider.
import { execFileSync, spawn } from "node:child_process";
import { expect, faults, lockInTwoSteps, test } from "../tests/world.mjs";
import { virtualKey } from "../tests/virtual_key.mjs";
import { forgedIdTokens, refused, signIn, whole } from "./world.mjs";

const headline = (page) => page.locator(".banner-headline");

async function provider(state) {
  const answer = await fetch(`${whole.provider}/sim/${state}`, { method: "POST" });
  expect(answer.ok).toBe(true);
}

/** Two envelopes for somebody, printed by the administrator: [outside, inside] each. */
async function envelopes(admin, name) {
  await admin.goto(`/admin/people?find=${encodeURIComponent(name)}`);
  await admin.getByRole("link", { name: new RegExp(name) }).click();
  await admin.getByRole("button", { name: "Make two envelopes" }).click();
  const outside = await admin.locator(".envelope span:first-child code").allTextContents();
  const inside = await admin.locator(".envelope .secret").allTextContents();
  return outside.map((serial, at) => [serial, inside[at]]);
}

async function openEnvelope(page, [outside, inside]) {
  await expect(async () => {
    await page.goto("/sign-in");
    await expect(page.getByText("Open a sealed envelope")).toBeVisible({ timeout: 100 });
  }).toPass();
  await page.getByText("Open a sealed envelope").click();
  await page.getByLabel("Number on the envelope").first().fill(outside);
  await page.getByLabel("Code inside").first().fill(inside);
  await page.getByRole("button", { name: "Sign in with the code" }).click();
}

/** The administrator ticks one box of a person's roles. */
async function grant(admin, name, fieldset, role) {
  await admin.goto(`/admin/people?find=${encodeURIComponent(name)}`);
  await admin.getByRole("link", { name: new RegExp(name) }).click();
  await admin.getByRole("group", { name: fieldset }).getByLabel(role, { exact: true }).check();
  await admin.getByRole("button", { name: "Save roles" }).click();
  await expect(admin.getByRole("group", { name: fieldset }).getByLabel(role, { exact: true })).toBeChecked();
}

async function lock(page) {
  await lockInTwoSteps(page);
  await expect(headline(page)).toHaveText("PSTN LOCKED");
}

async function release(page, name) {
  await page.getByLabel(/Type the site/).fill(name);
  await page.getByRole("button", { name: "Give the all-clear" }).click();
}

/** The database dies; the answer brings it back on its data. */
function databaseDies() {
  process.kill(whole.database.pid, "SIGKILL");
  return () => {
    const [program, ...words] = whole.database.command;
    const child = spawn(program, words, { detached: true, stdio: "ignore" });
    child.unref();
    whole.database.pid = child.pid;
  };
}

test.afterAll(() => process.kill(whole.database.pid, "SIGKILL"));

test("from the first sign-in to a night without database and provider", async ({ page, browser }) => {
  await faults({});
  const people = async () => (await browser.newContext()).newPage();
  const eoc = await people();
  await signIn(eoc, "EOC 1");
  await expect(eoc.locator(".me")).toContainText("waiting for approval");
  await expect(eoc.locator("main")).toContainText("Only EOC personnel may see this");

  const admin = await people();
  await signIn(admin, "Admin 1");
  await grant(admin, "EOC 1", "Acme North", "EOC");

  await eoc.goto("/console?site=acme-south");
  await expect(eoc.locator("main")).toContainText("Only EOC personnel may see this");
  await eoc.goto("/console");
  await expect(eoc.locator("h1")).toHaveText("Acme North");
  await lock(eoc);
  await expect(eoc.getByText("Only senior EOC personnel may give the all-clear")).toBeVisible();

  await virtualKey(page);
  await signIn(page, "Senior 1");
  await grant(admin, "Senior 1", "At every site", "Senior EOC");
  await page.goto("/me");
  await page.getByRole("link", { name: "Sign in again with your password" }).click();
  await page.getByRole("button", { name: "Senior 1", exact: true }).click();
  await page.waitForURL("**/me");
  await page.getByLabel("Name of the key").fill("Safe key");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByText("Safe key")).toBeVisible();
  await page.goto("/console");
  await release(page, "Acme North");
  await expect(headline(page)).toHaveText("Normal calling");

  const kept = await envelopes(admin, "Senior 1");
  await faults({ latency_ms: 80 });
  await lockInTwoSteps(eoc);
  await expect(headline(eoc)).toHaveText(/accepted|Locking/);
  const back = databaseDies();
  await expect(headline(eoc)).toHaveText("PSTN LOCKED");
  await faults({});
  await expect(page.locator(".notice.loud", { hasText: "The shared database cannot be reached" })).toBeVisible();
  await release(page, "Acme North");
  await expect(page.getByRole("alert")).toContainText("Other servers cannot be told now");
  await expect(headline(page)).toHaveText("PSTN LOCKED");
  await page.getByLabel(/although other servers may not hear/).check();
  await page.getByLabel(/Reason/).fill("the fire is out");
  await release(page, "Acme North");
  await expect(headline(page)).toHaveText("Normal calling");

  await provider("down");
  await page.context().clearCookies();
  await page.goto("/sign-in");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.waitForURL("**/console");
  await expect(page.locator(".me"), "with neither database nor provider").toContainText("Senior 1");

  const night = await people();
  await openEnvelope(night, kept[0]);
  await night.waitForURL("**/console");
  await expect(night.locator(".me"), "an envelope, with neither").toContainText("Senior 1");
  await lock(night);
  await expect(night.getByText("Only senior EOC personnel may give the all-clear")).toBeVisible();
  const again = await people();
  await openEnvelope(again, kept[0]);
  await expect(again.getByRole("alert").first()).toContainText("the envelope was used");
  await release(page, "Acme North");
  await page.getByLabel(/although other servers may not hear/).check();
  await page.getByLabel(/Reason/).fill("the night is over");
  await release(page, "Acme North");
  await expect(headline(page)).toHaveText("Normal calling");
  await provider("up");

  back();
  await expect(page.locator(".notice.loud", { hasText: "shared database" })).toHaveCount(0);
  await page.goto("/timeline");
  await expect(page.locator(".events")).toContainText("All-clear ordered without the shared database");
  await expect(page.locator(".events")).toContainText("Signed in by passkey, without the identity provider");
  await expect(page.locator(".events")).toContainText("Signed in by sealed code");
  const verified = execFileSync(whole.program, ["events", "verify", "--json", "--config", whole.config]);
  expect(JSON.parse(verified)).toMatchObject({ whole: true });
});

test("at the other site two seniors must give the all-clear", async ({ browser }) => {
  const people = async () => (await browser.newContext()).newPage();
  const [admin, first, second] = [await people(), await people(), await people()];
  await signIn(admin, "Admin 1");
  await signIn(second, "Senior 2");
  await grant(admin, "Senior 2", "Acme South", "Senior EOC");
  await signIn(first, "EOC 1");
  await grant(admin, "EOC 1", "Acme South", "Senior EOC");
  await first.goto("/console?site=acme-south");
  await lock(first);
  await second.goto("/console?site=acme-south");
  await expect(first.getByText("within ten minutes; besides you")).toContainText("Senior 2");
  await release(first, "Acme South");
  const asked = "EOC 1 gave the all-clear. It counts when another senior gives it too";
  for (const page of [first, second]) {
    await expect(page.locator(".notice.loud", { hasText: asked }), "live on every console").toBeVisible();
    await expect(headline(page)).toHaveText("PSTN LOCKED");
  }
  await release(first, "Acme South");
  await expect(headline(first)).toHaveText("PSTN LOCKED");
  await release(second, "Acme South");
  for (const page of [first, second]) await expect(headline(page)).toHaveText("Normal calling");
});

test("every token the independent provider forges is refused, and its own program may call", async ({ browser }) => {
  refused("tokens forged by the independent provider", await forgedIdTokens(browser));
  const honest = await (await browser.newContext()).newPage();
  await signIn(honest, "Resident 1");
  await expect(honest.locator(".me")).toContainText("Resident 1");

  const token = async (claims) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${whole.provider}/sim/access-token`, { method: "POST", headers, body: JSON.stringify(claims) });
    return answer.text();
  };
  const asked = async (claims) => {
    const headers = { authorization: `Bearer ${await token(claims)}` };
    return (await fetch(`${process.env.LOCKDOWN_URL}/api/v1/sites/acme-north`, { headers })).status;
  };
  expect(await asked({})).toBe(200);
  const signings = ["none", "hmac", "hmac_public", "foreign", "unknown", "no_kid", "rs384", "embedded_jwk", "enc_key", "small_key"];
  const others = [{ aud: "another" }, { iss: "https://elsewhere.example/" }, { azp: "another" }, { scp: null }, { exp: 1 }, { nonce: "n" }];
  for (const claims of [...signings.map((sign) => ({ sign })), ...others]) {
    expect(await asked(claims), JSON.stringify(claims)).toBe(401);
  }
  refused("access tokens forged by the independent provider", signings.length + others.length);
});
