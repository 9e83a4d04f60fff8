// The real binary on ports of its own, with a shop's traces or with nothing.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

// Not TRACEWELL_..: the server takes every such variable for a setting.
const BINARY = process.env.UI_SERVER ?? join(import.meta.dirname, '../../target/debug/tracewell');
const OFF = ['otlp-grpc', 'jaeger-compact', 'jaeger-binary', 'zipkin-compact', 'jaeger-http', 'jaeger-grpc', 'zipkin', 'sampling-http', 'sampling-grpc', 'query-grpc', 'health', 'admin', 'metrics'];

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

export class Server {
  private constructor(
    readonly url: string,
    readonly otlp: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
    /** Where the other doors are that were asked for, by their flags' names. */
    readonly doors: Readonly<Record<string, string>>,
  ) {}

  static async start(on: readonly string[] = [], more: readonly string[] = []): Promise<Server> {
    const [query, otlp] = [await freePort(), await freePort()];
    const open: Record<string, string> = {};
    for (const name of on) open[name] = `127.0.0.1:${await freePort()}`;
    const folder = mkdtempSync(join(tmpdir(), 'tracewell-ui-'));
    const doors = OFF.flatMap((name) => [`--${name}`, open[name] ?? 'off']);
    const child = spawn(BINARY, ['serve', '--data-dir', folder, '--query', `127.0.0.1:${query}`, '--otlp-http', `127.0.0.1:${otlp}`, ...doors, ...more], { stdio: 'ignore' });
    const server = new Server(`http://127.0.0.1:${query}`, `http://127.0.0.1:${otlp}`, child, folder, open);
    for (let tries = 0; ; tries += 1) {
      const up = await fetch(`${server.url}/api/services`).then((reply) => reply.ok, () => false);
      if (up) return server;
      if (tries === 300) throw new Error(`${BINARY} did not start`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async generate(requests: number): Promise<void> {
    await promisify(execFile)(BINARY, ['generate', '--requests', String(requests), '--endpoint', this.otlp]);
  }

  async send(body: unknown): Promise<void> {
    const reply = await fetch(`${this.otlp}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    if (!reply.ok) throw new Error(`the spans were refused: ${reply.status} ${await reply.text()}`);
  }

  /** The id of the newest trace that a query finds. */
  async traceOf(q: string): Promise<string> {
    const text = await (await fetch(`${this.url}/api/tw/search?summary=false&limit=1&q=${encodeURIComponent(q)}`)).text();
    return (JSON.parse(text.split('\n')[0]) as { traceId: string }).traceId;
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
