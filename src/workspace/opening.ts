/**
 * Opening the directory of a workspace: is it fresh, an existing repository, or a run's own from before; on which
 * branch does the run write. It never moves a branch that is there, and changes nothing before it has decided.
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { makeDirectory, type Clock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { nameSome } from '../protocol/name-some.ts';
import { broughtEarlier } from './ahead.ts';
import { errorCode } from './durable-files.ts';
import { Repository } from './repository.ts';
import type { OriginRecord } from './store-layout.ts';
import type { IsOwn } from './work-tree.ts';

export interface OpeningOptions {
  readonly directory: string;
  readonly runId: string;
  readonly branch: string | undefined;
  /** Files and directories whose changes do not make the work tree dirty; the run directory, for one. */
  readonly ignore: readonly string[];
  /** What the store knows from an earlier session of this run. */
  readonly origin: OriginRecord | undefined;
  readonly clock: Clock;
  readonly sync: boolean;
}

/** A decision. `prepare` carries it out, once the store knows `origin`; it may be repeated. */
export interface Opening {
  readonly repository: Repository;
  readonly origin: OriginRecord;
  /** The commit that was checked out. */
  readonly found: string | null;
  readonly prepare: () => Promise<void>;
}

const BRANCH_PATTERN = /^(?!.*(?:\.\.|\/\.|\.lock(?:\/|$)|\.$|\/\/))[A-Za-z0-9][A-Za-z0-9._/-]{0,120}(?<!\/)$/u;
/** What git leaves while something is half done; switching branches then would lose it. */
const UNFINISHED = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'BISECT_LOG', 'rebase-merge', 'rebase-apply'];

const foreign = (message: string, hint?: string): MegactorError =>
  new MegactorError('WORKSPACE_FOREIGN', message, { hint });

/** For a run that goes on: a commit, or a stash, of all that git's index knows takes back what it does not know. */
const BY_NAME =
  'Commit these paths by name (`git commit -m TEXT -- PATH…`), or move the files elsewhere, then resume the run. Not with `commit -a` or `stash`: until a run ends, git’s index does not know all that it wrote, and they would take it back.';

const dirty = (directory: string, paths: readonly string[], hint?: string): MegactorError =>
  new MegactorError('WORKSPACE_DIRTY', `${directory} has uncommitted changes: ${nameSome(paths)}`, {
    hint,
    details: { paths: paths.slice(0, 100) },
  });

const refuseDirty = (directory: string, paths: readonly string[]): void => {
  if (paths.length > 0) throw dirty(directory, paths);
};

/** Refuses what changed in the work tree since the run last wrote it. */
export const refuseChanged = (directory: string, paths: readonly string[]): void => {
  if (paths.length > 0) throw dirty(directory, paths, BY_NAME);
};

const entriesOf = async (directory: string): Promise<string[] | undefined> => {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    if (errorCode(error) === 'ENOTDIR') throw foreign(`${directory} is not a directory`);
    throw error;
  }
};

/** Where the repository of a work tree lies: `.git` is a directory, or a file that names one. */
export const findGitDirectory = async (directory: string): Promise<string> => {
  const dotGit = join(directory, '.git');
  if ((await stat(dotGit)).isDirectory()) return dotGit;
  const target = /^gitdir: (.+)$/mu.exec(await readFile(dotGit, 'utf8'))?.[1];
  if (target === undefined) throw foreign(`${dotGit} is not a repository`);
  return resolve(directory, target.trim());
};

/** Refuses repositories of a kind that this room cannot write. */
const checkKind = async (gitDirectory: string): Promise<void> => {
  const names = await readdir(gitDirectory);
  if (names.includes('commondir')) {
    throw foreign(`${gitDirectory} belongs to a linked work tree`, 'Choose a clone of the repository as --workspace.');
  }
  const config = names.includes('config') ? await readFile(join(gitDirectory, 'config'), 'utf8') : '';
  const extension = /^\s*(objectformat\s*=\s*sha256|refstorage\s*=\s*reftable|bare\s*=\s*true)\s*$/imu.exec(
    config,
  )?.[1];
  if (extension !== undefined) {
    throw foreign(`${gitDirectory} has ${extension}`, 'Choose a repository in git’s usual format as --workspace.');
  }
};

const checkClean = async (repository: Repository, ignore: readonly string[], isOwn: IsOwn): Promise<void> => {
  const names = await readdir(repository.gitDirectory);
  refuseDirty(
    repository.directory,
    UNFINISHED.filter((name) => names.includes(name)).map((name) => `.git/${name}`),
  );
  const skip = ignore.map((path) => relative(repository.directory, resolve(path)).replaceAll('\\', '/'));
  refuseDirty(repository.directory, await repository.dirtyPaths(skip, isOwn));
};

const prepareFresh = (repository: Repository, origin: OriginRecord): Opening => ({
  repository,
  origin,
  found: null,
  prepare: async () => {
    try {
      makeDirectory(repository.directory);
    } catch (error) {
      throw new MegactorError('DISK', `cannot make ${repository.directory}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    await repository.initialise(origin.branch);
    await repository.unlockBranch(origin.branch);
  },
});

const prepareExisting = async (repository: Repository, origin: OriginRecord): Promise<Opening> => ({
  repository,
  origin,
  found: await repository.headCommit(),
  prepare: async () => {
    await repository.unlockBranch(origin.branch);
    if ((await repository.branchCommit(origin.branch)) === null && origin.commit !== null) {
      await repository.moveBranch(origin.branch, null, origin.commit);
    }
    if ((await repository.headBranch()) !== origin.branch) await repository.pointHead(origin.branch);
  },
});

/** Decides on the branch of a run that opens somebody's repository for the first time. */
const chooseBranch = async (repository: Repository, options: OpeningOptions): Promise<OriginRecord> => {
  const branch = options.branch ?? `megactor/${options.runId}`;
  const head = await repository.headCommit();
  const found = await repository.branchCommit(branch);
  if ((await repository.headBranch()) !== branch) {
    if (found !== null && found !== head) {
      throw foreign(
        `${repository.directory} already has a branch ${branch}`,
        'Delete that branch, or start another run.',
      );
    }
    if (branch.includes('/') && (await repository.branchCommit(branch.split('/')[0] ?? '')) !== null) {
      throw foreign(
        `${repository.directory} has a branch ${branch.split('/')[0]}, which leaves no place for ${branch}`,
      );
    }
  }
  return { kind: 'existing', branch, commit: head };
};

/** @throws WORKSPACE_DIRTY, WORKSPACE_FOREIGN, USAGE */
export const decideOpening = async (options: OpeningOptions): Promise<Opening> => {
  const { runId, ignore, origin, clock, sync } = options;
  if (!BRANCH_PATTERN.test(options.branch ?? `megactor/${runId}`)) {
    throw new MegactorError('USAGE', `${options.branch ?? runId} cannot be part of a branch name`);
  }
  const given = resolve(options.directory);
  const names = await entriesOf(given);
  const directory = names === undefined ? given : await realpath(given);
  if (names?.includes('.git') !== true) {
    if (origin?.kind === 'existing') throw foreign(`${given} is no git repository any more`);
    if (names !== undefined && names.length > 0 && origin === undefined) {
      throw foreign(`${given} is not empty and not a git repository`);
    }
    const repository = new Repository(directory, join(directory, '.git'), { clock, sync });
    return prepareFresh(repository, origin ?? { kind: 'fresh', branch: options.branch ?? 'main', commit: null });
  }
  const gitDirectory = await findGitDirectory(directory);
  await checkKind(gitDirectory);
  const repository = new Repository(directory, gitDirectory, { clock, sync });
  if (origin === undefined) {
    await checkClean(repository, ignore, () => Promise.resolve(false));
    return await prepareExisting(repository, await chooseBranch(repository, options));
  }
  // A run killed while it made the repository finds a part of it.
  if (origin.kind === 'fresh' && !(await readdir(gitDirectory)).includes('HEAD'))
    return prepareFresh(repository, origin);
  // Somebody may have looked at another branch meanwhile; going back must not lose what they changed there.
  if ((await repository.headBranch()) !== origin.branch) {
    await checkClean(repository, ignore, broughtEarlier(repository));
  }
  return await prepareExisting(repository, origin);
};
