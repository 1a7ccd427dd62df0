/** The journal of a host that runs one turn at a time: whatever is asked of it counts as under way until it is answered. */
import type { JournalClient, ShardLog } from '../journal/shard-log.ts';
import type { SerialOrder } from './serial-order.ts';

const trackedLog = (log: ShardLog, serial: SerialOrder): ShardLog => ({
  shard: log.shard,
  get position() {
    return log.position;
  },
  open: (onDelivery) => serial.track(log.open(onDelivery)),
  append: (group, level) => serial.track(log.append(group, level)),
  snapshot: (actors, mark) => serial.track(log.snapshot(actors, mark)),
  load: (ids) => serial.track(log.load(ids)),
  find: (name) => serial.track(log.find(name)),
  read: (seqs) => serial.track(log.read(seqs)),
  close: () => serial.track(log.close()),
});

export const trackedJournal = (journal: JournalClient, serial: SerialOrder): JournalClient => ({
  shard: (shard) => trackedLog(journal.shard(shard), serial),
  store: (name) => journal.store(name),
  deliver: (outgoing, level) => serial.track(journal.deliver(outgoing, level)),
  onQuiet: (listener) => journal.onQuiet(listener),
  pending: () => journal.pending(),
  close: () => journal.close(),
});
