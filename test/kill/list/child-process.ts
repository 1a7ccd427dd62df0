/** The process of a list trial as its parent holds it: started, asked, killed, and always heard to the end. */
import { type ChildProcess, fork } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ChildSettings, type FromChild, parseFromChild, type ToChild } from './wire.ts';

const PROGRAM = fileURLToPath(new URL('./child.ts', import.meta.url));
const ERRORS_MAX = 4_000;
/** Compiled modules of processes that ended in order: half of what a start costs. */
const COMPILED = join(tmpdir(), 'megactor-test-compiled');

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly errors: string;
}

export class Child {
  readonly #process: ChildProcess;
  /** When everything that it said before its end was heard. */
  readonly ended: Promise<Ended>;
  #errors = '';

  constructor(
    settings: ChildSettings,
    environment: Readonly<Record<string, string | undefined>>,
    onMessage: (message: FromChild) => void,
  ) {
    this.#process = fork(PROGRAM, [JSON.stringify(settings)], {
      cwd: dirname(settings.outside),
      env: { ...process.env, NODE_ENV: 'test', NODE_COMPILE_CACHE: COMPILED, ...environment },
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      if (this.#errors.length < ERRORS_MAX) this.#errors += chunk.toString();
    });
    this.#process.on('message', (message) => onMessage(parseFromChild(message)));
    // A killed child cannot be written to; its end is told below.
    this.#process.on('error', () => undefined);
    this.ended = this.#end();
  }

  async #end(): Promise<Ended> {
    const child = this.#process;
    const disconnected = new Promise<void>((resolve) => child.once('disconnect', resolve));
    const ended = await new Promise<Omit<Ended, 'errors'>>((resolve) => {
      child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
    });
    if (child.connected) await disconnected;
    return { ...ended, errors: this.#errors };
  }

  send(message: ToChild): void {
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
