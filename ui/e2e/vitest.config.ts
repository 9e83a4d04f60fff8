// The whole UI in a browser against the real binary. Each file has servers and a browser of its own; two run side by side.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: import.meta.dirname,
  test: { include: ['*.test.ts'], environment: 'node', testTimeout: 45_000, hookTimeout: 90_000, maxWorkers: 2, reporters: ['verbose'] },
});
