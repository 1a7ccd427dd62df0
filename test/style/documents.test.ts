import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorDocument } from '../../scripts/error-docs.ts';
import { ERROR_CATALOGUE } from '../../src/protocol/errors.ts';
import { filesUnder, readSource, ROOT } from './tree.ts';

/** Files as text; what holds a zero byte is no text. */
const textFiles = (): { path: string; text: string }[] =>
  filesUnder('.')
    .map((path) => ({ path, bytes: readFileSync(join(ROOT, path)) }))
    .filter(({ bytes }) => !bytes.includes(0))
    .map(({ path, bytes }) => ({ path, text: bytes.toString('utf8') }));

/** Absolute paths of somebody's machine. */
const LOCAL_PATH = /(?<![\w.:/])\/(?:work|root|home\/[\w-]+|Users\/[\w-]+)\/[\w.-]/u;
/** Package registries by host name. */
const REGISTRY =
  /https?:\/\/(?<host>[\w.-]*(?:registry|npmmirror|artifactory|verdaccio|jfrog|nexus)[\w.-]*(?::\d+)?)/giu;

const foreignRegistries = (text: string): string[] =>
  [...text.matchAll(REGISTRY)]
    .map((match) => match.groups?.['host'] ?? '')
    .filter((host) => host.toLowerCase() !== 'registry.npmjs.org');

describe('nothing of one machine is in the project', () => {
  test('the patterns find what they are for', () => {
    const home = ['', 'home', 'somebody', 'project'].join('/');
    expect(LOCAL_PATH.test(`see ${home}`)).toBe(true);
    expect(LOCAL_PATH.test(`https://example.org${home}`)).toBe(false);
    const mirror = ['https:/', 'registry.example.org', 'a'].join('/');
    expect(foreignRegistries(mirror)).toEqual(['registry.example.org']);
    expect(foreignRegistries('https://registry.npmjs.org/a')).toEqual([]);
  });

  test('no local paths', () => {
    const found = textFiles().flatMap(({ path, text }) => {
      const match = LOCAL_PATH.exec(text);
      return match === null ? [] : [`${path}: ${match[0]}`];
    });
    expect(found).toEqual([]);
  });

  test('no registry but registry.npmjs.org', () => {
    expect(textFiles().flatMap(({ path, text }) => foreignRegistries(text).map((host) => `${path}: ${host}`))).toEqual(
      [],
    );
    const lock = JSON.parse(readSource('package-lock.json')) as {
      packages: Record<string, { resolved?: string; integrity?: string }>;
    };
    for (const [name, { resolved, integrity }] of Object.entries(lock.packages)) {
      if (resolved !== undefined) expect(`${name} ${resolved}`).toContain(' https://registry.npmjs.org/');
      if (name !== '') expect(`${name} ${integrity}`).toMatch(/ sha512-/u);
    }
  });

  test('the lock file names the packages of every platform, or `npm ci` refuses it', () => {
    const lock = JSON.parse(readSource('package-lock.json')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !(`${path}/node_modules/${name}` in lock.packages))
        .filter((name) => !(`node_modules/${name}` in lock.packages))
        .map((name) => `${name} of ${path}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('documents', () => {
  test('docs/errors.md is what `npm run docs` makes of the catalogue', async () => {
    const document = await errorDocument();
    expect(readSource('docs/errors.md')).toBe(document);
    for (const code of Object.keys(ERROR_CATALOGUE)) expect(document).toContain(`\`${code}\``);
  });

  test('the README has the two commands', () => {
    const readme = readSource('README.md');
    expect(readme).toContain('npm ci && npm start');
    expect(readme).toContain('npm ci && npm test');
  });

  test('links between documents lead to files', () => {
    const documents = ['README.md', ...filesUnder('docs').filter((path) => path.endsWith('.md'))];
    const files = new Set(filesUnder('.'));
    const broken = documents.flatMap((document) =>
      [...readSource(document).matchAll(/\]\((?<target>[^)#\s]+)[^)]*\)/gu)]
        .map((match) => match.groups?.['target'] ?? '')
        .filter((target) => !/^[a-z]+:/u.test(target))
        .map((target) => join(document, '..', target).replaceAll('\\', '/').replace(/\/$/u, ''))
        .filter((path) => !files.has(path) && filesUnder(path).length === 0)
        .map((path) => `${document} → ${path}`),
    );
    expect(broken).toEqual([]);
  });

  test('every dependency has its line in docs/decisions/001-dependencies.md, with its version', () => {
    const manifest = JSON.parse(readSource('package.json')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    const page = readSource('docs/decisions/001-dependencies.md');
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version, `${name} is pinned`).toMatch(/^\d+\.\d+\.\d+$/u);
      expect(page).toContain(`\`${name}\``);
    }
  });
});
