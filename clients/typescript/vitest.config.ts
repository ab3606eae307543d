import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    setupFiles: ["fake-indexeddb/auto"],
    testTimeout: 15_000,
    maxWorkers: 1,
  },
});
