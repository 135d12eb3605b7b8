import { type Answer, JSON_TYPE } from '../http/answer.ts';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An answer's resource, or each of its page, without the members that its reader may not see. Problems stay as they are. */
export function hide(answer: Answer, members: readonly string[]): Answer {
  if (answer.body === undefined || answer.headers['content-type'] !== JSON_TYPE['content-type'])
    return answer;
  const body: unknown = JSON.parse(answer.body);
  const resources = isObject(body) && Array.isArray(body.items) ? body.items : [body];
  for (const resource of resources) {
    if (isObject(resource)) for (const member of members) delete resource[member];
  }
  return { ...answer, body: JSON.stringify(body) };
}
