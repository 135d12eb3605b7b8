/** A gap this long between two looks at the clock means that this process was stopped, as when a laptop sleeps. */
const STOPPED_MS = 2_000;
const LOOK_MS = 100;

let stoppedMs = 0;
let lookedAt = performance.now();

function look(): number {
  const now = performance.now();
  if (now - lookedAt > STOPPED_MS) stoppedMs += now - lookedAt;
  lookedAt = now;
  return now;
}
setInterval(look, LOOK_MS).unref();

/** Milliseconds that pass only while this process runs: time limits are about the services, not about who stopped the whole run. */
export const awakeMs = (): number => look() - stoppedMs;
