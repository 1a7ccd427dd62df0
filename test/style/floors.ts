/** The house as data: which room stands on which floor, and which package lives in which room. Checked by floors.test.ts. */
import { posix } from 'node:path';
import { moduleNames } from './source.ts';

/** Lowest first. A room may import the rooms of the floors below, and no other room of its own floor. */
export const FLOORS: readonly (readonly string[])[] = [
  ['protocol', 'platform'],
  ['telemetry', 'actor', 'journal'],
  ['runtime', 'model', 'memory', 'workspace', 'sandbox', 'society'],
  ['actors', 'testing'],
  ['run'],
  ['cli', 'index', 'bench'],
];

/** Packages with native threads, stores or sockets are reached through one room alone. */
export const PACKAGE_HOMES: Readonly<Record<string, string>> = {
  piscina: 'runtime',
  comlink: 'runtime',
  lmdb: 'journal',
  'gpt-tokenizer': 'model',
  openai: 'model',
  'isomorphic-git': 'workspace',
  usearch: 'memory',
};

/** The room that a file of the project belongs to; undefined for files outside of the house. */
export const roomOf = (path: string): string | undefined => {
  const [top, second] = path.split('/');
  if (top === 'actors' || top === 'bench') return top;
  if (top !== 'src' || second === undefined) return undefined;
  return /\.[cm]?[jt]sx?$/u.test(second) ? second.replace(/\..*$/u, '') : second;
};

const floorOf = (room: string): number => FLOORS.findIndex((rooms) => rooms.includes(room));

const packageOf = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');

export interface Violation {
  readonly file: string;
  readonly imported: string;
  readonly why: string;
}

/** What one file imports that it may not. @param path relative to the root */
export const violationsOf = (path: string, source: string): Violation[] => {
  const room = roomOf(path);
  if (room === undefined) return [];
  const floor = floorOf(room);
  if (floor === -1) return [{ file: path, imported: '', why: `the room "${room}" is on no floor` }];
  const violation = (imported: string): string | undefined => {
    if (!imported.startsWith('.')) {
      const home = PACKAGE_HOMES[packageOf(imported)];
      // Benchmarks measure the packages themselves as baselines.
      return home === undefined || home === room || room === 'bench' ? undefined : `${imported} lives in ${home}/`;
    }
    const target = posix.join(posix.dirname(path), imported);
    const other = roomOf(target);
    if (other === undefined || other === room) return undefined;
    const otherFloor = floorOf(other);
    if (otherFloor === -1) return `the room "${other}" is on no floor`;
    if (otherFloor < floor) return undefined;
    return otherFloor === floor ? `${room} and ${other} share floor ${floor}` : `${other} is above ${room}`;
  };
  return moduleNames(source).flatMap((imported) => {
    const why = violation(imported);
    return why === undefined ? [] : [{ file: path, imported, why }];
  });
};
