import { defineConfig } from 'vitest/config';

/**
 * Rooms whose tests leave nothing behind in their process, so that one process can run many files: starting a process for
 * each costs more than most of these tests do.
 */
const SHARED = ['actor', 'actors', 'model', 'society', 'style', 'telemetry'].map((room) => `test/${room}/**/*.test.ts`);

/** Short forms of the fault suites, and every program of the documentation: `npm run test:faults` and `test:docs`. */
const FAULTS = ['adversarial', 'chaos', 'kill', 'sim', 'soak'].map((room) => `test/${room}/**/*.test.ts`);
/** What takes longest, whole runs told twice and benchmarks in small: `npm run test:long`. */
const LONG = [
  'test/bench/**/*.test.ts',
  'test/cli/real-goal.test.ts',
  'test/run/{approvals,bootstrap,compact,compaction,deterministic,playbooks,policy,questions,repair,unreachable}.test.ts',
  'test/actors/playbooks/**/!(content).test.ts',
];
/** Of these only the tests with the tag `long`; the others are quick. */
const TAGGED = [
  'test/run/{bad-models,crashing-agent,files,forecast,inspect-agent,memory,programs,replay,society}.test.ts',
  'test/run/{live-steering,start,steering,stream,services/killed}.test.ts',
  'test/runtime/at-most-once.test.ts',
];
const DOCUMENTS = ['test/docs/snippets.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // For what hangs: a machine that has much else to do may need a minute for what takes a few seconds elsewhere.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // The default, one second, is less than a busy machine may need for one commit.
    expect: { poll: { timeout: 60_000 } },
    tags: [
      { name: 'long', description: 'Takes over about three seconds, and a quick test of the same promise remains.' },
    ],
    projects: [
      { extends: true, test: { name: 'shared', include: SHARED, exclude: LONG, isolate: false } },
      {
        extends: true,
        test: { name: 'alone', include: ['test/**/*.test.ts'], exclude: [...SHARED, ...FAULTS, ...LONG, ...DOCUMENTS] },
      },
      { extends: true, test: { name: 'long', include: LONG } },
      { extends: true, test: { name: 'tagged', include: TAGGED } },
      { extends: true, test: { name: 'faults', include: FAULTS } },
      { extends: true, test: { name: 'documents', include: DOCUMENTS } },
    ],
  },
});
