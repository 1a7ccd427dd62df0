/** D3: every service of a run with effect ids, over every store. */
import type { JournalSubject } from '../../journal/conformance/subject.ts';
import { lmdbSubject, outboxSubject } from '../../journal/conformance/subject.ts';
import { serviceConformance, type StoreSubject } from '../../journal/service-conformance.ts';
import { memoryStore } from '../../society/memory-store.ts';
import { appendSubject, modelSubject, rosterSubject, writeSubject } from './subjects.ts';

const inMemory: StoreSubject = {
  name: 'memory',
  start: async () => {
    const store = memoryStore();
    return { store: () => store, restart: async () => {}, close: async () => {} };
  },
};

const over = (journal: JournalSubject): StoreSubject => ({
  name: journal.name,
  start: async () => {
    const running = await journal.start();
    return {
      store: () => running.client().store('service'),
      restart: () => running.restart(),
      close: () => running.close(),
    };
  },
});

for (const service of [writeSubject(), appendSubject(), rosterSubject, modelSubject]) {
  for (const store of [inMemory, over(lmdbSubject('flushed')), over(outboxSubject(1))]) {
    serviceConformance(service, store);
  }
}
