/** What runs a program, by the ending of its name. It looks for interpreters and starts none. */
import { accessSync, constants, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, extname, join } from 'node:path';
import { MegactorError } from '../protocol/errors.ts';

/** A file or directory that is shown, read-only: where it is, and where programs have it. Both absolute. */
export interface Need {
  readonly from: string;
  readonly to: string;
}

export interface Interpreter {
  readonly language: 'python' | 'javascript';
  /** The binary as this machine has it. */
  readonly binary: string;
  /** Where programs in the sandbox have it. */
  readonly inside: string;
  /** What of the machine it needs beyond the system's own directories. */
  readonly needs: readonly Need[];
  /** Arguments before the program. @param memoryBytes what one process may have */
  readonly args: (memoryBytes: number) => readonly string[];
  /** Arguments before a file that is only to be parsed: nothing of it runs. */
  readonly parseArgs: readonly string[];
  /** Whether it reserves far more addresses than it uses, so that a limit on those would hit it. */
  readonly reservesAddresses: boolean;
}

export type Interpreters = Readonly<Partial<Record<Interpreter['language'], Interpreter>>>;

const LANGUAGES: Readonly<Record<string, Interpreter['language']>> = {
  '.py': 'python',
  '.js': 'javascript',
  '.mjs': 'javascript',
  '.cjs': 'javascript',
};

const MIB = 1024 * 1024;
const SYSTEM = '/usr/';
/** Folders that hold far more than an interpreter, homes above all. */
const holdsMore = (folder: string, home: string): boolean =>
  folder === '/' || home === folder || home.startsWith(`${folder}/`);

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The first of `name` on `path`, a list as the environment has it; undefined when it is nowhere. */
export const findCommand = (name: string, path: string): string | undefined =>
  path
    .split(delimiter)
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => join(directory, name))
    .find(isExecutable);

/**
 * Python of the system, else that of the path: with the whole of the folder that it was installed to, unless that is, or
 * holds, somebody's home: programs are not to read that.
 */
export const findPython = (path: string, home: string, system = '/usr/bin/python3'): Interpreter | undefined => {
  const found = isExecutable(system) ? system : findCommand('python3', path);
  if (found === undefined) return undefined;
  const binary = realpathSync(found);
  const folder = dirname(dirname(binary));
  if (!binary.startsWith(SYSTEM) && holdsMore(folder, home)) return undefined;
  // Its libraries are found at the place that it was built for.
  const needs = binary.startsWith(SYSTEM) ? [] : [{ from: folder, to: folder }];
  return {
    language: 'python',
    binary,
    inside: binary,
    needs,
    args: () => [],
    parseArgs: ['-I', '-c', PYTHON_PARSES],
    reservesAddresses: false,
  };
};

const PYTHON_PARSES = 'import sys; compile(open(sys.argv[1], "rb").read(), sys.argv[1], "exec")';

const NODE_INSIDE = '/opt/node';

const nodeOf = (binary: string): Interpreter => ({
  language: 'javascript',
  binary,
  inside: binary.startsWith(SYSTEM) ? binary : NODE_INSIDE,
  needs: binary.startsWith(SYSTEM) ? [] : [{ from: binary, to: NODE_INSIDE }],
  args: (memoryBytes) => [`--max-old-space-size=${Math.max(16, Math.floor(memoryBytes / MIB / 2))}`],
  parseArgs: ['--check'],
  reservesAddresses: true,
});

/** @param node the Node that runs programs @param path where Python is looked for when the system has none */
export const findInterpreters = (node: string, path: string): Interpreters => {
  const python = findPython(path, homedir());
  return { javascript: nodeOf(realpathSync(node)), ...(python === undefined ? {} : { python }) };
};

/** @throws PROGRAM_INVALID */
export const interpreterOf = (path: string, interpreters: Interpreters): Interpreter => {
  const ending = extname(path);
  const language = LANGUAGES[ending];
  if (language === undefined) {
    const endings = Object.keys(LANGUAGES).join(', ');
    throw new MegactorError('PROGRAM_INVALID', `'${path}' is no program: its name ends in none of ${endings}`);
  }
  const interpreter = interpreters[language];
  if (interpreter !== undefined) return interpreter;
  throw new MegactorError('PROGRAM_INVALID', `there is no ${language} on this machine`, {
    hint: 'Write it in JavaScript (.mjs), which is always there.',
  });
};
