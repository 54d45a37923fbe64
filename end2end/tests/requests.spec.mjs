// A resident on a phone asks for a call; the EOC works on it by keyboard; the wall shows it.
import { expect, faults, lockInTwoSteps, look, makeNormal, shots, signIn, test } from "./world.mjs";

/** Fills the form a resident sees. */
async function ask(page, who, reason) {
  await page.goto("/requests");
  await page.getByLabel("Who are you?").fill(who);
  await page.getByLabel("Number to call you back").fill("780-555-0199");
  await page.getByLabel("Whom do you need, and why?").fill(reason);
  await page.getByLabel(/Urgent/).check();
}

/** Is every word of it shown, at the width of a phone and of a desk? */
async function showsWhole(page, part) {
  for (const width of [320, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    const cut = await part.evaluate((node) => node.scrollWidth > node.clientWidth || node.scrollHeight > node.clientHeight + 2);
    expect(cut, `cut at ${width}`).toBe(false);
  }
}

/** `14:02:31 MST` in seconds of the day, and the zone. */
async function clockOf(wall) {
  const shown = wall.locator(".wall-head p");
  await expect(shown).toHaveText(/^\d\d:\d\d:\d\d \S+$/);
  const [hours, minutes, seconds, zone] = (await shown.textContent()).split(/[: ]/);
  return { at: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds), zone };
}

test.beforeEach(async ({ browser }) => {
  await faults({});
  await makeNormal(browser);
});

test("a resident on a phone asks, the EOC answers by keyboard, and both see every step live", async ({ page, browser }) => {
  await signIn(page, "EOC 1");
  await lockInTwoSteps(page);
  await expect(page.locator(".banner-headline")).toHaveText("PSTN LOCKED");

  const phone = await browser.newContext({ baseURL: process.env.LOCKDOWN_URL, viewport: { width: 320, height: 640 } });
  const resident = await phone.newPage();
  await resident.goto("/");
  await expect(resident.getByRole("link", { name: "Ask for a call" }).last()).toBeVisible();
  await look(resident, "public-how");
  await ask(resident, "Ann Resident", "My mother, in hospital");
  await look(resident, "ask");
  await resident.getByRole("button", { name: "Send" }).click();
  await resident.waitForURL("**/requests/t/*");
  const ticket = (await resident.locator("h1").textContent()).replace("Ticket ", "");
  await expect(resident.locator(".ticket-state")).toContainText("Nobody has picked it up yet");

  // It is on the console without a load; worked on with one key each.
  const line = page.locator("li.request", { hasText: ticket });
  await expect(line).toContainText("Ann Resident");
  await page.locator("#queue").focus();
  await page.keyboard.press("j");
  await expect(line.locator("details")).toHaveAttribute("open", "");
  await page.keyboard.press("t");
  await expect(line).toHaveAttribute("data-state", "claimed");
  await expect(page.locator(".counts")).toHaveText("0 new · 1 yours");
  await expect(resident.locator(".ticket-state")).toHaveText("Somebody at the EOC is working on it.");
  await look(page, "console-queue");
  await page.keyboard.press("w");
  await expect(line.locator("textarea")).toBeFocused();
  await page.keyboard.type("We call you in ten minutes");
  await line.getByRole("button", { name: /Write back/ }).click();
  await expect(resident.locator(".story")).toContainText("EOC: We call you in ten minutes");
  await look(resident, "ticket");
  await resident.getByLabel("Write to the EOC").fill("Thank you");
  await resident.getByRole("button", { name: "Send message" }).click();
  await expect(line.locator(".story")).toContainText("caller: Thank you");
  // A slip is taken back before the resident hears of it.
  await line.locator("summary").focus();
  const undo = page.locator(".undo-bar");
  await page.keyboard.press("a");
  await expect(undo).toContainText(`${ticket}: Approve`);
  await page.keyboard.press("u");
  await expect(undo).toBeHidden();
  await expect(line).toHaveAttribute("data-state", "claimed");
  await page.keyboard.press("a");
  await page.keyboard.press("c");
  // What was held before goes out with the next press.
  await expect(resident.locator(".ticket-state")).toHaveText("Approved. The EOC places your call.");
  await expect(resident.locator(".story .approved, .story li", { hasText: "Approved" })).toHaveCount(1);
  await expect(undo).toContainText(`${ticket}: Connected`);
  await page.keyboard.press("u");
  await expect(undo).toBeHidden();
  await page.keyboard.press("x");
  await expect(resident.locator(".ticket-state")).toHaveText("Nobody answered. The EOC will see what can be done.");
  await expect(resident.locator(".story"), "never told").not.toContainText("You were connected");
  await page.keyboard.press("z");
  await page.keyboard.type("talked to her mother");
  await line.getByRole("button", { name: /Close/ }).click();
  await expect(undo).toContainText(`${ticket}: Close`);
  await look(page, "console-undo");
  // Whoever leaves the page has not taken it back.
  await page.goto("/me");
  await expect(resident.locator(".ticket-state")).toHaveText("Closed: talked to her mother");
  await expect(resident.locator(".ticket")).not.toContainText("We will call");
  await phone.close();
});

test("a new request is taken down by keyboard alone, and what is wrong keeps every word", async ({ page }) => {
  await signIn(page, "EOC 1");
  await page.locator("#queue").focus();
  await page.keyboard.press("n");
  await expect(page.getByLabel("Who", { exact: true })).toBeFocused();
  const who = "Dr. Alexandra Featherstonehaugh-Wolfeschlegelstein, camp clinic";
  await page.keyboard.type(who);
  await page.keyboard.press("Tab");
  await page.keyboard.type("call me");
  await page.keyboard.press("Tab");
  await page.keyboard.type("Ambulance plane");
  await page.keyboard.press("Enter");
  await expect(page.locator("#queue .trouble")).toContainText("Write a number we can call back");
  await page.getByLabel("Call back at").fill("4711");
  await page.keyboard.press("Enter");
  const line = page.locator("li.request", { hasText: who });
  await expect(line).toBeVisible();
  await showsWhole(page, line.locator(".request-who"));
  await line.locator("summary").click();
  await showsWhole(page, line.locator(".request-name"));
  await expect(page.locator("#queue .trouble")).toBeHidden();
  await page.goto("/requests?find=ambulance");
  await expect(page.locator("li.request")).toHaveCount(1);
  await look(page, "requests-found");
  await page.locator("#queue").focus();
  await page.keyboard.press("j");
  await page.keyboard.press("z");
  await page.keyboard.type("done");
  await page.getByRole("button", { name: /Close/ }).click();
  await expect(page.locator("li.request")).toHaveCount(0);
});

test("a form that cannot be taken is kept in the browser and sent once, by itself", async ({ page }) => {
  await ask(page, "Ben Resident", "My brother");
  let refused = 0;
  await page.route("**/requests/file", async (route) => {
    refused += 1;
    if (refused === 1) await route.fulfill({ status: 503, body: "away" });
    else await route.continue();
  });
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByText("What you wrote is kept in this browser")).toBeVisible();
  await page.waitForURL("**/requests/t/*");
  expect(refused).toBe(2);
  await page.goto("/requests");
  await expect(page.getByLabel("Who are you?")).toHaveValue("");
});

test("the page speaks French without scripts, and the form works", async ({ browser }) => {
  const context = await browser.newContext({
    baseURL: process.env.LOCKDOWN_URL, javaScriptEnabled: false, locale: "fr-CA", viewport: { width: 320, height: 640 },
  });
  const page = await context.newPage();
  await page.goto("/requests");
  await expect(page.locator("html")).toHaveAttribute("lang", "fr");
  await page.getByLabel("Qui êtes-vous ?").fill("Zoé");
  await page.getByLabel("Numéro pour vous rappeler").fill("4711");
  await page.getByLabel("De qui avez-vous besoin, et pourquoi ?").fill("Ma sœur");
  await page.getByRole("button", { name: "Envoyer" }).click();
  await expect(page.locator(".ticket-state")).toContainText("Personne ne l’a encore prise");
  await page.screenshot({ path: `${shots}/ticket-fr-320.png`, fullPage: true });
  await context.close();
});

test("the incident has a file, a report and forms to print; the wall shows it and says when it is not live", async ({ page, context, browser }) => {
  await signIn(page, "Senior 1");
  await lockInTwoSteps(page);
  await expect(page.locator(".banner-headline")).toHaveText("PSTN LOCKED");
  const card = page.getByRole("region", { name: "Incident" });
  await card.getByLabel("Note or decision").fill("Smoke over the mill");
  await card.getByRole("button", { name: "Note" }).click();
  await expect(page.locator(".events")).toContainText("Note: Smoke over the mill");
  await card.getByRole("button", { name: "Take command" }).click();
  await expect(card).toContainText("In command: Senior 1");
  await look(page, "console-incident");
  const wall = await context.newPage();
  await wall.goto("/wall");
  await expect(wall.locator(".banner-headline")).toHaveText("PSTN LOCKED");
  for (const width of [768, 1920]) {
    await wall.setViewportSize({ width, height: 1080 });
    await wall.screenshot({ path: `${shots}/wall-${width}.png` });
  }
  await expect(wall.locator(".wall-lost")).toBeHidden();
  // A board that was set up for another country shows the site's clock all the same.
  const afar = await browser.newContext({ baseURL: process.env.LOCKDOWN_URL, timezoneId: "Asia/Tokyo" });
  const foreign = await afar.newPage();
  await signIn(foreign, "EOC 1");
  await foreign.goto("/wall");
  const [here, there] = [await clockOf(wall), await clockOf(foreign)];
  expect(there.zone).toBe(here.zone);
  const apart = Math.abs(there.at - here.at);
  expect(Math.min(apart, 86_400 - apart), "seconds apart").toBeLessThan(60);
  await afar.close();
  await context.setOffline(true);
  await expect(wall.locator(".wall-lost")).toContainText("THIS BOARD IS NOT LIVE", { timeout: 20_000 });
  await context.setOffline(false);
  await wall.close();

  // By mistake: the all-clear lies ready.
  await card.getByRole("button", { name: /I locked by mistake/ }).click();
  await expect(card).toContainText("Senior 1 says that the lock was a mistake");
  await look(page, "console-mistake");
  await card.getByRole("button", { name: "Give the all-clear" }).click();
  await expect(page.locator(".banner-headline")).toHaveText("Normal calling");
  await page.goto("/incidents");
  await look(page, "incidents");
  await page.locator(".tickets a").first().click();
  await expect(page.getByRole("heading", { name: "Draft report" })).toBeVisible();
  await look(page, "incident");
  await page.getByRole("link", { name: "ICS-214 to print" }).click();
  await expect(page.getByRole("heading", { name: /ICS 214/ })).toBeVisible();
  await page.screenshot({ path: `${shots}/ics-214.png`, fullPage: true });
});
