import { defineConfig } from "@playwright/test";

// One server and one cluster: the tests follow each other.
export default defineConfig({
  testDir: "tests",
  workers: 1,
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 45_000 },
  outputDir: "../target/playwright",
  reporter: "list",
  use: {
    navigationTimeout: 30_000,
    baseURL: process.env.LOCKDOWN_URL,
    launchOptions: {
      executablePath: process.env.CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    },
  },
});
