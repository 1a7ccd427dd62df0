/**
 * The git repository under a workspace: what is there, its refs, and reading its objects. Objects are read through
 * isomorphic-git, which is loaded when the first one is read, because a fresh workspace needs none; they are written by
 * `PackStore`. This file decides nothing about branches (`opening.ts` does).
 *
 * Invariants: R1 a branch moves only from the commit that the caller expects, under git's own lock file. R2 a ref holds
 * its old or its new value, never half of one.
 */
import { access, mkdir, open, readFile, rename } from 'node:fs/promises';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type * as IsomorphicGit from 'isomorphic-git';
import type { Clock } from '../platform/index.ts';
import { MegactorError } from '../protocol/errors.ts';
import { errorCode, removeIfThere, syncDirectory, writeWhole } from './durable-files.ts';
import { OID_PATTERN, type TreeEntry } from './git-objects.ts';
import { isForbiddenInTrees } from './path-jail.ts';
import { Tree } from './tree.ts';
import { dirtyPaths, type IsOwn } from './work-tree.ts';

const LOCK_TRIES_MAX = 20;
const LOCK_WAIT_MS = 25;
/** Packs that go while they are looked for go one after the other, and so may each try meet one that has just gone. */
const READ_TRIES_MAX = 20;
/** The library's cache is emptied after so many reads: it has no bound of its own. */
const READS_CACHED_MAX = 1_000;

const CONFIG = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = false
	logallrefupdates = true
	autocrlf = false
`;

export interface CommitFacts {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: string;
  readonly timeSeconds: number;
  readonly message: string;
}

const exists = async (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

const readText = async (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  });

const forbidden = (name: string): MegactorError =>
  new MegactorError('WORKSPACE_FOREIGN', `a tree has a name that no file may have: ${JSON.stringify(name)}`, {
    hint: 'No honest repository has it; choose another --workspace.',
  });

export class Repository {
  /** The work tree. */
  readonly directory: string;
  readonly gitDirectory: string;
  readonly #clock: Clock;
  readonly #sync: boolean;
  /** isomorphic-git keeps pack indexes here, and every pack that it has read from, whole. */
  #cache: object = {};
  #reads = 0;

  constructor(directory: string, gitDirectory: string, options: { readonly clock: Clock; readonly sync: boolean }) {
    this.directory = directory;
    this.gitDirectory = gitDirectory;
    this.#clock = options.clock;
    this.#sync = options.sync;
  }

  /** Makes what a repository needs and leaves alone what is there. Takes nothing from the machine's git config. */
  async initialise(branch: string): Promise<void> {
    for (const part of ['objects/pack', 'objects/info', 'refs/heads', 'refs/tags', 'info']) {
      await mkdir(join(this.gitDirectory, part), { recursive: true });
    }
    const options = { sync: this.#sync };
    const config = join(this.gitDirectory, 'config');
    if (!(await exists(config))) await writeWhole(config, CONFIG, options);
    const head = join(this.gitDirectory, 'HEAD');
    if (!(await exists(head))) await writeWhole(head, `ref: refs/heads/${branch}\n`, options);
    if (this.#sync) await syncDirectory(this.gitDirectory);
  }

  /** The branch that HEAD is on, or null when it is detached. @throws WORKSPACE_FOREIGN */
  async headBranch(): Promise<string | null> {
    const text = await readText(join(this.gitDirectory, 'HEAD'));
    if (text === undefined) throw new MegactorError('WORKSPACE_FOREIGN', `${this.gitDirectory} has no HEAD`);
    return /^ref: refs\/heads\/(.+)$/u.exec(text.trim())?.[1] ?? null;
  }

  /** The commit that HEAD is at, or null before the first one. */
  async headCommit(): Promise<string | null> {
    const branch = await this.headBranch();
    if (branch !== null) return await this.branchCommit(branch);
    const text = (await readText(join(this.gitDirectory, 'HEAD')))?.trim() ?? '';
    return OID_PATTERN.test(text) ? text : null;
  }

  async branchCommit(branch: string): Promise<string | null> {
    const loose = (await readText(this.#branchFile(branch)))?.trim();
    if (loose !== undefined && OID_PATTERN.test(loose)) return loose;
    const packed = (await readText(join(this.gitDirectory, 'packed-refs'))) ?? '';
    for (const line of packed.split('\n')) {
      if (line.slice(41) === `refs/heads/${branch}`) return line.slice(0, 40);
    }
    return null;
  }

  /** Moves a branch. @throws WORKSPACE_FOREIGN when it is not where the caller thinks, or stays locked */
  async moveBranch(branch: string, from: string | null, to: string): Promise<void> {
    const file = this.#branchFile(branch);
    if (from === null) {
      await mkdir(dirname(file), { recursive: true });
      if (this.#sync) await syncDirectory(dirname(dirname(file)));
    }
    const lock = await this.#lock(`${file}.lock`);
    try {
      const found = await this.branchCommit(branch);
      if (found !== from) {
        throw new MegactorError(
          'WORKSPACE_FOREIGN',
          `branch ${branch} was moved by somebody else to ${String(found)}`,
          {
            hint: 'Let nobody commit to the branch of a running run; resume the run to take the commit over.',
          },
        );
      }
      await lock.writeFile(`${to}\n`);
      if (this.#sync) await lock.sync();
    } catch (error) {
      await lock.close();
      await removeIfThere(`${file}.lock`);
      throw error;
    }
    await lock.close();
    await rename(`${file}.lock`, file);
    if (this.#sync) await syncDirectory(dirname(file));
  }

  /** Puts HEAD on a branch; touches neither the index nor the work tree. */
  async pointHead(branch: string): Promise<void> {
    await writeWhole(join(this.gitDirectory, 'HEAD'), `ref: refs/heads/${branch}\n`, { sync: this.#sync });
  }

  /** Removes the lock that a killed run left on its own branch. */
  async unlockBranch(branch: string): Promise<void> {
    await removeIfThere(`${this.#branchFile(branch)}.lock`);
  }

  async readTree(oid: string): Promise<TreeEntry[]> {
    const { tree } = await this.#reading((git, common) => git.readTree({ ...common, oid })).catch((error: unknown) => {
      throw errorCode(error) === 'UnsafeFilepathError' ? forbidden(String(error)) : error;
    });
    return tree.map((entry) => {
      if (entry.path.includes('\ufffd')) {
        // The bytes behind it are lost here, and a commit would rename the file.
        throw new MegactorError('WORKSPACE_FOREIGN', `the file name ${JSON.stringify(entry.path)} is not UTF-8`, {
          hint: 'Rename the file, or choose another --workspace.',
        });
      }
      if (isForbiddenInTrees(entry.path)) throw forbidden(entry.path);
      return { mode: entry.mode.replace(/^0/u, ''), name: entry.path, oid: entry.oid };
    });
  }

  /** What a commit says, undefined when there is no such commit. */
  async findCommit(oid: string): Promise<CommitFacts | undefined> {
    if (!OID_PATTERN.test(oid)) return undefined;
    try {
      return await this.readCommit(oid);
    } catch (error) {
      if (['NotFoundError', 'ObjectTypeError'].includes(errorCode(error) ?? '')) return undefined;
      throw error;
    }
  }

  async readCommit(oid: string): Promise<CommitFacts> {
    const { commit } = await this.#reading((git, common) => git.readCommit({ ...common, oid }));
    return {
      tree: commit.tree,
      parents: commit.parent,
      author: commit.author.name,
      timeSeconds: commit.committer.timestamp,
      message: commit.message,
    };
  }

  /** Whether an object lies alone in its file: the run's own are in packs. */
  hasLoose(oid: string): boolean {
    return fs.existsSync(join(this.gitDirectory, 'objects', oid.slice(0, 2), oid.slice(2)));
  }

  /** The bytes of a blob, or undefined when there is no such blob. */
  async readBlob(oid: string): Promise<Buffer | undefined> {
    if (!OID_PATTERN.test(oid)) return undefined;
    try {
      const { blob } = await this.#reading((git, common) => git.readBlob({ ...common, oid }));
      return Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
    } catch (error) {
      if (['NotFoundError', 'ObjectTypeError'].includes(errorCode(error) ?? '')) return undefined;
      throw error;
    }
  }

  /** The tree of a commit, in memory. */
  async loadTree(oid: string): Promise<Tree> {
    return await Tree.load(oid, (tree) => this.readTree(tree));
  }

  /**
   * Paths that git would call changed or untracked, ignored ones left out, against the commit that HEAD is at.
   * @param skip paths (relative, of files and directories) that do not count
   * @param isOwn says what the run has brought, which does not count either
   */
  async dirtyPaths(skip: readonly string[], isOwn: IsOwn): Promise<string[]> {
    const head = await this.headCommit();
    const tree = head === null ? Tree.empty() : await this.loadTree((await this.readCommit(head)).tree);
    const { directory, gitDirectory } = this;
    const isSkipped = (path: string): boolean => skip.some((own) => path === own || path.startsWith(`${own}/`));
    const isIgnored = async (filepath: string): Promise<boolean> => {
      if (isSkipped(filepath)) return true;
      const { isIgnored: ask } = await import('isomorphic-git');
      return await ask({ fs, dir: directory, gitdir: gitDirectory, filepath });
    };
    const compared = { directory, gitDirectory, files: [...tree.files()], clock: this.#clock };
    return (await dirtyPaths(compared, isIgnored, isOwn)).filter((path) => !isSkipped(path));
  }

  async #reading<Result>(
    read: (git: typeof IsomorphicGit, common: { fs: typeof fs; gitdir: string; cache: object }) => Promise<Result>,
  ): Promise<Result> {
    const git = await import('isomorphic-git');
    this.#reads += 1;
    if (this.#reads % READS_CACHED_MAX === 0) this.#cache = {};
    const common = (): { fs: typeof fs; gitdir: string; cache: object } => ({
      fs,
      gitdir: this.gitDirectory,
      cache: this.#cache,
    });
    for (let tries = 1; ; tries += 1) {
      try {
        return await read(git, common());
      } catch (error) {
        // Packs may have been joined, by us or by `git gc`, while the library held the old ones or looked for them: look
        // afresh. What is not there at all is looked for twice.
        this.#cache = {};
        if (tries >= (errorCode(error) === 'NotFoundError' ? 2 : READ_TRIES_MAX)) throw error;
      }
    }
  }

  async #lock(file: string): Promise<Awaited<ReturnType<typeof open>>> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await open(file, 'wx', 0o644);
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw error;
        if (tries >= LOCK_TRIES_MAX) {
          throw new MegactorError('WORKSPACE_FOREIGN', `${file} stays locked`, {
            cause: error,
            hint: 'Another git process holds the branch; end it, or remove the lock file, then resume.',
          });
        }
        await this.#clock.sleep(LOCK_WAIT_MS);
      }
    }
  }

  #branchFile(branch: string): string {
    return join(this.gitDirectory, 'refs', 'heads', ...branch.split('/'));
  }
}
