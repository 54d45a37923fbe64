import { expect, faults, lockInTwoSteps, look, makeNormal, shots, signIn, test } from "./world.mjs";

test.beforeEach(async ({ browser }) => {
  await faults({});
  await makeNormal(browser);
});

test("every page is whole at three widths, in both themes, and axe finds nothing", async ({ page }) => {
  await page.goto("/");
  await look(page, "public-normal");
  await page.goto("/console");
  await look(page, "console-signed-out");
  await page.goto("/sign-in?trouble=cancelled");
  await expect(page.getByRole("alert")).toContainText("You cancelled the sign-in");
  await look(page, "sign-in");
  await page.goto("/no/such/page");
  await look(page, "not-found");
  await signIn(page, "EOC 1");
  await expect(page.locator(".hold-bar")).toBeVisible();
  await look(page, "console-normal");
  await lockInTwoSteps(page);
  await expect(page.locator(".banner-headline")).toHaveText("PSTN LOCKED");
  await look(page, "console-locked-eoc");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 720 });
  await page.screenshot({ path: `${shots}/readme.png` });
  await page.goto("/timeline");
  await look(page, "timeline");
  await page.goto("/");
  await look(page, "public-locked");
});

test("a senior's console when locked, and an unknown state", async ({ page }) => {
  await signIn(page, "Senior 1");
  await lockInTwoSteps(page);
  await expect(page.getByRole("button", { name: "Give the all-clear" })).toBeVisible();
  await look(page, "console-locked-senior");
  await faults({ throttle: 100000 });
  await expect(page.locator(".banner-headline")).toHaveText("Unknown: cannot see CUCM");
  await look(page, "console-unknown");
  await faults({});
});

test("whether a lock would work is on one page, and the right to write is proved by a press", async ({ page }) => {
  await signIn(page, "EOC 1");
  await page.getByRole("link", { name: "Readiness" }).click();
  const findings = page.locator("main .tickets li");
  await expect(findings.filter({ hasText: "CUCM seen" })).toContainText(/\d+ s ago/);
  await page.getByRole("button", { name: "Prove it" }).click();
  await expect(findings.filter({ hasText: "Right to write" })).toContainText("CUCM can be written");
  await look(page, "readiness");
  await page.getByRole("link", { name: "Card to print" }).click();
  await expect(page.getByRole("heading", { name: "Acme North" })).toBeVisible();
  await expect(page.getByText("A lock never touches 911, 9911, 933, 988, 112")).toBeVisible();
  await look(page, "card");
  await page.goto("/readiness");
  await faults({ throttle: 100000 });
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("status")).toContainText("Perhaps not", { timeout: 1000 });
  }).toPass();
  await expect(findings.first(), "the worst stands first").toContainText("✗");
  await look(page, "readiness-bad");
  await faults({});
});

test("who can call where is drawn normal and locked, and a call is followed from a lobby phone", async ({ page, browser }) => {
  await signIn(page, "Senior 1");
  await page.getByRole("link", { name: "Plan", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Who can call where: Acme North" })).toBeVisible();
  await expect(page.locator("svg.flow")).toHaveCount(2);
  // The one way past the lock is drawn once, where it is: locked, to the PSTN.
  const leak = page.locator("svg.flow a");
  await expect(leak).toHaveCount(1);
  await expect(leak).toHaveAttribute("aria-label", "1 phone: a way past the lock, PSTN");
  await expect(page.getByRole("row", { name: /^1 phone / })).toContainText("past the lock: PSTN");
  await look(page, "plan");
  await page.locator("details", { hasText: "All callers" }).locator("summary").click();
  await look(page, "plan-callers");
  await page.getByLabel("From").fill("7001");
  await page.getByLabel("dial", { exact: true }).fill("9-1-403-555-1234");
  await page.keyboard.press("Enter");
  const state = (name) => page.getByRole("row", { name: new RegExp(`^${name}`) }).locator("strong").last();
  await expect(state("Normal")).toHaveText("to the PSTN as 14035551234");
  await expect(state("Locked")).toHaveText("to the EOC");
  await look(page, "plan-traced");
  await page.getByRole("button", { name: "Read CUCM and check again" }).click();
  await expect(page.getByRole("status")).toContainText("The plan may run");
  // Without scripts it is all there too.
  const plain = await browser.newContext({ baseURL: process.env.LOCKDOWN_URL, javaScriptEnabled: false });
  const bare = await plain.newPage();
  await signIn(bare, "Senior 1");
  await bare.goto("/plan?from=7001&dial=911");
  await expect(bare.locator("svg.flow")).toHaveCount(2);
  await expect(bare.locator(".traced strong").first()).toContainText("to the PSTN as 911");
  await plain.close();
});

test("a drill has its own way in, touches no call, and is timed", async ({ page }) => {
  await signIn(page, "Senior 1");
  await page.getByRole("link", { name: "Drills" }).click();
  await page.getByRole("link", { name: /drill.s switch/ }).click();
  await expect(page.getByText("This is a drill.")).toBeVisible();
  await lockInTwoSteps(page);
  await expect(page.locator(".banner-headline")).toHaveText("DRILL: canaries locked");
  await look(page, "drill-console");
  await page.getByLabel(/Type the site/).fill("DRILL Acme North");
  await page.getByRole("button", { name: "Give the all-clear" }).click();
  await expect(page.locator(".banner-headline")).toHaveText("DRILL: canaries normal");
  await page.goto("/drill");
  const last = page.locator("table.drills tbody tr").first();
  await expect(last).toContainText(/\d+\.\d\d s, 2 objects/);
  await expect(last).toContainText("Senior 1 (web)");
  await look(page, "drills");
});

test("an administrator sees people, and gives roles", async ({ page }) => {
  await signIn(page, "Admin 1");
  await expect(page.getByText("Only EOC personnel may see this.")).toBeVisible();
  await page.goto("/admin/people");
  await expect(page.getByRole("link", { name: /Senior 2/ })).toContainText("Senior EOC");
  await look(page, "people");
  await page.getByRole("link", { name: /Senior 2/ }).click();
  const everywhere = page.getByRole("group", { name: "At every site" });
  await expect(everywhere.getByLabel("Senior EOC", { exact: true })).toBeChecked();
  await look(page, "person");
  await everywhere.getByLabel("EOC", { exact: true }).check();
  await page.getByRole("button", { name: "Save roles" }).click();
  await expect(everywhere.getByLabel("EOC", { exact: true })).toBeChecked();
  await page.goto("/timeline");
  await expect(page.locator(".events")).toContainText("Roles of Senior 2: senior_eoc → eoc, senior_eoc");
  await page.goto("/me");
  await look(page, "me");
});

test("an administrator makes a key and prints sealed codes, each shown once", async ({ page }) => {
  await signIn(page, "Admin 1");
  await page.goto("/admin/clients");
  await page.getByLabel("What it is for").fill("Fire panel");
  await page.getByLabel(/^lock/).check();
  await page.getByLabel(/From these networks/).fill("127.0.0.0/8");
  await page.getByRole("button", { name: "Make the key" }).click();
  await expect(page.locator(".once .secret")).toHaveText(/^tpb_live_/);
  const secret = await page.locator(".once .secret").textContent();
  await look(page, "key-made");
  await page.goto("/admin/clients");
  await expect(page.getByRole("main")).toContainText("Fire panel");
  await expect(page.locator(".once")).toHaveCount(0);
  await page.getByLabel("What it is for").fill("Made and taken back");
  await page.getByLabel(/^lock/).check();
  await page.getByRole("button", { name: "Make the key" }).click();
  await page.locator(".key", { hasText: "Made and taken back" }).getByRole("button", { name: "Revoke" }).click();
  await expect(page, "a form on the page that showed a secret leads back to the real one").toHaveURL(/admin\/clients\??$/);
  await expect(page.locator(".key", { hasText: "Made and taken back" })).toContainText("revoked");
  await page.goto("/admin/people");
  await page.getByRole("link", { name: /Senior 2/ }).click();
  await page.getByRole("button", { name: "Make two envelopes" }).click();
  await expect(page.locator(".envelope")).toHaveCount(2);
  await look(page, "codes-printed");
  await page.goto("/admin/finesse");
  await expect(page.locator(".key", { hasText: "acme-north" })).toContainText("its key is good until");
  await look(page, "finesse");
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the gadget" }).click();
  expect((await download).suggestedFilename()).toMatch(/^pstn-lockdown-[\d.]+-acme-north\.xml$/);
  await page.goto("/admin/webhooks");
  await page.getByLabel("What it is").fill("Site pager");
  await page.getByLabel(/^Address/).fill(process.env.LOCKDOWN_RECEIVER + "/news");
  await page.getByRole("button", { name: "Add the webhook" }).click();
  await expect(page.locator(".once .secret")).toHaveText(/^whsec_/);
  await look(page, "webhook-made");
  await page.getByRole("button", { name: "Send a test" }).click();
  await expect(page.getByRole("status")).toContainText("Test: ");
  await page.getByRole("link", { name: "What was sent" }).click();
  await look(page, "webhook-deliveries");
  await page.getByRole("button", { name: "Remove" }).click();
  await expect(page.getByRole("main")).toContainText("No webhooks yet");
  await page.goto("/leaked-key");
  await look(page, "leaked-key");
  await page.getByLabel("The key").fill(secret);
  await page.getByRole("button", { name: "Take it back" }).click();
  await expect(page.getByRole("status")).toContainText("Thank you");
  await page.goto("/admin/clients");
  await expect(page.locator(".key", { hasText: "Fire panel" })).toContainText("revoked");
});

test("a click through every page violates no policy", async ({ page }) => {
  const violations = [];
  await page.exposeFunction("tellViolation", (text) => violations.push(text));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => tellViolation(`${location.pathname}: ${event.violatedDirective} ${event.blockedURI}`));
  });
  const seen = [];
  const visit = async (path) => {
    const answer = await page.goto(path);
    expect(answer.headers()["content-security-policy"], path).toContain("'nonce-");
    await page.waitForLoadState("networkidle").catch(() => {});
    seen.push(path);
  };
  for (const path of ["/", "/sign-in", "/requests", "/requests/t/nobody", "/leaked-key", "/no/such/page"]) await visit(path);
  await signIn(page, "Admin 1");
  for (const path of ["/timeline", "/me", "/admin/people", "/admin/clients", "/admin/webhooks", "/admin/requests?find=nobody"]) await visit(path);
  await page.goto("/admin/people");
  await visit(await page.getByRole("link", { name: /EOC 1/ }).getAttribute("href"));
  await visit("/plan");
  await page.context().clearCookies();
  await signIn(page, "EOC 1");
  await visit("/console");
  await lockInTwoSteps(page);
  await expect(page.locator(".banner-headline")).toHaveText("PSTN LOCKED");
  for (const path of ["/requests", "/incidents", "/wall", "/readiness", "/drill"]) await visit(path);
  await page.goto("/incidents");
  await visit(await page.locator(".tickets a").first().getAttribute("href"));
  expect(violations, `over ${seen.length} pages`).toEqual([]);
  // The listener hears: a style sheet from elsewhere is one.
  await page.evaluate(() => document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: "https://elsewhere.invalid/x.css" })));
  await expect.poll(() => violations.length).toBe(1);
});

test("while the provider is away a sealed code opens the door, everybody sees it, and it is reviewed", async ({ page, browser }) => {
  await signIn(page, "Admin 1");
  await page.goto("/admin/people");
  await page.getByRole("link", { name: /Senior 2/ }).click();
  await page.getByRole("button", { name: "Make two envelopes" }).click();
  const inside = (await page.locator(".envelope .secret").allTextContents())[0];
  const outside = (await page.locator(".envelope span:first-child code").allTextContents())[0];
  const watcher = await (await browser.newContext()).newPage();
  await signIn(watcher, "EOC 1");
  await fetch(`${process.env.LOCKDOWN_IDENTITY}/sim/down`, { method: "POST" });
  try {
    const senior = await (await browser.newContext()).newPage();
    await expect(async () => {
      await senior.goto("/sign-in");
      await expect(senior.getByText("Open a sealed envelope")).toBeVisible({ timeout: 100 });
    }).toPass();
    await senior.getByText("Open a sealed envelope").click();
    await look(senior, "sign-in-offline");
    await senior.getByLabel("Number on the envelope").first().fill(outside.toLowerCase());
    await senior.getByLabel("Code inside").first().fill(inside);
    await senior.getByRole("button", { name: "Sign in with the code" }).click();
    await senior.waitForURL("**/console");
    await expect(senior.locator(".me")).toContainText("Senior 2");
    await expect(watcher.locator(".notice.loud"), "live on every console").toContainText(`Senior 2: Signed in by sealed code ${outside}`);
    await look(watcher, "console-alarm");
  } finally {
    await fetch(`${process.env.LOCKDOWN_IDENTITY}/sim/up`, { method: "POST" });
  }
  await page.goto("/admin/people");
  await look(page, "people-review");
  await page.getByLabel("Why it was used").fill("exercise of the night shift");
  await page.getByRole("button", { name: "Reviewed" }).click();
  await expect(page.getByText("To review")).toHaveCount(0);
  await expect(watcher.locator(".notice.loud"), "gone from the consoles too").toHaveCount(0);
});
