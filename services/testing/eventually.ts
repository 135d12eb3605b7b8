/** Waits until `look` gives something, at most `timeoutMs` of a clock; the condition's last error is the reason of a failure. */
export async function eventually<Result>(
  look: () => Promise<Result>,
  timeoutMs = 10_000,
  nowMs = () => performance.now(),
): Promise<Result> {
  const deadline = nowMs() + timeoutMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (nowMs() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
