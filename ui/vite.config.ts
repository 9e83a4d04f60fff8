// How the UI is built: stable file names (the server puts them under a folder named for their content),
// nothing inlined (the policy forbids data URIs), paths relative to the page's base.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  base: './',
  plugins: [svelte()],
  server: { proxy: { '/api': process.env.TRACEWELL ?? 'http://127.0.0.1:16686' } },
  preview: { proxy: { '/api': process.env.TRACEWELL ?? 'http://127.0.0.1:16686' } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        entryFileNames: 'assets/[name].js',
        chunkFileNames: 'assets/[name].js',
        assetFileNames: 'assets/[name][extname]',
      },
    },
  },
  worker: {
    format: 'es',
    rollupOptions: { output: { entryFileNames: 'assets/[name].js', chunkFileNames: 'assets/[name].js' } },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
