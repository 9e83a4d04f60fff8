// The whole UI in a browser against the real binary: one server, one file, in order.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: import.meta.dirname,
  test: { include: ['*.test.ts'], environment: 'node', testTimeout: 45_000, hookTimeout: 90_000, fileParallelism: false, reporters: ['verbose'] },
});
