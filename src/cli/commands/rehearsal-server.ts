/** `rehearsal-server`: the rehearsal as a model server on this machine, until it is interrupted. */
import type { Command } from '../command.ts';
import type { OptionSpec } from '../options.ts';
import { readJsonFile, usageError, type ParsedLine } from '../parse.ts';
import { EXIT, type CommandContext } from '../ports.ts';
import { plural } from '../render.ts';

const SEED_DEFAULT = 1;
const WINDOW_MS_DEFAULT = 60_000;

const limit = (name: string, help: string, min = 1): OptionSpec => ({
  name,
  type: { kind: 'integer', min, max: 1_000_000_000 },
  help,
  fallback: 'no limit',
});

const OPTIONS: readonly OptionSpec[] = [
  { name: 'port', type: { kind: 'integer', min: 0, max: 65_535 }, help: 'port on 127.0.0.1', fallback: 'a free one' },
  { name: 'rehearsal', type: { kind: 'json-file' }, help: 'scenario, latency and failure rates (JSON)' },
  {
    name: 'seed',
    type: { kind: 'integer', min: 0, max: 4_294_967_295 },
    help: 'seed of everything that is random',
    fallback: String(SEED_DEFAULT),
  },
  limit('rpm', 'calls per window; more get 429'),
  limit('tpm', 'tokens per window, cached input not counted; more get 429'),
  limit('quota', 'calls in all; more get 429 insufficient_quota', 0),
  {
    name: 'window-ms',
    type: { kind: 'integer', min: 1, max: 86_400_000 },
    help: 'length of the window of --rpm and --tpm in milliseconds',
    fallback: String(WINDOW_MS_DEFAULT),
  },
];

/** Resolves at the first interruption; the second ends the process. */
const interrupted = (context: CommandContext): Promise<void> =>
  new Promise((resolve) => {
    let interruptions = 0;
    context.interrupts.subscribe(() => {
      interruptions += 1;
      if (interruptions === 1) resolve();
      else context.exitNow(EXIT.interrupted);
    });
  });

const serve = async (line: ParsedLine, context: CommandContext): Promise<number> => {
  const [word] = line.positionals;
  if (word !== undefined) throw usageError(`rehearsal-server takes options only, and "${word}" is none.`);
  const integer = (name: string): number | undefined => line.values.get(name) as number | undefined;
  const path = line.values.get('rehearsal') as string | undefined;
  const raw = path === undefined ? undefined : await readJsonFile('rehearsal', path, context.readFile);
  // Loaded here, so that help and usage errors come at once.
  const { parseRehearsalOptions } = await import('../../model/rehearsal/index.ts');
  const { startRehearsalServer } = await import('../../model/rehearsal-server/index.ts');
  const server = await startRehearsalServer({
    rehearsal: parseRehearsalOptions(raw, integer('seed') ?? SEED_DEFAULT),
    port: integer('port'),
    limits: {
      requests: integer('rpm') ?? null,
      tokens: integer('tpm') ?? null,
      quota: integer('quota') ?? null,
      windowMs: integer('window-ms') ?? WINDOW_MS_DEFAULT,
    },
    clock: context.clock,
  });
  const ended = interrupted(context);
  context.stdout(`listening on ${server.url}\n`);
  context.stderr(
    `All text is synthetic. For clients: OPENAI_BASE_URL=${server.baseUrl}; any key, any model name. ` +
      `Statistics: ${server.url}/stats. Ctrl-C ends it.\n`,
  );
  await ended;
  await server.close();
  const { calls, rejected } = server.stats();
  context.stderr(`Closed after ${plural(calls, 'call')}, ${plural(rejected, 'refusal')} by limits.\n`);
  return EXIT.completed;
};

export const rehearsalServerCommand: Command = {
  name: 'rehearsal-server',
  usage: 'rehearsal-server [OPTIONS]',
  summary: 'Plays an OpenAI-compatible model server on this machine, with latency, failures and limits.',
  options: OPTIONS,
  examples: [
    'rehearsal-server --port 8123',
    'rehearsal-server --port 8123 --rehearsal rehearsal.json --rpm 600 --tpm 100000',
    'rehearsal-server --rpm 10 --window-ms 1000 --quota 50',
  ],
  notes: ['It prints `listening on URL`; clients take URL/v1 as OPENAI_BASE_URL. Ctrl-C ends it (exit 0).'],
  run: serve,
};
