/**
 * Ends the process at once with an exit code, whatever its threads are doing.
 *
 * `process.exit` stops the worker threads first, and stopping one in the middle of a write to the journal's store can
 * hang the process for ever. Replacing the process by one that only exits stops everything in one system call; what
 * was acknowledged is in the journal, as after a kill.
 */
const SHELL = '/bin/sh';
/** npm sends on the signal that the terminal has sent already; the process that only exits would die of it. */
const ECHO_MS = 100;

const waitForEcho = (): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ECHO_MS);
};

export const endProcess = (code: number): never => {
  if (process.execve !== undefined && process.platform !== 'win32') {
    // That `execve` is experimental would otherwise be the last line the user reads.
    process.emitWarning = () => undefined;
    waitForEcho();
    try {
      process.execve(SHELL, [SHELL, '-c', `exit ${code}`], {});
    } catch {
      // There is no such shell: the ordinary way is left.
    }
  }
  return process.exit(code);
};
