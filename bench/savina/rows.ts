/** From what was measured to the rows of `bench savina`. Pure. */
import type { Row, RowKind } from '../harness/result.ts';
import { rowOfSeries, type Series } from '../harness/series.ts';
import type { Memory, Rate } from './subject.ts';
import {
  BATCH_TARGET,
  IDLE_BYTES_TARGET,
  SUBJECT_NAMES,
  TARGETS,
  UNITS,
  type Plan,
  type Program,
  type Subject,
} from './settings.ts';

export interface Measurements {
  readonly rates: ReadonlyMap<Program, ReadonlyMap<Subject, Series<Rate>>>;
  readonly memory: ReadonlyMap<Subject, Series<Memory>>;
}

const FLOOR: Subject = 'array-floor';

const targetOf = (program: Program, subject: Subject): number | undefined => {
  if (subject === 'megactor') return TARGETS[program];
  return subject === 'batch' ? BATCH_TARGET : undefined;
};

const perSecond = ({ count, seconds }: Rate): number => count / seconds;

const programRows = (program: Program, of: ReadonlyMap<Subject, Series<Rate>>): Row[] => {
  const name = (subject: Subject): string => `${program}: ${SUBJECT_NAMES[subject]}`;
  const kind = (subject: Subject): RowKind => ({ name: name(subject), unit: UNITS[program], higherIsBetter: true });
  const series = of.get(FLOOR);
  if (series === undefined) return [];
  const floor = rowOfSeries(kind(FLOOR), series.measured, perSecond);
  const baseline = floor.value === null ? null : { name: floor.name, value: floor.value };
  const rows = [...of].filter(([subject]) => subject !== FLOOR);
  return [
    floor,
    ...rows.map(([subject, { measured }]) => {
      const limit = targetOf(program, subject);
      const against: Partial<RowKind> =
        baseline === null
          ? {}
          : { baseline, ...(limit === undefined ? {} : { target: { is: 'ratio', limit } as const }) };
      return rowOfSeries({ ...kind(subject), ...against }, measured, perSecond);
    }),
  ];
};

const memoryRows = (memory: Measurements['memory'], { idleActors }: Plan): Row[] =>
  [...memory].map(([subject, { measured }]) => {
    const kind: RowKind = { name: `one of ${idleActors} idle actors: ${SUBJECT_NAMES[subject]}`, unit: 'bytes' };
    const target: Partial<RowKind> =
      subject === 'megactor' ? { target: { is: 'value', limit: IDLE_BYTES_TARGET } } : {};
    return rowOfSeries({ ...kind, ...target }, measured, ({ bytes }) => bytes);
  });

export const rowsOf = ({ rates, memory }: Measurements, plan: Plan): Row[] => [
  ...[...rates].flatMap(([program, of]) => programRows(program, of)),
  ...memoryRows(memory, plan),
];
