import { setImmediate } from 'node:timers/promises';
import type { Db } from '../db/database.ts';
import { unavailable } from '../problem/problem.ts';
import { insertEvents } from './audit-store.ts';
import type { AuditEvent } from './event.ts';

export interface Recorder {
  /** Resolves when the event is durable. @throws unavailable when it cannot be written, or too many wait */
  record: (event: AuditEvent) => Promise<void>;
}

/** A request's event waits behind this many at most; that is more than there are requests at once. */
const MAX_WAITING = 1_024;

interface Waiting {
  event: AuditEvent;
  resolve: () => void;
  reject: (error: unknown) => void;
}

const notRecorded = (cause?: unknown) =>
  unavailable('The audit trail cannot be written, so that nothing is told; try again.', { cause });

/**
 * Makes events durable that no transaction carries. One insert is under way at a time and takes all that wait, so that a commit is
 * shared by as many requests as come meanwhile.
 */
export function createRecorder(db: Db, maxWaiting = MAX_WAITING): Recorder {
  let waiting: Waiting[] = [];
  let isWriting = false;

  const write = async (): Promise<void> => {
    isWriting = true;
    // Those that come in the same turn of the event loop go with the first; all others gather while one is written.
    await setImmediate();
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await insertEvents(
          db,
          batch.map(({ event }) => event),
        );
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(notRecorded(error));
      }
    }
    isWriting = false;
  };

  return {
    record: (event) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= maxWaiting) {
          reject(notRecorded());
          return;
        }
        waiting.push({ event, resolve, reject });
        if (!isWriting) void write();
      }),
  };
}
