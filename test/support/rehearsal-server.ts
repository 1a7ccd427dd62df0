/** The rehearsal server as a process of its own, as a user starts it. */
import { type CommandResult, startCommand } from './command.ts';

export interface RehearsalServerProcess {
  /** Without `/v1`. */
  readonly url: string;
  stop(): Promise<CommandResult>;
}

/** Starts `megactor rehearsal-server WORDS` and resolves when it listens; fails with what it said when it ends instead. */
export const startRehearsalServer = async (
  words: readonly string[],
  options: { cwd?: string } = {},
): Promise<RehearsalServerProcess> => {
  const { child, result } = startCommand(['rehearsal-server', ...words], options);
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const found = /listening on (\S+)\n/u.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    result.then(({ stderr }) => reject(new Error(`the server ended: ${stderr}`)), reject);
  });
  return {
    url,
    stop: () => {
      child.kill('SIGINT');
      return result;
    },
  };
};
