import { countGestures, dial, edit, expect, faults, lockInTwoSteps, makeNormal, signIn, test } from "./world.mjs";

const headline = (page) => page.locator(".banner-headline");
const bar = (page) => page.locator(".hold-bar");

/** Writes down every headline from now on; the answer gives them. */
async function listen(page) {
  await headline(page).evaluate((element) => {
    window.said = [];
    new MutationObserver(() => window.said.push(element.textContent)).observe(element, {
      characterData: true,
      childList: true,
      subtree: true,
    });
  });
  return () => page.evaluate(() => window.said);
}

test.beforeEach(async ({ browser }) => {
  await faults({});
  await makeNormal(browser);
});

test("holding locks, and only a senior releases", async ({ page, browser }) => {
  await signIn(page, "EOC 1");
  await expect(headline(page)).toHaveText("Normal calling");
  await faults({ latency_ms: 60 });
  await expect(bar(page)).toBeVisible();
  const said = await listen(page);
  const gestures = await countGestures(page);
  await bar(page).hover();
  await page.mouse.down();
  await expect(bar(page)).toContainText("Keep holding");
  await expect(headline(page)).toHaveText(/Locking… \d+ of \d+/);
  await page.mouse.up();
  await expect(headline(page)).toHaveText("PSTN LOCKED");
  expect(await gestures(), "from intention to order").toBe(1);
  const stages = (await said()).map((text) => text.replace(/\d+ of \d+/, "n of m"));
  expect([...new Set(stages)]).toEqual(["Lock accepted", "Locking… n of m", "PSTN LOCKED"]);
  await expect(page.locator(".banner-second")).toContainText("by EOC 1 (web)");
  await expect(page.locator(".events")).toContainText("Verified locked");
  expect(await dial("CSS-PHONE-LD", "914165551234")).toEqual({ went: "rings", number: "5911" });
  expect(await dial("CSS-INBOUND", "4035554101")).toEqual({ went: "rings", number: "5911" });
  for (const digits of ["911", "9911", "+911", "988", "933"]) {
    expect((await dial("CSS-PHONE-LOCAL", digits)).by).toBe("RL-EMERGENCY");
  }
  await expect(page.getByRole("button", { name: "Give the all-clear" })).toHaveCount(0);
  await expect(page.getByText("Only senior EOC personnel may give the all-clear")).toBeVisible();

  const senior = await (await browser.newContext()).newPage();
  await signIn(senior, "Senior 1");
  await senior.getByLabel(/Type the site/).fill("acme nort");
  await senior.getByRole("button", { name: "Give the all-clear" }).click();
  await expect(senior.getByRole("alert")).toContainText("is not the site");
  await expect(headline(senior)).toHaveText("PSTN LOCKED");
  await senior.getByLabel(/Type the site/).fill("Acme North");
  await senior.getByRole("button", { name: "Give the all-clear" }).click();
  await expect(headline(senior)).toHaveText("Normal calling");
  await expect(headline(page)).toHaveText("Normal calling");
  expect((await dial("CSS-PHONE-LD", "914165551234")).went).toBe("pstn");
  await senior.context().close();
});

test("letting go early orders nothing", async ({ page }) => {
  await signIn(page, "EOC 1");
  await bar(page).hover();
  await page.mouse.down();
  await expect(bar(page)).toContainText("Keep holding");
  await page.mouse.up();
  await expect(bar(page)).toContainText("nothing was ordered");
  await expect(headline(page)).toHaveText("Normal calling");
});

test("holding a key locks", async ({ page }) => {
  await signIn(page, "EOC 1");
  await expect(bar(page)).toBeVisible();
  await bar(page).focus();
  await page.keyboard.down("Space");
  await expect(headline(page)).toHaveText("PSTN LOCKED");
  await page.keyboard.up("Space");
});

test("two steps lock for those who cannot hold", async ({ page }) => {
  await signIn(page, "Senior 2");
  await expect(bar(page)).toBeVisible();
  await lockInTwoSteps(page);
  await expect(headline(page)).toHaveText("PSTN LOCKED");
});

test("a page that wakes shuts no two steps that a hand is at", async ({ page }) => {
  let wake;
  const asleep = new Promise((done) => (wake = done));
  await page.route("**/pkg/*.wasm", async (route) => {
    await asleep;
    await route.continue();
  });
  await signIn(page, "EOC 1");
  const now = page.getByRole("button", { name: "Lock now" });
  await now.hover();
  wake();
  await expect(page.locator(".lock-switch")).toHaveAttribute("data-awake", "true");
  await now.click();
  await expect(headline(page)).toHaveText("PSTN LOCKED");
});

test("whoever locked on this page is told why their all-clear was refused", async ({ page }) => {
  await signIn(page, "Senior 1");
  await lockInTwoSteps(page);
  await expect(headline(page)).toHaveText("PSTN LOCKED");
  await page.getByLabel(/Type the site’s name/).fill("Acme South");
  await page.getByRole("button", { name: "Give the all-clear" }).click();
  const refused = page.getByText("What you typed is not the site's name. Nothing was ordered.");
  await expect(refused).toBeVisible();
  await page.getByLabel(/Type the site’s name/).fill(" acme\u00a0north ");
  await page.getByRole("button", { name: "Give the all-clear" }).click();
  await expect(headline(page)).toHaveText("Normal calling");
  await expect(refused).toHaveCount(0);
});

test("the public page says how to call as it is now, also on a page that was open before", async ({ page, browser }) => {
  await page.goto("/");
  const how = page.locator(".how");
  await expect(how).toContainText("Just dial. The lines are open.");
  const eoc = await (await browser.newContext()).newPage();
  await signIn(eoc, "EOC 1");
  await lockInTwoSteps(eoc);
  await expect(how).toContainText("Dial as usual: the Emergency Operations Centre answers.");
  await expect(how).not.toContainText("The lines are open");
  await eoc.context().close();
});

test("a change by hand is on the console, and repaired", async ({ page }) => {
  await signIn(page, "EOC 1");
  await lockInTwoSteps(page);
  await expect(headline(page)).toHaveText("PSTN LOCKED");
  await edit({ edit: "block_route_pattern", pattern: "9.011!", partition: "PT-PSTN-INTL", blocked: false });
  await expect(page.locator(".events")).toContainText("Changed by someone while locked");
  await expect(page.locator(".events")).toContainText("Repaired. 9.011! in PT-PSTN-INTL");
  await expect(headline(page)).toHaveText("PSTN LOCKED");
});

test("a line that went silent is said within seconds, and the state greys out by itself", async ({ page }) => {
  await signIn(page, "EOC 1");
  await expect(headline(page)).toHaveText("Normal calling");
  await expect(bar(page)).toBeVisible();
  // The connection stays open and nothing comes: what a browser does not notice by itself.
  const server = Number(process.env.LOCKDOWN_SERVER_PID);
  process.kill(server, "SIGSTOP");
  try {
    await expect(page.locator(".line-bar").first()).toBeVisible({ timeout: 20_000 });
    // It is our own line that is lost: CUCM is not suspected.
    await expect(headline(page)).toHaveText("Unknown: this screen has lost the server");
  } finally {
    process.kill(server, "SIGCONT");
  }
  await expect(headline(page)).toHaveText("Normal calling");
  await expect(page.locator(".line-bar").first()).toBeHidden();
});

test("a line that the server ends and the browser opens again is not lost, one that cannot be opened is", async ({ page }) => {
  let opened = 0;
  let away = false;
  // As the server does after a while, only sooner.
  const line = { contentType: "text/event-stream", body: 'retry: 100\n\ndata: "beat"\n\n' };
  await page.route(/\/ui\/live/, (route) => {
    opened += 1;
    return route.fulfill(away ? { status: 503 } : line);
  });
  await signIn(page, "EOC 1");
  const lost = page.locator(".line-bar").first();
  await expect(lost).toBeHidden();
  await lost.evaluate((bar) => {
    window.shown = 0;
    new MutationObserver(() => (window.shown += bar.hidden ? 0 : 1)).observe(bar, { attributes: true });
  });
  const before = opened;
  await expect.poll(() => opened).toBeGreaterThan(before + 5);
  expect(await page.evaluate(() => window.shown), "never said to be lost").toBe(0);
  away = true;
  await expect(lost).toBeVisible();
});

test("somebody else's lock reaches a console whose bar has the focus", async ({ page, browser }) => {
  await signIn(page, "EOC 1");
  await bar(page).hover();
  await page.mouse.down();
  await page.mouse.up();
  await expect(bar(page)).toBeFocused();
  const other = await (await browser.newContext()).newPage();
  await signIn(other, "Senior 2");
  await lockInTwoSteps(other);
  await expect(headline(page)).toHaveText("PSTN LOCKED");
  await other.context().close();
});

test.describe("without scripts", () => {
  test.use({ javaScriptEnabled: false });

  test("the state shows and the switch works as a plain form", async ({ page }) => {
    await page.goto("/");
    await expect(page.getByText("Phones work normally")).toBeVisible();
    await expect(page.getByText("Emergency: dial 911")).toBeVisible();
    await signIn(page, "EOC 1");
    await expect(bar(page)).toBeHidden();
    await page.getByRole("button", { name: "Lock now" }).click();
    await expect(async () => {
      await page.reload();
      await expect(headline(page)).toHaveText("PSTN LOCKED", { timeout: 500 });
    }).toPass();
  });
});

test("with a dead live line an order shows at once, and so does an all-clear", async ({ page }) => {
  for (const news of ["**/ui/live*", "**/ui/status"]) await page.route(news, (route) => route.fulfill({ status: 503 }));
  await signIn(page, "Senior 1");
  await expect(headline(page)).toHaveText("Normal calling");
  await expect(page.locator(".lock-switch")).toHaveAttribute("data-awake", "true");
  await faults({ latency_ms: 300 });
  await lockInTwoSteps(page);
  await expect(bar(page)).toHaveCount(0);
  await expect(headline(page)).not.toHaveText("Normal calling");
  await page.getByLabel(/Type the site/).fill("Acme North");
  await page.getByRole("button", { name: "Give the all-clear" }).click();
  await expect(bar(page)).toBeVisible();
});
