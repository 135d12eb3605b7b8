// Loaded before a service of a fault run. It ends with whoever started it, even by SIGKILL: its standard input is a pipe from there.
// And its clock can jump: SIGUSR2 moves it by CLOCK_JUMP_MS, the next one takes it back.
const jumpMs = Number(process.env.CLOCK_JUMP_MS ?? 0);

process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL'));
process.stdin.resume();
process.stdin.unref();

const RealDate = Date;
let shiftMs = 0;
const now = () => RealDate.now() + shiftMs;
const JumpingDate = new Proxy(RealDate, {
  construct: (target, args) => Reflect.construct(target, args.length === 0 ? [now()] : args),
  apply: () => new RealDate(now()).toString(),
  get: (target, member) => (member === 'now' ? now : Reflect.get(target, member)),
});

process.on('SIGUSR2', () => {
  shiftMs = shiftMs === 0 ? jumpMs : 0;
  // From the first jump on only: it is slower.
  globalThis.Date = JumpingDate;
});
