import { z } from 'zod';

/** What an audit event tells to whoever it is shown. */
const shown = {
  id: z.int(),
  recordedAt: z.iso.datetime(),
  subject: z.string(),
  role: z.string().optional(),
  action: z.enum(['create', 'read', 'update', 'delete', 'search']),
  method: z.string(),
  route: z.string(),
  status: z.int().describe('Of the answer; 202 where the event was kept before the final answer was known'),
  problem: z.string().optional(),
  resourceId: z.uuid().optional(),
};

/** One answered request, as an admin sees it. */
export const auditEvent = z.strictObject({
  ...shown,
  patientIds: z.array(z.uuid()).describe('Whose data the answer held, or the request changed or asked for'),
  sourceIp: z.string().optional(),
  requestId: z.string(),
});

/** One answered request about a patient, as the patient sees it: nobody else's id, and nothing about machines. */
export const accessLogEntry = z.strictObject(shown);
