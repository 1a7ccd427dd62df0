/** Git's objects as bytes: blobs, trees, commits and their ids. Says nothing about where they are kept. */
import { createHash } from '../platform/index.ts';
import { bytesOf, type Content } from './content.ts';

export type ObjectType = 'blob' | 'tree' | 'commit';

export interface GitObject {
  readonly oid: string;
  readonly type: ObjectType;
  readonly body: Buffer;
}

export const OID_PATTERN = /^[0-9a-f]{40}$/u;

export const gitObject = (type: ObjectType, body: Buffer): GitObject => ({
  oid: createHash('sha1').update(`${type} ${body.length}\0`).update(body).digest('hex'),
  type,
  body,
});

export const blobObject = (content: Content): GitObject => gitObject('blob', bytesOf(content));

/** Modes of tree entries, as git writes them. */
export const MODE = {
  directory: '40000',
  file: '100644',
  executable: '100755',
  link: '120000',
  module: '160000',
} as const;

export interface TreeEntry {
  readonly mode: string;
  readonly name: string;
  readonly oid: string;
}

/** Git sorts names as bytes, a directory as if a slash followed. */
const sortKey = (entry: TreeEntry): Buffer =>
  Buffer.from(entry.mode === MODE.directory ? `${entry.name}/` : entry.name, 'utf8');

export const treeObject = (entries: readonly TreeEntry[]): GitObject => {
  const sorted = entries
    .map((entry) => ({ entry, key: sortKey(entry) }))
    .sort((left, right) => Buffer.compare(left.key, right.key));
  const parts: Buffer[] = [];
  for (const { entry } of sorted) {
    parts.push(Buffer.from(`${entry.mode} ${entry.name}\0`, 'utf8'), Buffer.from(entry.oid, 'hex'));
  }
  return gitObject('tree', Buffer.concat(parts));
};

export interface CommitFields {
  readonly tree: string;
  readonly parents: readonly string[];
  /** `NAME <EMAIL>` */
  readonly author: string;
  readonly committer: string;
  /** Seconds since the epoch, UTC. */
  readonly timeSeconds: number;
  readonly message: string;
}

export const commitObject = (fields: CommitFields): GitObject => {
  const lines = [
    `tree ${fields.tree}`,
    ...fields.parents.map((parent) => `parent ${parent}`),
    `author ${fields.author} ${fields.timeSeconds} +0000`,
    `committer ${fields.committer} ${fields.timeSeconds} +0000`,
    '',
    fields.message,
  ];
  return gitObject('commit', Buffer.from(lines.join('\n'), 'utf8'));
};
