import { once } from 'node:events';
import { ConfigurationError } from '../shared/config/environment.ts';
import { apiClient } from './api-client.ts';
import { callsToTry } from './calls-to-try.ts';
import { CannotStart } from './cannot-start.ts';
import { readConfig } from './config.ts';
import { claimDataFolder, holderOf, LEAVING_MS } from './data-folder.ts';
import { loadDemo } from './demo/load.ts';
import { openLocalIssuer } from './issuer.ts';
import { superviseParts } from './parts.ts';
import { requireFreePorts } from './ports.ts';
import { loopback, startParts } from './start.ts';

/** Everything stops when this is aborted: by a signal, whose name is the reason, or by an error. */
const halt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => halt.abort(signal));
for (const event of ['uncaughtException', 'unhandledRejection'])
  process.on(event, (error) => halt.abort(error));
// The terminal may be gone before we are.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const parts = superviseParts((reason) => halt.abort(new CannotStart(`${reason}: stopping the rest.`)));

async function run(): Promise<void> {
  const config = readConfig(process.argv.slice(2));
  if (config.npm !== undefined) stopWith(config.npm);
  const { state } = await holderOf(config.dataFolder);
  await requireFreePorts(config.ports, state === 'killed' || state === 'leaving' ? LEAVING_MS : 0);
  const release = await claimDataFolder(config.dataFolder, config.npm);
  try {
    await startParts(config, parts, halt.signal);
    const gateway = loopback(config.ports.PORT);
    const token = config.auth ? await adminToken(config.dataFolder) : undefined;
    const api = apiClient(gateway, halt.signal, token);
    const loaded = config.demo ? await loadDemo(api) : undefined;
    if (loaded) console.log(`Loaded a demo clinic: ${loaded}.`);
    console.log(`
gateway  ${gateway}
patient  ${loopback(config.ports.PATIENT_PORT)}/docs
doctor   ${loopback(config.ports.DOCTOR_PORT)}/docs

Try:
${(await callsToTry(api, gateway, config.auth ? BEARER : '')).join('\n')}
`);
    console.log('ready');
    if (!halt.signal.aborted) await once(halt.signal, 'abort');
    if (isSignal(halt.signal.reason)) console.log(`${halt.signal.reason}: stopping`);
  } finally {
    await parts.stop();
    await release();
  }
}

/** What a shell puts into each call. */
const BEARER = ' -H "Authorization: Bearer $(npm run -s token -- --role admin)"';

const adminToken = async (dataFolder: string): Promise<string> =>
  (await openLocalIssuer(dataFolder)).sign({ sub: 'npm start', role: 'admin' }, 10);

/** npm that was killed could not pass a signal on: we would stay behind and hold the ports. */
function stopWith(npm: number): void {
  setInterval(() => {
    if (process.ppid !== npm) halt.abort(new CannotStart('npm is gone: stopping.'));
  }, 500).unref();
}

const isSignal = (reason: unknown): reason is string => typeof reason === 'string';

const failure: unknown = await run().catch((error: unknown) => error);
const reason = halt.signal.aborted ? halt.signal.reason : failure;
if (reason !== undefined && !isSignal(reason)) {
  const isForeseen = reason instanceof CannotStart || reason instanceof ConfigurationError;
  console.error(isForeseen ? reason.message : reason);
}
process.exit(isSignal(reason) ? 0 : 1);
