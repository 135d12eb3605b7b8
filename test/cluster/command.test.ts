import { run, tryRun } from './command.ts';

test('a program that does not end is killed, and the error says which and what it said last', async () => {
  const started = performance.now();
  // What it starts lives on, and holds its output.
  await expect(tryRun('sh', ['-c', 'echo waiting; sleep 5 & sleep 5'], { timeoutMs: 500 })).rejects.toThrow(
    'sh -c echo waiting; sleep 5 & sleep 5 did not end within 0.5 s: waiting',
  );
  expect(performance.now() - started).toBeLessThan(3_000);
});

test('what a program says is returned, and its last words are the reason when it fails', async () => {
  expect(await run('cat', [], { input: 'given' })).toBe('given');
  await expect(run('sh', ['-c', 'echo no >&2; exit 3'])).rejects.toThrow(/ended with 3: no/);
});
