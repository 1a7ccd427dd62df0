/** An actor that the bundle's entry does not export. */
import { isMainThread } from 'node:worker_threads';
import { ActorSystem } from 'megactor';
import { tally } from './parts.ts';

if (isMainThread) {
  const system = await ActorSystem.start({ threads: 1, shards: 1 });
  try {
    await system.spawn(tally, 1);
  } finally {
    await system.stop();
  }
}
