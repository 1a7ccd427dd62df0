/** What a consumer's compiler must see: exact types where the API has them, `any` nowhere. It is never run. */
import type * as api from 'megactor';
import type * as kit from 'megactor/testing';
import type * as recollection from 'megactor/memory';
import type * as programs from 'megactor/sandbox';
import type * as files from 'megactor/workspace';
import { ActorSystem, runSociety } from 'megactor';
import { plain } from './actors/plain.js';
import { typed } from './actors/typed.ts';

type IsAny<T> = 0 extends 1 & T ? true : false;
type Same<A, B> = [IsAny<A>, A] extends [IsAny<B>, B] ? ([IsAny<B>, B] extends [IsAny<A>, A] ? true : false) : false;
/** The members of T that are `any`, and those of functions whose result is. */
type AnyMembers<T> = {
  [Key in keyof T]-?: IsAny<T[Key]> extends true
    ? Key
    : T[Key] extends (...parameters: never) => infer Result
      ? IsAny<Awaited<Result>> extends true
        ? Key
        : never
      : never;
}[keyof T];
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a claim is a type and nothing else
const holds = <_Claim extends true>(): void => undefined;

holds<Same<AnyMembers<typeof api>, never>>();
holds<Same<AnyMembers<typeof files>, never>>();
holds<Same<AnyMembers<typeof recollection>, never>>();
holds<Same<AnyMembers<ActorSystem>, never>>();
holds<Same<AnyMembers<api.ActorContext<{ total: number }>>, never>>();
holds<Same<AnyMembers<api.ActorRef>, never>>();
holds<Same<AnyMembers<api.EventRecord>, never>>();
holds<Same<AnyMembers<api.Inspection>, never>>();
holds<Same<AnyMembers<api.InspectedAgent>, never>>();
holds<Same<AnyMembers<api.MegactorError>, never>>();
holds<Same<AnyMembers<api.ResumeOptions>, never>>();
holds<Same<AnyMembers<api.Run>, never>>();
holds<Same<AnyMembers<api.RunOptions>, never>>();
holds<Same<AnyMembers<api.RunProgress>, never>>();
holds<Same<AnyMembers<api.RunSummary>, never>>();
holds<Same<AnyMembers<api.ServiceHost>, never>>();
holds<Same<AnyMembers<api.ServiceSpec>, never>>();
holds<Same<AnyMembers<api.SpawnOptions>, never>>();
holds<Same<AnyMembers<kit.Probe>, never>>();
holds<Same<AnyMembers<kit.SimulatedSystem>, never>>();
holds<Same<AnyMembers<typeof kit>, never>>();
holds<Same<AnyMembers<typeof programs>, never>>();
holds<Same<AnyMembers<programs.Sandbox>, never>>();
holds<Same<AnyMembers<programs.ProgramResult>, never>>();
holds<Same<AnyMembers<files.Workspace>, never>>();
holds<Same<AnyMembers<files.WorkspaceOptions>, never>>();
// The checks themselves can fail.
// @ts-expect-error -- any is not a number
holds<Same<ReturnType<typeof JSON.parse>, number>>();
// @ts-expect-error -- and two types are two types
holds<Same<number | undefined, number>>();
holds<Same<AnyMembers<{ one: number; two: ReturnType<typeof JSON.parse>; three(): typeof JSON.parse }>, 'two'>>();

export const actors = async (system: ActorSystem): Promise<void> => {
  const fromJavaScript = await system.spawn(plain, 1);
  const ref = await system.spawn(typed, 1, { name: 'typed', durable: true });
  const totals = [await ref.ask('total'), await fromJavaScript.ask('total')] as const;
  holds<Same<typeof totals, readonly [number, number]>>();
  ref.tell('add', 1);
  // @ts-expect-error -- the body is a number
  ref.tell('add', 'one');
  // @ts-expect-error -- and it is needed
  ref.tell('add');
  // @ts-expect-error -- there is no such message
  ref.tell('subtract', 1);
  // @ts-expect-error -- the state is made of a number
  await system.spawn(typed, 'one');
  // @ts-expect-error -- there is no such option
  await ActorSystem.start({ thread: 2 });
};

export const society = async (signal: AbortSignal): Promise<api.RunSummary> => {
  const run = runSociety('a goal', { model: 'rehearsal', maxAgents: 12, signal });
  for await (const event of run.events) holds<Same<typeof event, api.EventRecord>>();
  // @ts-expect-error -- a number
  runSociety('a goal', { maxAgents: '12' });
  return run.report;
};
