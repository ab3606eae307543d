import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Where `npm run dev` finds the server, as the page asks its own origin for the API.
const server = process.env.CONVOSYNC_URL ?? "http://127.0.0.1:7800";

export default defineConfig({
  plugins: [react()],
  // The client is linked here and has development copies of its peers, of which the page must have one.
  resolve: { dedupe: ["dexie", "react"] },
  server: { proxy: { "/api": server } },
  preview: { proxy: { "/api": server } },
  test: {
    environment: "happy-dom",
    setupFiles: "test/setup.ts",
    include: ["test/**/*.test.{ts,tsx}"],
  },
});
