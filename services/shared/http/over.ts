import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const unanswered = new WeakMap<Socket, Set<() => void>>();

/** What is called when the connection ends: Node tells it to the first of the answers that are due on it, and not to those behind. */
function endsOf(socket: Socket): Set<() => void> {
  const known = unanswered.get(socket);
  if (known !== undefined) return known;
  const ends = new Set<() => void>();
  unanswered.set(socket, ends);
  socket.once('close', () => {
    for (const end of ends) end();
  });
  return ends;
}

/** Calls `done` once, when the answer of a request is out or its connection has ended; at once if that has been. */
export function whenOver({ socket }: IncomingMessage, res: ServerResponse, done: () => void): void {
  if (socket.destroyed || res.destroyed) {
    done();
    return;
  }
  const ends = endsOf(socket);
  const end = () => {
    if (ends.delete(end)) done();
  };
  ends.add(end);
  res.once('close', end);
}
