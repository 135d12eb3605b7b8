export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** A service's log line for human readers; undefined when it is less than `least`. Other lines stay as they are. */
export function readableLine(line: string, least: LogLevel): string | undefined {
  const entry = parse(line);
  const level = logLevels.find((each) => each === entry?.level);
  if (!entry || !level) return line;
  if (logLevels.indexOf(level) < logLevels.indexOf(least)) return undefined;
  const { level: _level, time: _time, service: _service, msg, error, ...fields } = entry;
  const { message, stack } = (error ?? {}) as { message?: string; stack?: string };
  const rest = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [`${level}: ${[msg, ...rest, message].filter(Boolean).join(' ')}`, ...(stack ? [stack] : [])].join(
    '\n',
  );
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
