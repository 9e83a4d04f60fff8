// A stored trace, read and built: here while it is small, in a Worker where the page would stand still.

import { columnsOf } from '../model/columns';
import { openedOf } from '../model/opened';
import { AskError, askBytes, type Value } from './client';
import type { Built } from './skeleton.worker';
import type { Skeleton } from './wire';

/** About 50,000 spans: the first length at which a build is felt. */
const HERE_BYTES_MAX = 1_150_000;

/** Returns the trace; `null` where it is still as `watermark` says. */
export async function readTrace(id: string, params: Record<string, Value>, watermark?: string, signal?: AbortSignal): Promise<Built | null> {
  const bytes = await askBytes(`api/tw/traces/${encodeURIComponent(id)}`, params, watermark, signal);
  if (!bytes) return null;
  if (HERE_BYTES_MAX < bytes.byteLength) return inWorker(bytes, signal);
  const skeleton = JSON.parse(new TextDecoder().decode(bytes)) as Skeleton;
  return { skeleton, opened: openedOf(columnsOf(skeleton)) };
}

function inWorker(bytes: ArrayBuffer, signal?: AbortSignal): Promise<Built> {
  const worker = new Worker(new URL('./skeleton.worker.ts', import.meta.url), { type: 'module' });
  const built = new Promise<Built>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<Built>) => resolve(data);
    worker.onerror = ({ message }) => reject(new AskError(0, `the trace could not be read: ${message}`, 'It may be too large for this browser.'));
    signal?.addEventListener('abort', () => reject(signal.reason as Error));
  });
  worker.postMessage(bytes, { transfer: [bytes] });
  return built.finally(() => worker.terminate());
}
