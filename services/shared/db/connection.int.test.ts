import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../testing/eventually.ts';
import { connectionSettings } from './connection.ts';

let server: Server;
/** What the socket wrote, write by write: what is received may be joined on the way. */
let sent: string[];
let socket: Socket;
let database: Socket;

async function connect(sends: Parameters<typeof connectionSettings>[1]): Promise<void> {
  const { stream } = connectionSettings('postgres://nobody', sends);
  socket = (stream as () => Socket)();
  const accepted = once(server, 'connection');
  socket.connect((server.address() as AddressInfo).port, '127.0.0.1');
  [database] = (await accepted) as [Socket];
  database.setNoDelay(true);
  sent = [];
  const write = socket._write.bind(socket);
  socket._write = (chunk, ...more) => {
    sent.push(String(chunk));
    write(chunk, ...more);
  };
}

/** As `pg` does. */
function ask(question: string): void {
  socket.cork();
  for (const letter of question) socket.write(Buffer.from(letter));
  socket.uncork();
}

beforeAll(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  socket.destroy();
  database.destroy();
});
afterAll(() => void server.close());

test('questions of one turn go out together, and the next ones need no answer', async () => {
  await connect('byTurn');
  ask('one');
  ask('two');
  await eventually(async () => expect(sent).toEqual(['onetwo']));
  ask('three');
  await eventually(async () => expect(sent).toEqual(['onetwo', 'three']));
});

test('with byAnswer, questions that come before an answer wait for it, and go out together', async () => {
  await connect('byAnswer');
  ask('one');
  await eventually(async () => expect(sent).toEqual(['one']));
  ask('two');
  await sleep(20);
  ask('three');
  await sleep(20);
  expect(sent).toEqual(['one']);
  database.write('first answer');
  await eventually(async () => expect(sent).toEqual(['one', 'twothree']));
  database.write('second answer');
  await sleep(20);
  ask('four');
  await eventually(async () => expect(sent).toEqual(['one', 'twothree', 'four']));
});
