/** What the main thread keeps of whom it watches. */
import { expect, test } from 'vitest';
import type { Envelope } from '../../src/runtime/envelope.ts';
import { MainWatches } from '../../src/runtime/main-watches.ts';

const ref = { shard: 1, id: 256, name: 'a' };

const make = (): { readonly watches: MainWatches; readonly sent: Envelope[] } => {
  const sent: Envelope[] = [];
  return { sent, watches: new MainWatches((envelope) => sent.push(envelope) > 0) };
};

test('E1 nothing is kept of a watch whose signal is aborted: a host that comes back is not asked about it', async () => {
  const { watches, sent } = make();
  const controller = new AbortController();
  const watched = watches.watch(ref, controller.signal);
  expect(sent).toMatchObject([{ kind: 'watch', to: ref.id }]);
  controller.abort();
  await expect(watched).rejects.toMatchObject({ code: 'ABORTED' });
  watches.renew(new Set([1]));
  expect(sent).toHaveLength(1);
  // Whoever watches again is told, by the answer to either.
  const again = watches.watch(ref);
  expect(sent).toHaveLength(2);
  watches.terminated(ref.id, 'gone');
  expect(await again).toEqual({ reason: 'gone' });
});

test('A6 others who wait, and a wish that it stops, are kept', async () => {
  const { watches, sent } = make();
  const controller = new AbortController();
  const both = [watches.watch(ref, controller.signal), watches.watch(ref)] as const;
  controller.abort();
  await expect(both[0]).rejects.toMatchObject({ code: 'ABORTED' });
  watches.renew(new Set([1]));
  expect(sent).toHaveLength(2);
  watches.terminated(ref.id, 'gone');
  expect(await both[1]).toEqual({ reason: 'gone' });

  const other = new AbortController();
  const stopping = watches.watch(ref, other.signal);
  watches.stop(ref);
  other.abort();
  await expect(stopping).rejects.toMatchObject({ code: 'ABORTED' });
  sent.length = 0;
  watches.renew(new Set([1]));
  expect(sent).toMatchObject([{ kind: 'watch' }, { kind: 'signal', signal: { kind: 'stop' } }]);
});
