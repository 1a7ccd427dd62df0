/** What the national policy is made of: questions, drafts, citizens, interviews, revisions. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dealt, groupOf, planOf, slotsOf } from '../../../../actors/playbooks/policy/cast.ts';
import { chapterText, nationalText } from '../../../../actors/playbooks/policy/chapters.ts';
import { citizenOf } from '../../../../actors/playbooks/policy/citizens.ts';
import { draftOf } from '../../../../actors/playbooks/policy/clauses.ts';
import { CONCERNS, concernNamed } from '../../../../actors/playbooks/policy/concerns.ts';
import {
  draftText,
  readDraft,
  responsibleEdit,
  revisionEdits,
  UNNAMED,
  type Edit,
} from '../../../../actors/playbooks/policy/draft.ts';
import {
  answerText,
  interviewRecord,
  interviewText,
  objectionsOf,
  readAnswer,
  readInterview,
} from '../../../../actors/playbooks/policy/interviews.ts';
import { MINISTRIES, slugOf } from '../../../../actors/playbooks/policy/ministries.ts';
import { DROPPED, revise, type Heard } from '../../../../actors/playbooks/policy/revision.ts';
import { draftPath, expertName } from '../../../../actors/playbooks/policy/texts.ts';
import { checkPlan, indentFurther, limitsWith } from '../../../../src/society/index.ts';

const subjects = MINISTRIES.flatMap(({ name, questions }) => questions.map((question) => ({ name, question })));

const anySubject = fc.record({ seed: fc.nat(), at: fc.nat(subjects.length - 1) }).map(({ seed, at }) => {
  const { name, question } = subjects[at] as (typeof subjects)[number];
  const path = draftPath(name, question.title);
  const subject = { ministry: name, title: question.title, author: expertName(name, question.title) };
  return { seed, path, subject, draft: draftOf(seed, name, question) };
});

type Subject = typeof anySubject extends fc.Arbitrary<infer Value> ? Value : never;

/** What `asked` citizens of the ministry answer, by the way that mails take. */
const hear = ({ seed, path, subject, draft }: Subject, asked: number): readonly Heard[] =>
  Array.from({ length: asked }, (_, index): Heard => {
    const citizen = citizenOf(seed, subject.ministry, index + 1);
    const interview = readInterview(interviewText({ path, clauses: draft.clauses }));
    if (interview === null) throw new Error('an interview was not read back');
    const answer = readAnswer(answerText(citizen, interview));
    if (answer === null) throw new Error('an answer was not read back');
    return { agent: `${subject.ministry}-citizen_${index + 1}`, ...answer };
  });

const apply = (content: string, edits: readonly Edit[]): string => {
  let text = content;
  for (const { old, new: made } of edits) {
    // As edit_file wants it.
    expect(text.split(old)).toHaveLength(2);
    text = text.replace(old, () => made);
  }
  return text;
};

test('ministries and questions have names of their own, and paths', () => {
  const paths = subjects.map(({ name, question }) => draftPath(name, question.title));
  expect(new Set(paths).size).toBe(paths.length);
  expect(new Set(MINISTRIES.map(({ name }) => slugOf(name))).size).toBe(MINISTRIES.length);
  for (const { name, question } of subjects) {
    expect(expertName(name, question.title)).toMatch(/^[A-Za-z0-9_-]{1,64}$/u);
    expect(question.service).toMatch(/^(?:an?|the|[a-z]+) .+[^.]$/u);
  }
});

describe('citizens', () => {
  const people = Array.from({ length: 600 }, (_, index) => citizenOf(7, 'Health', index + 1));

  test('are the same for the same seed and number, and others for others', () => {
    expect(people.map((_, index) => citizenOf(7, 'Health', index + 1))).toEqual(people);
    expect(citizenOf(8, 'Health', 1)).not.toEqual(people[0]);
    expect(citizenOf(7, 'Housing', 1)).not.toEqual(people[0]);
  });

  test('are a spread: every concern is somebody’s, and nobody is a child', () => {
    for (const concern of CONCERNS) {
      const share = people.filter(({ concerns }) => concerns.includes(concern)).length / people.length;
      expect(share, concern).toBeGreaterThan(0.02);
      expect(share, concern).toBeLessThan(0.5);
    }
    const ages = people.map(({ age }) => age);
    expect(Math.min(...ages)).toBeGreaterThanOrEqual(18);
    expect(Math.max(...ages)).toBeGreaterThan(80);
    expect(new Set(people.map(({ job }) => job)).size).toBeGreaterThan(15);
  });

  test('who retires has no shifts, and only the country is far away', () => {
    for (const { job, region, concerns } of people) {
      if (job.startsWith('retired')) expect(concerns).not.toContain('shifts');
      if (region === 'Capital') expect(concerns).not.toContain('far-away');
    }
  });
});

describe('interviews', () => {
  test('what somebody answers depends on the wording', () => {
    const nurse = { name: 'A B', age: 40, job: 'nurse', region: 'West', concerns: ['shifts'] as const };
    const clauses = [{ number: 4, text: 'The offices are open on weekdays from 9 to 16.' }];
    expect(objectionsOf(nurse, clauses)).toEqual([
      { clause: 4, says: expect.stringContaining('As a nurse I work shifts'), wish: 'an open evening every week' },
    ]);
    expect(objectionsOf(nurse, [{ number: 4, text: 'The offices are open on Saturdays.' }])).toEqual([]);
    expect(objectionsOf({ ...nurse, concerns: [] }, clauses)).toEqual([]);
  });

  test('questions and answers are read back as they were meant, also from a mail with indented lines', () => {
    fc.assert(
      fc.property(anySubject, fc.integer({ min: 1, max: 60 }), ({ seed, path, subject, draft }, number) => {
        const citizen = citizenOf(seed, subject.ministry, number);
        const interview = { path, clauses: draft.clauses };
        expect(readInterview(interviewText(interview))).toEqual(interview);
        const answer = answerText(citizen, interview);
        expect(readAnswer(answer)?.objections).toEqual(objectionsOf(citizen, draft.clauses));
        expect(indentFurther(answer).replaceAll(/^ {2}/gmu, '')).toBe(answer);
        for (const { says } of objectionsOf(citizen, draft.clauses)) {
          expect(interviewRecord(citizen, subject.author, interview)).toContain(says);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('what is no interview is none', () => {
    expect(readInterview('Please interview: A, B')).toBeNull();
    expect(readAnswer('(waiting) for questions')).toBeNull();
    expect(readAnswer('Answers (scripted) on a.md by A.\nClause 1: x I wish for the moon.')?.objections).toEqual([]);
  });
});

describe('revisions', () => {
  test('are the same in whatever order the answers come', () => {
    fc.assert(
      fc.property(
        anySubject,
        fc.integer({ min: 0, max: 12 }),
        fc.infiniteStream(fc.nat()),
        (subject, asked, numbers) => {
          const heard = hear(subject, asked);
          const keys = new Map(heard.map(({ agent }) => [agent, numbers.next().value]));
          const mixed = heard.toSorted((left, right) => (keys.get(left.agent) ?? 0) - (keys.get(right.agent) ?? 0));
          expect(revise(subject.draft.clauses, mixed)).toEqual(revise(subject.draft.clauses, heard));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('change the draft where somebody objected and nowhere else, and the file says because of whom', () => {
    fc.assert(
      fc.property(anySubject, fc.integer({ min: 1, max: 8 }), (chosen, asked) => {
        const { subject, draft } = chosen;
        const heard = hear(chosen, asked);
        const revision = revise(draft.clauses, heard);
        const before = draftText(subject, draft);
        const after = apply(before, revisionEdits(subject, draft, revision, asked));
        const read = readDraft(after);
        expect(readDraft(before)).toEqual({ title: subject.title, clauses: draft.clauses, changes: [] });
        expect(read.clauses).toEqual(revision.clauses);
        expect(read.changes).toEqual(
          revision.changes.map(({ number, kind, before: was, voices }) => ({
            number,
            kind,
            before: was,
            voices: voices.map(({ agent, says }) => ({ agent, says })),
          })),
        );
        for (const clause of read.clauses) {
          const change = read.changes.find(({ number }) => number === clause.number);
          const was = draft.clauses.find(({ number }) => number === clause.number);
          if (change === undefined) expect(clause).toEqual(was);
          else {
            expect(change.before).toBe(was?.text ?? null);
            expect(clause.text).not.toBe(change.before);
            expect(change.voices.length).toBeGreaterThan(0);
          }
        }
        const objected = heard.flatMap(({ objections }) => objections).length;
        expect(read.changes.flatMap(({ voices }) => voices)).toHaveLength(objected);
        if (!draft.responsible) expect(apply(after, [responsibleEdit(subject)])).not.toContain(UNNAMED);
      }),
      { numRuns: 60 },
    );
  });

  test('one voice softens a charge, two drop it', () => {
    const clauses = [{ number: 1, text: 'Whoever misses an appointment pays 60 crowns.' }];
    const voice = (agent: string): Heard => {
      const { wish } = concernNamed('cannot-plan');
      return { agent, path: 'a.md', profile: agent, objections: [{ clause: 1, says: 'children', wish }] };
    };
    expect(revise(clauses, [voice('c_1')]).clauses[0]?.text).toContain('pays 60 crowns. Whoever had to care');
    const both = revise(clauses, [voice('c_2'), voice('c_1')]);
    expect(both.clauses[0]?.text).toBe(DROPPED);
    expect(both.changes[0]).toMatchObject({ kind: 'dropped', voices: [{ agent: 'c_1' }, { agent: 'c_2' }] });
  });

  test('what was missing is then there', () => {
    for (const { wording, amend } of CONCERNS.map(concernNamed).filter(({ missing }) => missing === true)) {
      expect(amend('', 1)).toMatch(wording);
    }
  });
});

test('chapters and the national policy count and name what is below them', () => {
  const seed = 3;
  const parts = MINISTRIES.slice(0, 2).map(({ name, questions }) => {
    const drafts = questions.slice(0, 3).map((question) => {
      const path = draftPath(name, question.title);
      const subject = { ministry: name, title: question.title, author: expertName(name, question.title) };
      const draft = draftOf(seed, name, question);
      const heard = hear({ seed, path, subject, draft }, 4);
      const edits = revisionEdits(subject, draft, revise(draft.clauses, heard), 4);
      return { path, content: apply(draftText(subject, draft), edits) };
    });
    return { path: `policy/${slugOf(name)}.md`, content: chapterText(name, drafts, 12), drafts };
  });
  const changes = parts.flatMap(({ drafts }) => drafts.flatMap(({ content }) => readDraft(content).changes));
  expect(changes.length).toBeGreaterThan(2);
  const national = nationalText('a policy', parts);
  expect(national).toContain(`2 ministries: 6 policies, 24 interviews, ${changes.length} clauses changed`);
  for (const { agent } of changes.flatMap(({ voices }) => voices)) expect(national).toContain(agent);
  for (const { path } of parts) expect(national).toContain(`(${path})`);
});

describe('the cast', () => {
  test('is as many as there may be, in groups that the limits allow, and every citizen has one expert', () => {
    fc.assert(
      fc.property(fc.integer({ min: 6, max: 2_600 }), fc.constantFrom(128, 40, 8), (agentsMax, fanOutMax) => {
        const limits = limitsWith({ agentsMax, fanOutMax });
        const plan = planOf('a goal', agentsMax, fanOutMax);
        const checked = checkPlan(plan, limits);
        expect(checked).toMatchObject({ ok: true });
        const slots = slotsOf(agentsMax, fanOutMax);
        const all = slots.reduce((sum, each) => sum + 1 + each, 2);
        const room = 2 + slots.length * (1 + fanOutMax);
        expect(all).toBe(Math.min(agentsMax, room));
        for (const each of slots) {
          const group = groupOf(each);
          expect(group.experts + group.citizens).toBe(each);
          const asked = Array.from({ length: group.experts }, (_, index) => dealt(group, index));
          expect(asked.flat().toSorted((left, right) => left - right)).toEqual(
            Array.from({ length: group.citizens }, (_, index) => index + 1),
          );
          if (each > 2) for (const one of asked) expect(one.length).toBeGreaterThan(0);
        }
      }),
    );
  });

  test('590 agents are 18 ministries', () => {
    const slots = slotsOf(590, 128);
    expect(slots).toHaveLength(18);
    expect(slots.map((each) => groupOf(each)).filter(({ experts }) => experts === 8)).toHaveLength(12);
  });
});
