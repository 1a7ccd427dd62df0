/**
 * The country's ministries, and the questions that each of them answers with a policy. Data alone: names of agents and
 * paths follow from it, and `clauses.ts` makes texts of it.
 *
 * Titles are unique within a ministry; what follows the colon completes "Every resident is entitled to …".
 */

export interface Question {
  readonly title: string;
  /** What residents get, as a noun phrase. */
  readonly service: string;
}

export interface Ministry {
  /** Also the name of the agent that leads it. */
  readonly name: string;
  readonly questions: readonly Question[];
}

const ministry = (name: string, lines: string): Ministry => ({
  name,
  questions: lines
    .trim()
    .split('\n')
    .map((line) => {
      const colon = line.indexOf(':');
      return { title: line.slice(0, colon).trim(), service: line.slice(colon + 1).trim() };
    }),
});

export const MINISTRIES: readonly Ministry[] = [
  ministry(
    'Health',
    `Waiting times: an appointment with a specialist within six weeks
    Village surgeries: a doctor's surgery within half an hour of home
    Home care: care at home after a stay in hospital
    Vaccination: free vaccination at school, at work or at a pharmacy
    Mental health: a first talk about mental health within ten days
    Dental care: a dental check-up every year
    Night services: a doctor on call and an open pharmacy at night
    Patient records: a copy of the own patient record`,
  ),
  ministry(
    'Education',
    `Early years: a place in a nursery from the age of two
    School meals: a warm meal on every school day
    Class sizes: classes of at most twenty-four pupils
    Vocational training: a training place after leaving school
    Adult learning: ten days of paid learning a year
    School transport: a seat in a school bus
    Reading support: extra reading lessons in the first three years
    Study grants: a grant during a first degree`,
  ),
  ministry(
    'Housing',
    `Rent support: support with a rent above a third of the income
    Social housing: a place on one common list for social housing
    Empty homes: a lease of a home that has stood empty for a year
    Home repairs: urgent repairs within three days
    Heating renewal: a grant for a new heating system
    Student rooms: a room near the place of study
    Moving help: help with a move to a smaller home
    Home safety: a free check of wires, gas and alarms`,
  ),
  ministry(
    'Transport',
    `Village buses: a bus every hour in every village
    Night lines: a night line at weekends
    Cycle paths: a cycle path to the nearest station
    Fares: one ticket for all buses and trains
    Winter roads: a cleared road by six in the morning
    Call taxis: a shared taxi on call where no bus goes
    Station access: a way without steps to every platform
    Freight: a place to unload goods in every town centre`,
  ),
  ministry(
    'Energy',
    `Power bills: a basic amount of power at a fixed price
    Roof panels: a connection for panels on the own roof
    Insulation: advice on insulation at home
    District heat: a connection to district heating
    Outages: word of an outage two days before
    Shared wind: a share in the wind farms of the region
    Smart meters: a meter that shows the use of power
    Old boilers: an exchange of boilers older than twenty years`,
  ),
  ministry(
    'Water',
    `Clean taps: water that is tested every month
    Flood cover: a place in a flood insurance
    Rain tanks: a grant for a rain tank
    Lead pipes: an exchange of lead pipes
    River swimming: a bathing place that is tested in summer
    Wells: a test of the own well
    Water prices: a basic amount of water at a fixed price
    Sewers: a connection to the sewer`,
  ),
  ministry(
    'Labour',
    `Job search: a talk with an adviser within a week
    Shift work: a plan of shifts four weeks ahead
    Safe workplaces: an inspection on request
    Retraining: a paid year of retraining
    Part time: a return from part time to full time
    Seasonal work: a contract in writing from the first day
    Work at home: two days a week at home where the work allows it
    Older workers: a check-up of the workplace from the age of fifty-five`,
  ),
  ministry(
    'Family',
    `Parental leave: fourteen months of leave that parents share
    Child benefit: one benefit for every child
    Day care: a place in day care near home or work
    Single parents: an advance on maintenance
    Holiday care: care in the school holidays
    Carers: six weeks of leave to care for a relative
    Family centres: a family centre in walking distance
    Youth clubs: a youth club that is open five days a week`,
  ),
  ministry(
    'Pensions',
    `Basic pension: a pension above the poverty line
    Early retirement: an early pension after forty-five years of work
    Carer credits: pension credits for years of care
    Pension statements: a statement every year
    Widowed partners: a pension for the surviving partner
    Work in retirement: pay beside the pension
    Self-employed pensions: a place in the common pension scheme
    Disability pensions: a pension after an accident at work`,
  ),
  ministry(
    'Agriculture',
    `Small farms: a payment for farms below twenty hectares
    Young farmers: a loan for the first own farm
    Soil: a soil test every third year
    Farm shops: a licence for a farm shop
    Animal welfare: a grant for a larger stable
    Drought aid: aid after a dry summer
    Seasonal lodging: lodging for seasonal workers
    Machinery rings: a share in a machinery ring`,
  ),
  ministry(
    'Environment',
    `Clean air: a measuring station in every town
    Waste: collection of seven kinds of waste
    Repair: a voucher for repairs
    Parks: a park in walking distance
    Noise: a noise limit at night
    Trees: a tree in front of the house
    Deposit bottles: a deposit on every bottle
    Nature guides: a guided walk for every school class`,
  ),
  ministry(
    'Digital',
    `Broadband: a fast line to every home
    Online forms: every form of the state online
    Digital identity: a digital identity card
    Public computers: a public computer with somebody who helps
    Open data: the data that the state has gathered
    Mobile coverage: a mobile network along every road
    Safe accounts: help after an account was stolen
    School devices: a device for every pupil`,
  ),
  ministry(
    'Justice',
    `Legal advice: an hour of free legal advice
    Small claims: a judgement on small claims within three months
    Mediation: mediation before a lawsuit between neighbours
    Victim support: somebody to turn to after a crime
    Court language: an interpreter in court
    Debt advice: advice before debts grow
    Tenancy courts: a hearing on a rent within four weeks
    Clean records: a clean record after seven years`,
  ),
  ministry(
    'Interior',
    `Fire brigades: a fire brigade within twelve minutes
    Emergency calls: an emergency call by voice, text or video
    Identity papers: an identity card within two weeks
    Disaster alerts: an alert on every telephone
    Local police: a known officer in every district
    Volunteers: leave for volunteers
    Elections: a polling station in walking distance
    Citizenship: a decision on citizenship within a year`,
  ),
  ministry(
    'Finance',
    `Tax returns: a tax return that is filled in beforehand
    Bank accounts: a bank account for everybody
    Small businesses: one contact for a small business
    Savings: a bonus for small savings
    Cash: a place to draw cash in every village
    Tax advice: a talk about taxes before a deadline
    Local budgets: a vote on a part of the local budget
    Refunds: a refund within four weeks`,
  ),
  ministry(
    'Culture',
    `Libraries: a library that is open on Sundays
    Museum days: a free day in every museum
    Music schools: a place in a music school
    Local radio: a local radio of the own region
    Heritage: a grant for the upkeep of an old house
    Village halls: a hall for the evenings of the village
    Festivals: a permit for a street festival
    Artists: a room to work in for artists`,
  ),
  ministry(
    'Science',
    `Doctoral posts: a contract for the whole doctorate
    School labs: a day in a laboratory for every class
    Open results: the results of research paid by the state
    Citizen science: a part in research of the own region
    Patents: a first search for patents
    Research leave: half a year of leave for research
    Science shops: an answer to a question of science
    Instruments: time at a shared instrument`,
  ),
  ministry(
    'Integration',
    `Language courses: a place in a language course
    Recognition: a decision on a foreign degree within three months
    First months: a guide in the first six months
    Meeting places: a meeting place in every district
    School starts: a place at school within four weeks
    Interpreting: an interpreter at the doctor's
    Work permits: a work permit from the first day
    Mentors: a mentor in the own profession`,
  ),
];

/** The part of a path that stands for a title. */
export const slugOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/gu, '-')
    .replaceAll(/^-|-$/gu, '');

/** @throws RangeError when there is none of that name */
export const ministryNamed = (name: string): Ministry => {
  const found = MINISTRIES.find((candidate) => candidate.name === name);
  if (found === undefined) throw new RangeError(`there is no ministry ${name}`);
  return found;
};
