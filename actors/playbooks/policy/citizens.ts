/**
 * Citizens: who they are, as a function of the seed, their ministry and their number. The spread is plausible and nothing
 * more: ages, jobs and regions are drawn, and what somebody cares about follows from them and from a draw. Nobody of them
 * exists.
 */
import { draw, pick, streamOf } from '../../../src/model/rehearsal/draw.ts';
import { concernNamed, CONCERNS, type ConcernName } from './concerns.ts';

export interface Citizen {
  readonly name: string;
  readonly age: number;
  readonly job: string;
  readonly region: string;
  readonly concerns: readonly ConcernName[];
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/u);

const FIRST_NAMES = words(`
  Mara Jonas Lena Tomas Ida Viktor Selma Anton Rosa Emil Nadia Peter Clara Milan Vera Oskar Julia Samir Hanna David
  Leyla Martin Alma Felix Irina Paul Greta Yusuf Elsa Simon Amina Karl Thea Luis Agnes Boris Carla Henrik Zoe Ivan`);
const LAST_NAMES = words(`
  Lindqvist Moreau Haddad Novak Berger Santos Olsen Keller Petrov Marin Fischer Okafor Jansen Silva Weber Dahl Costa
  Meyer Rossi Larsen Kaya Horvat Blanc Nilsen Perez Vogel Adler Simic Braun Castel Demir Engel Forster Garcia Hoffer
  Ilic Jensen Kranz Lopez Maurer`);

const TOWNS = words('Capital Harbour Centre Valley East West');
const COUNTRY = words('Highlands Islands Lakes Borderlands Plains Delta Moors Forest');
const COUNTRY_SHARE = 0.45;

const SHIFTS = ['nurse', 'bus driver', 'baker', 'night porter', 'train driver', 'paramedic'];
const IRREGULAR = ['translator', 'musician', 'fisher', 'seasonal worker', 'photographer'];
const TRADES = ['carpenter', 'plumber', 'hairdresser', 'roofer', 'shopkeeper', 'farmer'];
const OTHERS = ['teacher', 'clerk', 'engineer', 'cook', 'cleaner', 'librarian', 'programmer', 'warehouse worker'];

const ADULT = 18;
const RETIRED = 66;

const ageOf = (random: () => number): number => ADULT + Math.floor(random() * 72);

const jobOf = (age: number, random: () => number): string => {
  if (age >= RETIRED) return `retired ${pick(random, [...TRADES, ...OTHERS])}`;
  if (age < 25 && random() < 0.6) return 'student';
  return pick(random, [...SHIFTS, ...IRREGULAR, ...TRADES, ...OTHERS]);
};

/** How probable a concern is for somebody who has this life. */
const likelihoodOf = (concern: ConcernName, { age, job, region }: Omit<Citizen, 'name' | 'concerns'>): number => {
  const likely = (condition: boolean, then: number, otherwise: number): number => (condition ? then : otherwise);
  switch (concern) {
    case 'offline':
      return likely(age >= 70, 0.7, 0.08);
    case 'shifts':
      return likely(SHIFTS.includes(job), 1, 0);
    case 'little-money':
      return likely(job === 'student' || job === 'cleaner' || age >= RETIRED, 0.6, 0.15);
    case 'far-away':
      return likely(COUNTRY.includes(region), 0.8, 0);
    case 'other-language':
      return 0.18;
    case 'privacy':
      return 0.25;
    case 'changing-income':
      return likely(IRREGULAR.includes(job), 1, likely(TRADES.includes(job), 0.4, 0));
    case 'cannot-plan':
      return likely(age >= 25 && age <= 45, 0.5, 0);
    case 'cannot-wait':
      return 0.3;
    case 'steps':
      return likely(age >= 75, 0.6, 0.07);
    case 'local-trade':
      return likely(TRADES.includes(job), 0.8, 0);
    case 'fairness':
      return 0.2;
    case 'cares-for-somebody':
      return likely(age >= 38 && age <= 70, 0.25, 0.03);
    case 'wants-results':
      return 0.15;
    default:
      return concern satisfies never;
  }
};

/** The citizen with this number of a ministry. @param number from 1 */
export const citizenOf = (seed: number, ministry: string, number: number): Citizen => {
  const random = streamOf(seed, 'citizen', ministry, number);
  const name = `${pick(random, FIRST_NAMES)} ${pick(random, LAST_NAMES)}`;
  const age = ageOf(random);
  const job = jobOf(age, random);
  const region = pick(random, random() < COUNTRY_SHARE ? COUNTRY : TOWNS);
  const life = { age, job, region };
  const concerns = CONCERNS.filter(
    (concern) => draw(seed, 'concern', ministry, number, concern) < likelihoodOf(concern, life),
  );
  return { name, ...life, concerns };
};

/** Who somebody is, in a few words. */
export const shortProfile = ({ name, age, job, region }: Citizen): string => `${name} (${age}, ${job}, ${region})`;

/** The person that an agent is to play, as the item of a team says it. */
export const profileText = (citizen: Citizen): string => {
  const { concerns } = citizen;
  const cares =
    concerns.length === 0 ? 'content with most things' : concerns.map((name) => concernNamed(name).profile).join('; ');
  return `${shortProfile(citizen)}: ${cares}.`;
};
