// The same provider with the manners of Microsoft Entra External ID.
import { expect, test } from "../tests/world.mjs";
import { forgedIdTokens, refused, signIn, whole } from "./world.mjs";

test.afterAll(() => process.kill(whole.database.pid, "SIGKILL"));

test("External ID: people are known by their object id, and no forged token comes in", async ({ page, browser }) => {
  await signIn(page, "Admin 1");
  await page.goto("/admin/people");
  const admin = page.getByRole("main").getByRole("link", { name: /Admin 1/ });
  await expect(admin, "added by object id, not by the pairwise subject").toHaveCount(1);
  await expect(admin).toContainText("Administrator");
  await expect(admin).toContainText("last signed in");
  const rotated = await fetch(`${whole.provider}/sim/rotate?drop=yes`, { method: "POST" });
  expect(rotated.ok).toBe(true);
  await signIn(await (await browser.newContext()).newPage(), "EOC 1");
  refused("tokens forged in External ID's manner", await forgedIdTokens(browser));
});
