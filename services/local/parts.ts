/** Something that runs until it is stopped. */
export interface Part {
  name: string;
  /** Resolves when it has ended, with the exit code or the signal. What lives in our own process has none. */
  ended?: Promise<string>;
  /** Asks it to end and resolves when it has. */
  stop: () => Promise<void>;
  kill: () => void;
}

export interface Parts {
  add: (part: Part) => void;
  /** Stops the parts, the youngest first, each after the other; those that take too long are killed. */
  stop: () => Promise<void>;
}

/** The rest has to be gone within 10 s of the death of one part. */
const STOP_DEADLINE_MS = 8_000;

/** Calls `onEnd` with the reason when a part ends that nobody has stopped. */
export function superviseParts(onEnd: (reason: string) => void): Parts {
  const running: Part[] = [];
  let stopping = false;
  return {
    add: (part) => {
      running.push(part);
      void part.ended?.then((end) => {
        running.splice(running.indexOf(part), 1);
        if (!stopping) onEnd(`${part.name} has ended (${end})`);
      });
    },
    stop: async () => {
      stopping = true;
      const deadline = setTimeout(() => {
        for (const part of running) part.kill();
      }, STOP_DEADLINE_MS);
      for (const part of running.toReversed()) await part.stop();
      clearTimeout(deadline);
    },
  };
}
