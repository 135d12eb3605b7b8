// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is found and put are texts of the sources
import { edits, type Mutant } from './mutant.ts';

const audited = edits('services/audited');

const APP = 'services/shared/http/app.ts';
const EVENT = 'const event = trail.kept ? undefined : eventOf(trail, answer);';
const RECORD = 'if (event !== undefined) await record(event);';

/** An event that leaves out those answers. */
const unless = (condition: string): string => EVENT.replace('trail.kept ?', `trail.kept || ${condition} ?`);

/** What is told, and whom the trail then knows nothing of. */
export const auditedMutants: readonly Mutant[] = [
  audited('no event: of reads', APP, EVENT, unless('answer.status === 200')),
  audited('no event: of 304', APP, EVENT, unless('answer.status === 304')),
  audited('no event: of 403', APP, EVENT, unless('answer.status === 403')),
  audited('no event: of 404', APP, EVENT, unless('answer.status === 404')),
  audited('no event: of 409 and 412', APP, EVENT, unless('[409, 412].includes(answer.status)')),
  audited(
    'no event: of those who have no role',
    APP,
    '{ subject: error.subject, role: undefined }',
    'undefined',
  ),
  audited(
    'an answer does not wait for its event',
    APP,
    RECORD,
    'if (event !== undefined) record(event).catch(() => undefined);',
  ),
  audited(
    'what cannot be recorded is told',
    APP,
    `${RECORD}\n      } catch (error) {\n        answer = failureAnswer(req, error);`,
    `${RECORD}\n      } catch {`,
  ),
  audited('an event is kept twice', APP, EVENT, 'const event = eventOf(trail, answer);'),
  audited(
    'ids in the path are not noted',
    'services/shared/http/call.ts',
    '    trail.resourceId = id ?? trail.resourceId;\n',
    '',
  ),
  audited(
    'a change does not take its event with it',
    'services/shared/audit/keep.ts',
    '  await insertEvents(tx, [event]);\n',
    '',
  ),
  audited(
    'a booking does not take its event with it',
    'services/patient/appointments/book.ts',
    'const event = eventOf(call.trail, { status: 202 });',
    'const event = undefined;',
  ),
  audited(
    'a change with a key does not take its event with it',
    'services/shared/idempotency/once.ts',
    'await Promise.all([keepEvent(tx, trail, told), insertKey(tx.last, key, outcome)]);',
    'await insertKey(tx.last, key, outcome);',
  ),
  audited(
    'a wish without a key does not take its event with it',
    'services/patient/appointments/change.ts',
    '      await keepEvent(tx.last, trail, toldSoFar(opened));\n',
    '',
  ),
  audited(
    'a list tells nobody whom it is about',
    'services/shared/db/list.ts',
    "const about = list.about === undefined ? '' : `, ${list.about} as about`;",
    "const about = '';",
  ),
  audited(
    'anybody’s X-Forwarded-For is believed',
    'services/shared/http/client-address.ts',
    'while (client !== undefined && isTrusted(client)) {',
    'while (client !== undefined) {',
  ),
];
