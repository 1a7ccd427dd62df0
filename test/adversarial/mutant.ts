/** `node test/adversarial/mutant.ts NAME SEEDS`: the suite over a broken build of the product, until a seed fails. */
import { registerHooks } from 'node:module';
import { applyMutation, MUTANTS } from './mutants.ts';

const [name = '', seeds = '0'] = process.argv.slice(2);
const mutation = MUTANTS[name];
if (mutation === undefined) throw new Error(`there is no broken build "${name}"`);
const target = new URL(`../../${mutation.file}`, import.meta.url).href;
let planted = 0;

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    planted += 1;
    const { source } = loaded;
    if (source === undefined || source === null) throw new Error(`${url} has no text`);
    const text = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString('utf8');
    return { ...loaded, source: applyMutation(text, mutation) };
  },
});

const { runTrial } = await import('./trial.ts');

let caught: number | null = null;
for (let seed = 1; seed <= Number(seeds) && caught === null; seed += 1) {
  const { wrong } = await runTrial(seed);
  if (wrong.length === 0) continue;
  caught = seed;
  process.stderr.write(`${name}: seed ${seed}: ${wrong[0] ?? ''}\n`);
}
if (planted !== 1) throw new Error(`${mutation.file} was loaded ${planted} times`);
process.stdout.write(`${JSON.stringify({ caught })}\n`);
