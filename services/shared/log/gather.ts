/** What takes text and writes it when it can. */
interface Destination {
  write: (text: string) => unknown;
}

export interface Gathering {
  write: (line: string) => void;
  /** Hands on what is there. */
  flush: () => void;
  /** Takes what is there. */
  take: () => string;
}

/**
 * Hands lines on together: when there are so many characters, and at the latest after this time. The destination counts anew what it
 * holds for each text that it is given, so that lines one by one cost a request a sixth of what it allocates.
 */
export function gatherLines(destination: Destination, characters: number, ms: number): Gathering {
  let lines: string[] = [];
  let length = 0;
  let timer: NodeJS.Timeout | undefined;

  const take = (): string => {
    clearTimeout(timer);
    timer = undefined;
    const text = lines.join('');
    lines = [];
    length = 0;
    return text;
  };
  const flush = (): void => {
    const text = take();
    if (text !== '') destination.write(text);
  };

  return {
    write: (line) => {
      lines.push(line);
      length += line.length;
      if (length >= characters) flush();
      else timer ??= setTimeout(flush, ms);
    },
    flush,
    take,
  };
}
