// Kills the patient service and its database under load, and looks for the event of every 2xx that a client saw.
// npm run test:crashes -- [--cycles N]
import { parseArgs } from 'node:util';
import { crash } from '../../services/testing/audit-crash.ts';

const { values } = parseArgs({ options: { cycles: { type: 'string', default: '100' } } });
const { answered, wrong, verification } = await crash(Number(values.cycles));
console.log(
  `${values.cycles} crashes, ${answered} answers 2xx, ${wrong.length} of them without their one event`,
);
console.log(verification);
process.exit(wrong.length === 0 && verification.ok ? 0 : 1);
