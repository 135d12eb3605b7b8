interface Entry<Value> {
  value: Value;
  /** Milliseconds of the epoch. */
  endsAt: number;
}

export interface TokenCache<Value> {
  get: (token: string, now: number) => Value | undefined;
  set: (token: string, value: Value, endsAt: number) => void;
  clear: () => void;
}

/** Remembers what was verified, for at most `size` tokens; the one that was used longest ago gives way. */
export function createTokenCache<Value>(size: number): TokenCache<Value> {
  // A Map keeps the order of insertion: first the one that was used longest ago.
  const entries = new Map<string, Entry<Value>>();
  return {
    get: (token, now) => {
      const entry = entries.get(token);
      if (entry === undefined) return undefined;
      entries.delete(token);
      if (entry.endsAt <= now) return undefined;
      entries.set(token, entry);
      return entry.value;
    },
    set: (token, value, endsAt) => {
      entries.delete(token);
      entries.set(token, { value, endsAt });
      for (const oldest of entries.keys()) {
        if (entries.size <= size) return;
        entries.delete(oldest);
      }
    },
    clear: () => entries.clear(),
  };
}
