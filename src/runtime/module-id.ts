/**
 * Names of modules that survive another checkout: modules of this package are stored relative to its root and without
 * their extension (`megactor:actors/ordinary`), so that a run made from sources resumes under the built package. In a
 * bundle this package has no modules of its own, and all go by their URL.
 */
const BUNDLED = !/\/src\/runtime\/module-id\.[jt]s$/u.test(import.meta.url);
const ROOT = new URL('../../', import.meta.url).href;
const EXTENSION = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const SCHEME = 'megactor:';

/** Every spawn asks, and there are only as many modules as the program loads. */
const known = new Map<string, string>();

/** @param url URL of a module */
export const toModuleId = (url: string): string => {
  let id = known.get(url);
  if (id === undefined) {
    id = moduleId(url);
    known.set(url, id);
  }
  return id;
};

const moduleId = (url: string): string => {
  if (BUNDLED || !url.startsWith(ROOT)) return url;
  const path = url.slice(ROOT.length).replace(/[?#].*$/, '');
  return path.endsWith(EXTENSION) ? `${SCHEME}${path.slice(0, -EXTENSION.length)}` : url;
};

/** The URL to import. */
export const fromModuleId = (id: string): string =>
  id.startsWith(SCHEME) && !BUNDLED ? `${ROOT}${id.slice(SCHEME.length)}${EXTENSION}` : id;
