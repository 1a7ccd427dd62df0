/** Every journal against the same suites. */
import { logSuite } from './conformance/log-suite.ts';
import { snapshotSuite } from './conformance/snapshot-suite.ts';
import { lmdbSubject, outboxSubject } from './conformance/subject.ts';
import { storeSuite } from './conformance/store-suite.ts';

const subjects = [
  lmdbSubject('none'),
  lmdbSubject('committed'),
  lmdbSubject('flushed'),
  outboxSubject(null),
  ...[1, 2, 3].map((seed) => outboxSubject(seed)),
];

for (const subject of subjects) {
  logSuite(subject);
  snapshotSuite(subject);
  storeSuite(subject);
}
