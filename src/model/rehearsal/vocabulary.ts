/**
 * Words of the rehearsal: names of groups and jobs, and the sentences of its synthetic policy texts. Names are unique
 * per seed by construction: a group's members carry the group's name.
 */
import { hashString } from '../../protocol/ids.ts';
import { pick, shuffled, streamOf } from './draw.ts';
import type { Random } from '../../platform/index.ts';

export const NAME_LENGTH_MAX = 64;

const words = (text: string): string[] => text.trim().split(/\s+/u);

const MINISTRIES = words(`
  Health Education Housing Transport Energy Water Agriculture Environment Finance Labour Justice Interior Culture Science
  Digital Trade Industry Welfare Pensions Family Youth Sport Tourism Planning Statistics Defence Diplomacy Migration
  Fisheries Forestry Mining Taxation Customs Procurement Archives Broadcasting Consumer Competition Insurance Banking
  Emergency Police Courts Prisons Heritage Libraries Museums Universities Schools Hospitals Railways Ports Aviation Roads
  Telecom Postal Climate Waste Recycling Biodiversity Nutrition Veterinary Veterans Disability Equality Elections`);

const TOPICS = words(`
  Strategy Budget Access Standards Training Staffing Data Evaluation Outreach Regions Rural Urban Prevention Research
  Inspection Licensing Grants Procurement Safety Quality Logistics Infrastructure Maintenance Inclusion Complaints
  Forecasting Legislation Ethics Privacy Partnerships Pilots Monitoring Reporting Audits Emergencies Funding Innovation
  Workforce Technology Communication Consultation Compliance Pricing Capacity Coordination Indicators Supply Demand`);

const REGIONS = words('North South East West Centre Coast Valley Islands Capital Highlands Lakes Border Plains Delta');

const numbered = (names: readonly string[], index: number): string => {
  const name = names[index % names.length] ?? 'Member';
  const round = Math.floor(index / names.length);
  return round === 0 ? name : `${name}-${round + 1}`;
};

/** `count` unique names for groups under the Boss. */
export const groupNames = (seed: number, count: number): string[] => {
  const names = shuffled(streamOf(seed, 'groups'), MINISTRIES);
  return Array.from({ length: count }, (_, index) => numbered(names, index));
};

/** A name below `parent` that nobody else has: the parent's name, or its hash where that would get too long. */
const below = (parent: string, part: string): string => {
  const name = `${parent}-${part}`;
  if (name.length <= NAME_LENGTH_MAX) return name;
  return `${parent.slice(0, 24)}-${hashString(parent).toString(36)}-${part}`;
};

/** `count` unique names for members of the group that `lead` leads; sections are groups again. */
export const memberNames = (seed: number, lead: string, count: number, kind: 'member' | 'section'): string[] => {
  if (lead === 'Boss') {
    const names = groupNames(seed, count);
    return kind === 'member' ? names : names.map((name) => `${name}-Office`);
  }
  const names = shuffled(streamOf(seed, 'members', lead, kind), kind === 'member' ? TOPICS : REGIONS);
  return Array.from({ length: count }, (_, index) => below(lead, numbered(names, index)));
};

/** Another name for `name` when it was taken, the `attempt`-th. */
export const otherName = (name: string, attempt: number): string =>
  attempt === 0 ? name : `${name.slice(0, NAME_LENGTH_MAX - 3)}-x${attempt + 1}`;

/** `name` without the name of its group. */
export const shortName = (name: string, group: string): string =>
  name.startsWith(`${group}-`) && name.length > group.length + 1 ? name.slice(group.length + 1) : name;

const ACTORS = [
  'The regional offices',
  'Local councils',
  'The advisory board',
  'Independent auditors',
  'Service providers',
  'The coordination unit',
  'Civil society groups',
  'The statistics service',
];
const DEEDS = [
  'publish quarterly figures on',
  'set binding standards for',
  'share responsibility for',
  'receive a fixed budget for',
  'review every second year',
  'consult residents about',
  'train their staff in',
  'test in three pilot districts',
];
const MATTERS = [
  'access in rural districts',
  'the quality of services',
  'waiting times',
  'the cost of maintenance',
  'early prevention',
  'support for low incomes',
  'the use of shared data',
  'supply in emergencies',
];
const TERMS = [
  'within twelve months',
  'by the end of the second year',
  'as soon as funding is confirmed',
  'starting with the largest towns',
  'under a public timetable',
  'subject to an annual review',
];

/** One sentence of a synthetic policy. */
export const sentence = (random: Random): string =>
  `${pick(random, ACTORS)} ${pick(random, DEEDS)} ${pick(random, MATTERS)} ${pick(random, TERMS)}.`;

/** `count` sentences as one paragraph. */
export const paragraph = (random: Random, count: number): string =>
  Array.from({ length: count }, () => sentence(random)).join(' ');
