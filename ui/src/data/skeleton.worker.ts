// Reads a large skeleton and builds its trace away from the page's own thread, which goes on answering meanwhile.

import { columnsOf } from '../model/columns';
import { buffersOf, type Opened, openedOf } from '../model/opened';
import type { Skeleton } from './wire';

export interface Built {
  skeleton: Skeleton;
  opened: Opened;
}

self.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
  const skeleton = JSON.parse(new TextDecoder().decode(data)) as Skeleton;
  const opened = openedOf(columnsOf(skeleton));
  // The columns live on in the trace.
  const bare: Skeleton = { ...skeleton, columns: { parent: [], start: [], duration: [], operation: [], flags: [] } };
  self.postMessage({ skeleton: bare, opened } satisfies Built, { transfer: buffersOf(opened) });
};
