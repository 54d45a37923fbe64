import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { EOC, OTHER, agentsBrowser, call, desktop, gadgetOf, hangUp, nodes, press, signInHere, told } from "./finesse.mjs";
import { countGestures, dial, makeNormal, shots, signIn } from "./world.mjs";

let browser;

test.beforeEach(async ({ browser: plain }) => {
  await makeNormal(plain);
  browser = await agentsBrowser();
});

test.afterEach(async ({}, testInfo) => {
  if (testInfo.status !== testInfo.expectedStatus) console.log((await told(browser.context)).join("\n\n"));
  await browser.away();
  expect(browser.complaints.filter((text) => !/status of (401|409|410)/.test(text))).toEqual([]);
});

/** Holds the switch as long as it takes: one gesture, in a try that the switch took. */
async function hold(page, gadget) {
  const bar = gadget.locator(".hold-bar");
  await expect(bar).toBeVisible();
  let gestures;
  await expect(async () => {
    await page.mouse.up();
    gestures = await countGestures(gadget);
    await bar.hover();
    await page.mouse.down();
    await expect(bar).toContainText("Keep holding", { timeout: 2000 });
  }).toPass();
  await expect(gadget.locator(".banner-headline")).toHaveText(/PSTN LOCKED|Locking|accepted/);
  expect(await gestures(), "from intention to order").toBe(1);
  await page.mouse.up();
}

async function picture(page, name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path: `${shots}/${name}-${scheme}.png`, fullPage: true });
  }
}

test("an agent sees the state, signs in, logs a call and locks, with third-party cookies blocked", async () => {
  const { page, gadget } = await desktop(browser.context, EOC);
  await expect(gadget.locator(".banner-headline")).toHaveText("Phones work normally");
  await expect(gadget.locator(".banner-facts")).toContainText(/\d+ s ago|now/);
  await picture(page, "gadget-nobody");
  await signInHere(page, gadget, "EOC 1");
  await expect(gadget.locator(".banner-headline")).toHaveText("Normal calling");

  const id = await call(EOC, { from: "4711", to: "5911", dialed: "97805550123", call_type: "ACD_IN" });
  await expect(gadget.locator(".gadget-calls")).toContainText("4711, from inside");
  await press(gadget.getByRole("button", { name: "Log this call" }));
  await expect(gadget.getByLabel("Call back at")).toHaveValue("4711");
  await expect(gadget.getByLabel("Wants to call out")).toBeChecked();
  await gadget.getByLabel("Who", { exact: true }).fill("Ann Miller");
  await picture(page, "gadget-form");
  const second = await call(EOC, { from: "+17805550199", to: "5911" });
  await expect(gadget.locator(".gadget-calls li")).toHaveCount(2);
  await expect(gadget.getByLabel("Call back at"), "what somebody has begun to write stays").toHaveValue("4711");
  await gadget.getByLabel("For whom, and why").fill("Her mother, in hospital");
  await press(gadget.getByRole("button", { name: "File the request" }));
  const filed = gadget.locator("li.request", { hasText: "Ann Miller" });
  await press(filed.locator("summary"));
  await press(filed.getByRole("button", { name: /^Take/ }));
  await expect(filed.locator(".story li"), "one press is one deed").toHaveCount(1);
  await expect(filed).toContainText("97805550123");
  await expect(filed, "the call it is about can be found again").toContainText(id);
  await hangUp(id);
  await hangUp(second);
  await expect(gadget.locator(".gadget-calls li")).toHaveCount(0);

  await hold(page, gadget);
  await expect(gadget.locator(".banner-headline")).toHaveText("PSTN LOCKED");
  await expect(gadget.locator(".banner-second")).toContainText("by EOC 1 (gadget)");
  await expect(page.locator(".messages"), "every agent is told by Finesse itself").toContainText("PSTN LOCKED: Acme North");
  // Cisco's 10.6(1) has no toaster: the file goes on without.
  if (!process.env.FINESSE_JS) await expect(page.locator(".toast")).toContainText("Acme North");
  expect(await dial("CSS-PHONE-LD", "914165551234")).toEqual({ went: "rings", number: "5911" });
  await picture(page, "gadget-locked");
  // Nothing is left for the tests that come after.
  await filed.locator("textarea").fill("talked to her mother");
  await press(filed.getByRole("button", { name: /^Close/ }));
  await expect(gadget.locator(".undo-bar")).toContainText("Close");
  await expect(filed).toHaveCount(0);
  expect(await page.evaluate(() => window.touched), "the shell reads no credential").toEqual([]);
  const found = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
  const ours = found.violations.flatMap((v) => v.nodes.filter((n) => n.target.length > 2).map((n) => `${v.id}: ${n.html}`));
  expect(ours, "axe finds nothing in the frame").toEqual([]);
});

test("a senior is led to the console, and no gadget gives the all-clear", async () => {
  const { page, gadget } = await desktop(browser.context, EOC);
  await signInHere(page, gadget, "Senior 1");
  await hold(page, gadget);
  await expect(gadget.locator(".banner-headline")).toHaveText("PSTN LOCKED");
  await expect(gadget.getByRole("button", { name: "Give the all-clear" })).toHaveCount(0);
  const opened = page.waitForEvent("popup");
  await press(gadget.getByRole("link", { name: "All-clear: on the console" }));
  const console = await opened;
  await console.getByLabel(/Type the site/).fill("Acme North");
  await console.getByRole("button", { name: "Give the all-clear" }).click();
  await expect(console.locator(".banner-headline")).toHaveText("Normal calling");
  await expect(gadget.locator(".banner-headline")).toHaveText("Normal calling");
  await expect(page.locator(".messages p")).toHaveCount(0);
});

test("a strip of 96 pixels shows the state to an agent of another team, on either node", async () => {
  for (const node of [0, 1]) {
    const { page, gadget } = await desktop(browser.context, OTHER, node);
    await expect(gadget.locator(".banner-headline")).toHaveText("Phones work normally");
    const frame = page.frameLocator("iframe[id^=gadget-]").locator("#lockdown-frame");
    await expect(frame).toHaveCSS("height", "96px");
    await picture(page, `gadget-strip-${node}`);
    await page.setViewportSize({ width: 360, height: 700 });
    await picture(page, `gadget-strip-phone-${node}`);
    const wide = await gadget.locator("main").evaluate((main) => main.scrollWidth > innerWidth);
    expect(wide, "nothing sticks out").toBe(false);
    await page.close();
  }
});

test("the frame is small: what an agent's first load of it brings over the network", async () => {
  const page = await browser.context.newPage();
  const ours = [];
  page.on("response", (response) => response.url().startsWith(process.env.LOCKDOWN_URL) && ours.push(response));
  await page.goto(`${nodes[0]}/desktop?agent=${OTHER}`);
  await expect(gadgetOf(page).locator(".banner-headline")).toHaveText("Phones work normally");
  await expect.poll(() => ours.some((response) => response.url().includes("/ui/live"))).toBe(true);
  // An open line has no size yet.
  const closed = ours.filter((response) => !response.url().includes("/ui/live"));
  const sizes = await Promise.all(closed.map((response) => response.request().sizes()));
  const bytes = sizes.reduce((sum, size) => sum + size.responseBodySize, 0);
  expect(closed.length).toBeGreaterThan(3);
  expect(bytes, "the frame's own budget, with its page").toBeLessThan(275_000);
  expect(bytes, "measured at all").toBeGreaterThan(50_000);
});

test("a page that is no Finesse server cannot frame the gadget, and forged messages do nothing", async () => {
  const { page, gadget } = await desktop(browser.context, EOC);
  await signInHere(page, gadget, "EOC 1");
  await expect(gadget.locator(".hold-bar")).toBeVisible();
  await gadget.locator(".gadget-calls").evaluate((list) => {
    window.seen = [];
    new MutationObserver(() => window.seen.push(list.textContent)).observe(list, { childList: true });
  });
  const src = await page.frameLocator("iframe[id^=gadget-]").locator("#lockdown-frame").getAttribute("src");
  // The desktop itself is of a good origin, but it is not the page around the frame.
  await page.evaluate((address) => {
    const shell = document.querySelector("iframe[id^=gadget-]").contentWindow;
    const app = shell.document.getElementById("lockdown-frame").contentWindow;
    const dialogs = [{ id: "1", from: "4711", to: "5911", call_type: "ACD_IN" }];
    app.postMessage(JSON.stringify({ v: 1, type: "dialogs", dialogs }), new URL(address).origin);
    for (const odd of ["", "{", "null", "[]", '{"v":1}', '{"v":2,"type":"dialogs","dialogs":[]}', '{"v":1,"type":"eval"}', "x".repeat(9000)]) {
      shell.eval("document.getElementById('lockdown-frame').contentWindow").postMessage(odd, new URL(address).origin);
    }
    // And the other way: nobody but the frame moves the shell.
    shell.postMessage(JSON.stringify({ v: 1, type: "height", px: 1500 }), "*");
  }, src);
  const id = await call(EOC, { from: "+17805550177", to: "5911" });
  await expect(gadget.locator(".gadget-calls li")).toHaveText(/\+17805550177/);
  const seen = await gadget.locator(".gadget-calls").evaluate(() => window.seen);
  expect(seen.filter((text) => text.includes("4711")), "only the true one, ever").toEqual([]);
  const shell = page.locator("iframe[id^=gadget-]");
  expect((await shell.boundingBox()).height, "a forged height moves nothing").toBeLessThan(1000);
  await hangUp(id);
  const elsewhere = await browser.context.newPage();
  await elsewhere.goto(`${process.env.LOCKDOWN_CONTROL}/sim/dial?css=CSS-PHONE-LD&digits=911`);
  await elsewhere.evaluate((address) => {
    const frame = document.createElement("iframe");
    frame.src = address;
    document.body.append(frame);
    return new Promise((done) => frame.addEventListener("load", done));
  }, src);
  await expect.poll(() => elsewhere.frames().at(-1).url(), "the browser refuses to show it").toContain("chrome-error");
  // A sibling gadget, on the desktop's own origin, reads nothing of ours.
  const read = await page.evaluate(() => {
    try {
      const shell = document.querySelector("iframe[id^=gadget-]").contentWindow;
      return shell.document.getElementById("lockdown-frame").contentWindow.document.title;
    } catch (error) {
      return error.name;
    }
  });
  expect(read).toBe("SecurityError");
});

test("a sign-in link that comes from elsewhere connects nothing, and a gadget that lies under something does not lock", async () => {
  const { page, gadget } = await desktop(browser.context, EOC);
  const href = await gadget.getByRole("link", { name: "Sign in" }).getAttribute("href");
  const mailed = await browser.context.newPage();
  await mailed.goto(`${process.env.LOCKDOWN_URL}${href}`);
  await expect(mailed.getByRole("alert")).toContainText("a link from elsewhere is not taken");
  await mailed.close();
  await signInHere(page, gadget, "EOC 1");
  await expect(gadget.locator(".hold-bar")).toBeVisible();
  await page.evaluate(() => {
    const cover = document.createElement("div");
    cover.id = "cover";
    cover.style = "position:fixed;inset:0;background:#fff;opacity:0.5;pointer-events:none";
    document.body.append(cover);
  });
  await expect(gadget.locator("[data-say=covered]")).toBeVisible();
  await gadget.locator(".hold-bar").hover();
  await page.mouse.down();
  await expect(gadget.getByText("Nothing was ordered").first()).toBeVisible();
  await page.mouse.up();
  expect((await dial("CSS-PHONE-LD", "914165551234")).went, "nothing is locked").toBe("pstn");
  await page.evaluate(() => document.getElementById("cover").remove());
  await expect(gadget.locator("[data-say=covered]")).toBeHidden();
  await hold(page, gadget);
  await expect(gadget.locator(".banner-headline")).toHaveText("PSTN LOCKED");
});

test("without our server the shell says so in five sentences, and comes back by itself", async () => {
  const page = await browser.context.newPage();
  await page.clock.install();
  await page.route(/\/embed\/finesse/, (route) => route.abort());
  await page.goto(`${nodes[0]}/desktop?agent=${EOC}`);
  const shell = page.frameLocator("iframe[id^=gadget-]");
  await shell.locator("#lockdown-frame").waitFor({ state: "attached" });
  await page.clock.runFor(16_000);
  await expect(shell.locator("#lockdown-trouble")).toContainText("The lock in the telephone system does not depend on this gadget.");
  expect((await shell.locator("#lockdown-trouble").textContent()).match(/\. |\.$/g)).toHaveLength(5);
  await page.unroute(/\/embed\/finesse/);
  await page.clock.runFor(31_000);
  await expect(gadgetOf(page).locator(".banner-headline")).toHaveText("Phones work normally");
  await expect(shell.locator("#lockdown-trouble")).toBeHidden();
});

test("a desk phone of the EOC shows the lock, and locks by PIN after the all-clear", async ({ browser: plain }) => {
  const context = await plain.newContext({ baseURL: process.env.LOCKDOWN_URL });
  const eoc = await context.newPage();
  await signIn(eoc, "EOC 1");
  await eoc.goto("/me");
  await eoc.getByLabel("New PIN").fill("428913");
  await eoc.getByRole("button", { name: "Set the PIN" }).click();
  await expect(eoc.getByText(/Set \d\d:/)).toBeVisible();
  const phone = await context.newPage();
  const key = (name) => phone.getByRole("button", { name, exact: true }).click();
  // The page loads itself again, as the phone does.
  const shot = (name) => expect(() => phone.screenshot({ path: `${shots}/${name}.png` })).toPass();
  await phone.goto(process.env.LOCKDOWN_PHONES);
  await key("Services");
  await expect(phone.locator("svg")).toContainText("LOCK the PSTN: Acme North");
  await shot("phone-menu");
  await key("2");
  for (const digit of "428913") await key(digit);
  await expect(phone.locator("svg"), "nobody reads along").toContainText("PIN: ******");
  await shot("phone-pin");
  await key("Submit");
  await expect(phone.locator("svg")).toContainText("verified at");
  await expect(phone.locator("svg"), "the banner is pushed").toContainText("PSTN LOCKED Acme North");
  await shot("phone-locked");
  expect(await dial("CSS-PHONE-LD", "914165551234")).toEqual({ went: "rings", number: "5911" });
  await makeNormal(plain);
  await key("Services");
  await expect(phone.locator("svg")).toContainText("Normal calling");
  await context.close();
});
