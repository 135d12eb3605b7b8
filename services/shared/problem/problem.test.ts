import { definedProblems, invalidRequest, type Problem, problemBody, unavailable } from './problem.ts';

const REQUEST_ID = '0190a8f0-7c3a-7def-8a3b-0c1d2e3f4a5b';
const bodyOf = (problem: Problem, requestId?: string) => JSON.parse(problemBody(problem, requestId));

test('every defined problem says the status that it is sent with, in members that nothing can replace', () => {
  expect(definedProblems().length).toBeGreaterThan(8);
  for (const define of definedProblems()) {
    const problem = define('Why it is so.', {
      extra: { status: 200, type: 'x', title: 'x', detail: 'x', instance: 'x', allowed: ['a'] },
    });
    expect(problem.status).toBe(define.status);
    expect(bodyOf(problem, REQUEST_ID)).toEqual({
      type: `urn:problem-type:${define.type}`,
      title: problem.title,
      status: define.status,
      detail: 'Why it is so.',
      instance: `urn:uuid:${REQUEST_ID}`,
      allowed: ['a'],
    });
  }
});

test('every word is a URN of lower-case letters, with the status of an error', () => {
  for (const { type, status } of definedProblems()) {
    expect(type).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
  }
});

test('instance names the request, by a URI', () => {
  const problem = unavailable('Later.');
  expect(bodyOf(problem, REQUEST_ID.toUpperCase())).toHaveProperty('instance');
  expect(bodyOf(problem, 'abc 123')).toHaveProperty('instance', 'urn:request:abc%20123');
  expect(bodyOf(problem, undefined)).not.toHaveProperty('instance');
});

test('the cause is kept and never sent', () => {
  const problem = unavailable('Later.', { cause: new Error('secret') });
  expect(problem.cause).toBeInstanceOf(Error);
  expect(problemBody(problem, undefined)).not.toContain('secret');
});

test('503 says when to try again', () => {
  expect(unavailable('Later.').headers).toEqual({ 'retry-after': '1' });
  expect(unavailable('Later.', { headers: { 'retry-after': '7' } }).headers).toEqual({ 'retry-after': '7' });
});

test('422 counts the invalid parts', () => {
  const part = { pointer: '#/a', detail: 'is required' };
  expect(invalidRequest([part]).message).toBe('One part of the request is invalid; see errors.');
  expect(invalidRequest([part, part]).message).toBe('2 parts of the request are invalid; see errors.');
});
