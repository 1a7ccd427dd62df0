import { describe, expect, test } from 'vitest';
import { commandLine } from '../../src/cli/command-line.ts';
import { systemClock, type Clock } from '../../src/platform/index.ts';
import { recorder, type Recorded } from './fixtures.ts';

/** Starts the command and waits until it listens. */
const serve = async (words: string[], files: Record<string, string> = {}, clock: Clock = systemClock) => {
  const recorded = recorder(files);
  const ended = commandLine(['rehearsal-server', ...words], { ...recorded.context, clock });
  await recorded.begun();
  const url = /^listening on (?<url>http:\/\/127\.0\.0\.1:\d+)\n$/u.exec(recorded.stdout)?.groups?.['url'];
  if (url === undefined) throw new Error(`stdout: ${recorded.stdout}`);
  return { recorded, ended, url };
};

const ask = (url: string): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'rehearsal', messages: [{ role: 'user', content: 'Begin.' }] }),
  });

const refused = async (words: string[], files: Record<string, string> = {}): Promise<Recorded> => {
  const recorded = recorder(files);
  expect(await commandLine(['rehearsal-server', ...words], recorded.context)).toBe(2);
  expect(recorded.stdout).toBe('');
  expect(recorded.stderr.trimEnd().split('\n')).toHaveLength(1);
  return recorded;
};

describe('rehearsal-server', () => {
  test('listens until it is interrupted, and ends with 0', async () => {
    const { recorded, ended, url } = await serve([]);
    expect(recorded.stderr).toContain(`OPENAI_BASE_URL=${url}/v1`);
    expect(recorded.stderr).toMatch(/synthetic/u);
    expect((await ask(url)).status).toBe(200);
    recorded.interrupt();
    expect(await ended).toBe(0);
    expect(recorded.stderr).toMatch(/Closed after 1 call, 0 refusals/u);
    expect(recorded.exits).toEqual([]);
    await expect(fetch(`${url}/stats`)).rejects.toThrow(TypeError);
  });

  test('takes the file, the limits and the window', async () => {
    let nowMs = 0;
    const { recorded, ended, url } = await serve(
      ['--rehearsal', 'r.json', '--seed', '7', '--rpm', '2', '--tpm', '1000', '--quota', '3', '--window-ms', '150'],
      { 'r.json': '{"scenario":"chat","latencyMs":0,"shape":{"calls":1}}' },
      { ...systemClock, monotonic: () => nowMs },
    );
    const first = await ask(url);
    expect(await first.json()).toMatchObject({
      choices: [{ message: { content: 'Done after 1 calls (synthetic).' } }],
    });
    expect(first.headers.get('x-ratelimit-limit-requests')).toBe('2');
    expect(first.headers.get('x-ratelimit-limit-tokens')).toBe('1000');
    expect([(await ask(url)).status, (await ask(url)).status]).toEqual([200, 429]);
    nowMs = 150;
    expect((await ask(url)).status).toBe(200);
    expect(await (await ask(url)).json()).toMatchObject({ error: { code: 'insufficient_quota' } });
    recorded.interrupt();
    expect(await ended).toBe(0);
  });

  test('the second interruption waits for nothing', async () => {
    const { recorded, ended } = await serve([]);
    recorded.interrupt();
    recorded.interrupt();
    expect(recorded.exits).toEqual([130]);
    await ended;
  });

  test.each<[string[], RegExp]>([
    [['now'], /takes options only, and "now" is none/u],
    [['--port', '70000'], /--port needs a whole number from 0 to 65535/u],
    [['--rpm', '0'], /--rpm needs a whole number from 1/u],
    [['--window-ms', '0'], /--window-ms needs a whole number from 1/u],
    [['--rehearsal', 'nowhere.json'], /--rehearsal: nowhere\.json cannot be read/u],
    [['--rehearsal', 'bad.json'], /laziness.*CONFIG_INVALID/u],
    [['--models', 'x'], /no option --models/u],
  ])('%j is refused', async (words, expected) => {
    const { stderr } = await refused(words, { 'bad.json': '{"laziness":1}' });
    expect(stderr).toMatch(expected);
  });

  test('a port in use is one line and exit 2', async () => {
    const { recorded, ended, url } = await serve([]);
    const { stderr } = await refused(['--port', new URL(url).port]);
    expect(stderr).toMatch(/port \d+ is in use.*Choose another --port/u);
    recorded.interrupt();
    await ended;
  });
});
