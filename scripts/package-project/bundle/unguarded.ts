/** The same mistake as many make: what holds an actor starts a system, on whichever thread it is loaded. */
import { ActorSystem } from 'megactor';
import { tally } from './parts.ts';

export { tally };

const system = await ActorSystem.start({ threads: 1, shards: 1 });
try {
  await system.spawn(tally, 1);
} finally {
  await system.stop();
}
