// The product as a site runs it: MongoDB, an independent identity provider, two sites.
import base from "./playwright.config.mjs";

export default { ...base, testDir: "whole", timeout: 150_000, use: { ...base.use, actionTimeout: 20_000, navigationTimeout: 20_000 } };
