// A new site's first day, from the first sign-in to a night without database and identity provider.
import { execFileSync, spawn } from "node:child_process";
import { expect, faults, test } from "../tests/world.mjs";
import { virtualKey } from "../tests/virtual_key.mjs";

const headline = (page) => page.locator(".banner-headline");
const whole = JSON.parse(process.env.LOCKDOWN_WHOLE ?? "{}");

async function signIn(page, name) {
  await page.goto("/console");
  await page.locator("main a.button.primary").click();
  await page.getByRole("button", { name, exact: true }).click();
  await page.waitForURL("**/console");
}

async function provider(state) {
  await fetch(`${whole.provider}/sim/${state}`, { method: "POST" });
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
  await page.getByText("Lock in two steps").click();
  await page.getByRole("button", { name: "Lock now" }).click();
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

  await faults({ latency_ms: 80 });
  await eoc.getByText("Lock in two steps").click();
  await eoc.getByRole("button", { name: "Lock now" }).click();
  await expect(headline(eoc)).toHaveText(/accepted|Locking/);
  const back = databaseDies();
  await expect(headline(eoc)).toHaveText("PSTN LOCKED");
  await faults({});
  await expect(page.locator(".notice.loud")).toContainText("The shared database cannot be reached");
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
  await provider("up");

  back();
  await expect(page.locator(".notice.loud")).toHaveCount(0);
  await page.goto("/timeline");
  await expect(page.locator(".events")).toContainText("All-clear ordered without the shared database");
  await expect(page.locator(".events")).toContainText("Signed in by passkey, without the identity provider");
  const verified = execFileSync(whole.program, ["events", "verify", "--json", "--config", whole.config]);
  expect(JSON.parse(verified)).toMatchObject({ whole: true });
});
