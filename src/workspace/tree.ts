/**
 * The tree of the last commit in memory, changed path by path; `write` gives the objects of changed directories only.
 * Paths are taken as they are: the path jail stands before it.
 */
import { MODE, treeObject, type GitObject, type TreeEntry } from './git-objects.ts';

interface Leaf {
  readonly mode: string;
  readonly oid: string;
}

interface Directory {
  readonly entries: Map<string, Leaf | Directory>;
  /** Id of the tree object, or null when something below has changed since. */
  oid: string | null;
}

export interface TreeFile {
  readonly path: string;
  readonly mode: string;
  readonly oid: string;
}

/** Reads the entries of one tree object. */
export type ReadTree = (oid: string) => Promise<readonly TreeEntry[]>;

/** Deeper trees than any path may be are not git's work. */
const DEPTH_MAX = 256;

const isDirectory = (node: Leaf | Directory | undefined): node is Directory => node !== undefined && 'entries' in node;

const load = async (oid: string, read: ReadTree, depth: number): Promise<Directory> => {
  if (depth > DEPTH_MAX) throw new RangeError(`a tree is deeper than ${DEPTH_MAX}`);
  const directory: Directory = { entries: new Map(), oid };
  for (const entry of await read(oid)) {
    const node = entry.mode === MODE.directory ? await load(entry.oid, read, depth + 1) : entry;
    directory.entries.set(entry.name, isDirectory(node) ? node : { mode: entry.mode, oid: entry.oid });
  }
  return directory;
};

export class Tree {
  readonly #root: Directory;

  private constructor(root: Directory) {
    this.#root = root;
  }

  static empty(): Tree {
    return new Tree({ entries: new Map(), oid: null });
  }

  static async load(oid: string, read: ReadTree): Promise<Tree> {
    return new Tree(await load(oid, read, 0));
  }

  get(path: string): Leaf | undefined {
    let node: Leaf | Directory | undefined = this.#root;
    for (const name of path.split('/')) {
      if (!isDirectory(node)) return undefined;
      node = node.entries.get(name);
    }
    return isDirectory(node) ? undefined : node;
  }

  /** Sets a file's blob. An existing file keeps its mode; whatever else is in the way is replaced. */
  set(path: string, oid: string): void {
    const names = path.split('/');
    const last = names.pop() ?? '';
    let directory = this.#root;
    directory.oid = null;
    for (const name of names) {
      const found = directory.entries.get(name);
      const next: Directory = isDirectory(found) ? found : { entries: new Map(), oid: null };
      if (next !== found) directory.entries.set(name, next);
      next.oid = null;
      directory = next;
    }
    const before = directory.entries.get(last);
    const keeps = before !== undefined && !isDirectory(before) && before.mode === MODE.executable;
    directory.entries.set(last, { mode: keeps ? MODE.executable : MODE.file, oid });
  }

  /** Removes a file and the directories that it leaves empty. */
  remove(path: string): void {
    const names = path.split('/');
    const removeFrom = (directory: Directory, depth: number): void => {
      const name = names[depth] ?? '';
      const node = directory.entries.get(name);
      if (node === undefined) return;
      directory.oid = null;
      if (depth === names.length - 1) {
        directory.entries.delete(name);
      } else if (isDirectory(node)) {
        removeFrom(node, depth + 1);
        if (node.entries.size === 0) directory.entries.delete(name);
      }
    };
    removeFrom(this.#root, 0);
  }

  /** Adds the objects of changed directories to `objects`. @returns the id of the whole tree */
  write(objects: GitObject[]): string {
    const writeDirectory = (directory: Directory): string => {
      if (directory.oid !== null) return directory.oid;
      const entries: TreeEntry[] = [];
      for (const [name, node] of directory.entries) {
        if (isDirectory(node)) entries.push({ mode: MODE.directory, name, oid: writeDirectory(node) });
        else entries.push({ mode: node.mode, name, oid: node.oid });
      }
      const object = treeObject(entries);
      objects.push(object);
      directory.oid = object.oid;
      return object.oid;
    };
    return writeDirectory(this.#root);
  }

  /** All files, links and submodules, in no particular order. */
  *files(): Generator<TreeFile> {
    const stack: [string, Directory][] = [['', this.#root]];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const [prefix, directory] = next;
      for (const [name, node] of directory.entries) {
        if (isDirectory(node)) stack.push([`${prefix}${name}/`, node]);
        else yield { path: `${prefix}${name}`, mode: node.mode, oid: node.oid };
      }
    }
  }
}
