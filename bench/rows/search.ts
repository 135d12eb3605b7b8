import { type Latency, latencies, told } from '../latency.ts';
import { getRequest } from '../load.ts';
import { nameOf } from '../names.ts';
import type { Bench, Measurement } from '../row.ts';

const PER_SECOND = 100;

const searchFor = (words: string): string =>
  getRequest(`/patients?search=${encodeURIComponent(words)}&limit=20`);

/** Of a name that somebody may have, as often as people have it. */
const prefix = (): string => nameOf().familyName.slice(0, 3);

/** The beginning of a given name before that of a family name, as people type who do not know how it was entered. */
const words = (): string => {
  const { familyName, givenName } = nameOf();
  return `${givenName.slice(0, 4)} ${familyName.slice(0, 5)}`;
};

/** Search by the beginning of one name, and by several words in any order. */
export async function search({ sized, quick, rounds, seconds, progress }: Bench): Promise<Measurement> {
  const measure = async (about: string, of: () => string): Promise<[Latency, Latency, Latency]> => {
    const questions = sized.map(({ system }) => ({ port: system.patient.port, next: () => searchFor(of()) }));
    const options = {
      perSecond: PER_SECOND,
      seconds,
      rounds,
      quick,
      progress: (text: string) => progress(`${about}, ${text}`),
    };
    return (await latencies(questions, options)) as [Latency, Latency, Latency];
  };
  const prefixes = await measure('prefix', prefix);
  const several = await measure('several words', words);
  const among = `among ${sized[2].data.patients.toLocaleString('en')} patients`;
  const growthOf = ([, middle, large]: [Latency, Latency, Latency]) => ({
    measured: large.p50 / middle.p50,
    atMost: 1.3,
    of: `${told(middle)}; ${told(large)}`,
  });
  return {
    rows: [
      {
        row: `search ${among}, three letters: p99, ms`,
        measured: prefixes[2].p99,
        atMost: 8,
        of: `${PER_SECOND}/s, 20 each; ${told(prefixes[2])}`,
      },
      {
        row: `search ${among}, several words: p99, ms`,
        measured: several[2].p99,
        atMost: 25,
        of: `${PER_SECOND}/s, 20 each; ${told(several[2])}`,
      },
      { row: 'search, three letters: median, ten times the data ÷ this', ...growthOf(prefixes) },
      { row: 'search, several words: median, ten times the data ÷ this', ...growthOf(several) },
    ],
    growth: [
      { what: 'search, three letters, p50', unit: 'ms', values: prefixes.map(({ p50 }) => p50) },
      { what: 'search, several words, p50', unit: 'ms', values: several.map(({ p50 }) => p50) },
    ],
  };
}
