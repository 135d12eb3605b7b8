import { eventually } from '../../services/testing/eventually.ts';
import { type Aftermath, aftermath, type Clinic } from './clinic.ts';
import { measured } from './limits.ts';
import { RAMP_MS, type Report, startTraffic, summary, type Traffic } from './traffic.ts';

const LEAD_MS = 2_000;

const reaches = (traffic: Traffic, ms: number): Promise<void> =>
  eventually(async () => {
    if (traffic.elapsed() < ms) throw new Error('not yet');
  }, 2 * ms);

/** What came of the requests while something happened to the pods, from a while before to a while after, and what was left behind. */
export async function underLoad(
  clinic: Clinic,
  what: string,
  happens: (traffic: Traffic) => Promise<void>,
): Promise<Report & Aftermath> {
  const traffic = startTraffic(clinic);
  try {
    await reaches(traffic, RAMP_MS + LEAD_MS);
    await happens(traffic);
    await reaches(traffic, traffic.elapsed() + LEAD_MS);
  } catch (error) {
    await traffic.stop();
    throw error;
  }
  const report = await traffic.stop();
  measured(what, summary(report));
  return { ...report, ...(await aftermath(report.acknowledged, 10)) };
}
