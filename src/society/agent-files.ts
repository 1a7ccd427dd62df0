/**
 * What files an agent has: those that it wrote, and those that its plan gives it and that nobody, or somebody else, wrote. Pure.
 * What it does not do: look whether they are there; that is given.
 *
 * Invariant X8: a file is said to be an agent's only when it wrote it or handed it in; one that is only planned is called so.
 */
import type { RosterAgent } from './roster-state.ts';

/** A shared file, and who wrote it last. */
export interface SharedFile {
  readonly path: string;
  readonly author: string;
}

/** The shared files, by path and by author. */
export interface SharedFiles {
  readonly authors: ReadonlyMap<string, string>;
  readonly byAuthor: ReadonlyMap<string, readonly string[]>;
  /** Directories with a file in them. */
  readonly folders: ReadonlySet<string>;
}

export interface AgentFiles {
  /** What it wrote or handed in, and is there as far as is known. */
  readonly own: readonly string[];
  /** Planned, and there, by others. */
  readonly byOthers: readonly SharedFile[];
  /** Planned or named as evidence, and not there. */
  readonly missing: readonly string[];
  /** Planned; nobody has looked. */
  readonly unknown: readonly string[];
}

/** Of one agent. */
const FILES_MAX = 200;

/** A path of a plan as the workspace has it: `./a.md` is `a.md`, and `docs/` the directory `docs`. */
export const barePath = (path: string): string => path.replace(/^(?:\.\/+)+/u, '').replace(/\/+$/u, '') || path;

/** Whether one of `paths` is below a directory. */
export const isAbove = (directory: string, paths: readonly string[]): boolean =>
  paths.some((path) => path.startsWith(`${directory}/`));

/** Null: nobody could tell. */
export const sharedFiles = (files: readonly SharedFile[] | null | undefined): SharedFiles | null => {
  if (files === null || files === undefined) return null;
  const byAuthor = new Map<string, string[]>();
  const folders = new Set<string>();
  for (const { path, author } of files) {
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      folders.add(path.slice(0, slash));
    }
    const own = byAuthor.get(author);
    if (own === undefined) byAuthor.set(author, [path]);
    else own.push(path);
  }
  return { authors: new Map(files.map(({ path, author }) => [path, author])), byAuthor, folders };
};

export const filesOf = (
  agent: Pick<RosterAgent, 'name' | 'files' | 'planned' | 'missing'>,
  shared: SharedFiles | null,
): AgentFiles => {
  const { name } = agent;
  const planned = [...new Set((agent.planned ?? []).map(barePath))];
  const missing = [...new Set((agent.missing ?? []).map(barePath))];
  if (shared === null) {
    const known = new Set([...agent.files, ...missing]);
    return {
      own: agent.files,
      byOthers: [],
      missing,
      unknown: planned.filter((path) => !known.has(path) && !isAbove(path, agent.files)),
    };
  }
  const { authors, byAuthor, folders } = shared;
  const handedIn = agent.files.filter((path) => authors.has(path));
  const own = [...new Set([...handedIn, ...(byAuthor.get(name) ?? [])])].slice(0, FILES_MAX);
  const others = planned
    .filter((path) => !own.includes(path))
    .flatMap((path) => {
      const author = authors.get(path);
      return author === undefined || author === name ? [] : [{ path, author }];
    });
  const gone = [...new Set([...planned, ...missing])].filter((path) => !authors.has(path) && !folders.has(path));
  return { own, byOthers: others, missing: gone, unknown: [] };
};

/** Those that are not its own, as lines; what is missing is left to who writes them. */
export const renderPlanned = ({ byOthers, unknown }: AgentFiles): readonly string[] => [
  ...(byOthers.length === 0
    ? []
    : [`planned, and written by others: ${byOthers.map(({ path, author }) => `${path} (${author})`).join(', ')}`]),
  ...(unknown.length === 0 ? [] : [`planned, not handed in: ${unknown.join(', ')}`]),
];
