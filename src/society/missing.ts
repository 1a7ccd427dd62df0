/**
 * What was wanted of a run and is not there: agents that did not get to their end, files that the plan, a task or a checklist
 * names, and what the last check found in work that was accepted all the same. Pure: the paths that are there are given. What
 * it does not do: read files, or say it in sentences (`report.ts`, the command line).
 */
import type { RosterRow } from './roster-view.ts';

/** Of an agent, but for `missing-file` and `failed-check`, which are of a file. */
export const MISSING_KINDS = [
  'failed',
  'never-woken',
  'unfinished',
  'not-reviewed',
  'open-items',
  'dropped-items',
  'waits-for-person',
  'waits-for-budget',
  'missing-file',
  'failed-check',
] as const;

export type MissingKind = (typeof MISSING_KINDS)[number];

export interface Missing {
  /** Whose it is. */
  readonly agent: string;
  readonly what: MissingKind;
  /** The file. */
  readonly path?: string;
  /** Why the agent failed, who wanted the file, or what the check found in it. */
  readonly detail?: string;
}

/** How often a kind occurs, and the first few: paths of files, else names of agents. */
export interface MissingCount {
  readonly count: number;
  readonly first: readonly string[];
}

export type MissingCounts = Readonly<Partial<Record<MissingKind, MissingCount>>>;

const FIRST_MAX = 5;

const ofAgent = (row: RosterRow): readonly MissingKind[] => {
  // Whoever was let go is not missed.
  if (!row.woken && row.status !== 'retired') return ['never-woken'];
  if (row.status === 'failed') return ['failed'];
  if (row.asks > 0) return ['waits-for-person'];
  if (row.held !== null) return ['waits-for-budget'];
  if (row.status === 'working') return ['unfinished'];
  return [
    ...(row.status === 'review' ? (['not-reviewed'] as const) : []),
    ...(row.checklist.open > 0 ? (['open-items'] as const) : []),
    // What an agent had set itself, it may think better of.
    ...(row.dropped.some(({ planned }) => planned) ? (['dropped-items'] as const) : []),
  ];
};

/** The files of a run by path, folders included, as plans and checklists write them. */
class Paths {
  readonly #bases = new Map<string, string | undefined>();

  constructor(files: readonly { readonly path: string; readonly base?: string }[]) {
    for (const { path, base } of files) {
      this.#bases.set(path, base);
      for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
        this.#bases.set(path.slice(0, slash), undefined);
      }
    }
  }

  has(path: string): boolean {
    return this.#bases.has(path.replace(/^(?:\.\/)+/u, '').replace(/\/+$/u, ''));
  }

  base(path: string): string | undefined {
    return this.#bases.get(path);
  }
}

const ofFiles = (row: RosterRow, there: Paths): readonly Missing[] => {
  const { name: agent, wanted } = row;
  const gone = new Map<string, string>();
  const note = (path: string, detail: string): void => {
    if (!there.has(path) && !gone.has(path)) gone.set(path, detail);
  };
  for (const path of wanted.planned) note(path, 'the plan names it');
  for (const path of wanted.evidence) note(path, 'its checklist names it as evidence');
  const failed: Missing[] = [];
  const looked = new Map((row.looked ?? []).map(({ path, base }) => [path, base]));
  for (const { kind, path, what } of wanted.findings) {
    if (kind === 'missing-file') note(path, 'its task or its checklist names it');
    const base = looked.get(path);
    // What was not there then is there now, or is among those above.
    if (base === undefined || !there.has(path)) continue;
    const now = there.base(path);
    const since = now === undefined || now === base ? '' : ' (the file has changed since)';
    failed.push({ agent, what: 'failed-check', path, detail: `${what}${since}` });
  }
  const missing = [...gone].map(([path, detail]): Missing => ({ agent, what: 'missing-file', path, detail }));
  // Of others than these it is said that they did not get there.
  return row.status === 'finished' ? [...missing, ...failed] : missing;
};

/** Everything that is missing, agent by agent. */
export const everythingMissing = (
  rows: readonly RosterRow[],
  files: readonly { readonly path: string; readonly base?: string }[],
): readonly Missing[] => {
  const there = new Paths(files);
  return rows.flatMap((row) => [
    ...ofAgent(row).map((what): Missing => {
      const why = what === 'failed' ? row.failure : null;
      return { agent: row.name, what, ...(why === null ? {} : { detail: why }) };
    }),
    ...ofFiles(row, there),
  ]);
};

/** The same in numbers; a file that several agents were to see to is one. */
export const countMissing = (missing: readonly Missing[]): MissingCounts => {
  const counts: Partial<Record<MissingKind, MissingCount>> = {};
  for (const kind of MISSING_KINDS) {
    const all = new Set(missing.flatMap(({ what, agent, path }) => (what === kind ? [path ?? agent] : [])));
    if (all.size > 0) counts[kind] = { count: all.size, first: [...all].slice(0, FIRST_MAX) };
  }
  return counts;
};
